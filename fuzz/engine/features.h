// What an interleaving did that none did before. Three kinds of features, each a 64-bit number made
// of names only (sites, kinds), never of addresses:
//   - a conflict: two steps of different CPUs on one word, by site and kind, in their order;
//   - two conflicts in a row;
//   - a state that a check finds worth naming (sim::Machine::Feature): near misses above all.
// fuzz/engine/README.md has what each is worth.
#ifndef SHOOTDOWN_FUZZ_ENGINE_FEATURES_H_
#define SHOOTDOWN_FUZZ_ENGINE_FEATURES_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "fuzz/sim/machine.h"

namespace shootdown {

class FeatureSet {
 public:
  FeatureSet();

  // Adds the features of the machine's last run. Returns how many were new.
  std::size_t AddRun(const sim::Machine& machine);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  bool Add(std::uint64_t feature);

  // A bit for each feature, by hash: two features may share one, which costs a little news and
  // keeps a run's bookkeeping inside the first caches.
  static constexpr std::size_t kBits = std::size_t{1} << 18;
  std::unique_ptr<std::uint64_t[]> seen_;
  std::size_t size_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_FEATURES_H_
