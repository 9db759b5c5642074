// What an interleaving did that none did before. A feature is two conflicts in a row, or the first one of a
// run: a 64-bit number made of names only, never of addresses. A conflict is two steps of different CPUs on
// one word, by site and kind, in their order.
//
// tests/bench/README.md has what they are worth, and which others were worth nothing.
#ifndef SHOOTDOWN_FUZZ_ENGINE_FEATURES_H_
#define SHOOTDOWN_FUZZ_ENGINE_FEATURES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fuzz/sim/machine.h"

namespace shootdown {

class FeatureSet {
 public:
  // A feature's index is below this. Two features may share an index, which costs a little news and
  // keeps a run's bookkeeping inside the first caches.
  static constexpr std::size_t kBits = std::size_t{1} << 18;

  FeatureSet();

  // The indexes of the features of the machine's last run, ascending.
  [[nodiscard]] static std::vector<std::uint32_t> OfRun(const sim::Machine& machine);

  // Adds features by index. REQUIRES: each is below kBits.
  void AddKnown(std::span<const std::uint32_t> indexes);

  // Adds the features of the machine's last run. Returns how many were new.
  std::size_t AddRun(const sim::Machine& machine);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  void Add(std::uint64_t feature);

  std::unique_ptr<std::uint64_t[]> seen_;  // a bit for each index
  std::size_t size_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_FEATURES_H_
