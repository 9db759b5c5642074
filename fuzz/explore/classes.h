// Two runs are of one class if each load reads from the same store in both, and the stores to each word
// come in the same order: then no thread can tell them apart.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_CLASSES_H_
#define SHOOTDOWN_FUZZ_EXPLORE_CLASSES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "fuzz/sim/log.h"
#include "fuzz/sim/machine.h"

namespace shootdown::explore {

struct ClassHash {
  std::uint64_t reads_from = 0;
  std::uint64_t both = 0;  // with coherence, and how far each CPU came
};

// Hashes of 64 bits: two classes in a billion are taken for one with a chance of one in forty.
class Classes {
 public:
  // Of a run's log. A store that never reached memory is not ordered after any other.
  [[nodiscard]] ClassHash Of(const sim::Machine& machine);

  // Both return whether it is a new one.
  bool Add(const ClassHash& hash) {
    reads_from_.insert(hash.reads_from);
    return all_.insert(hash.both).second;
  }
  [[nodiscard]] std::uint64_t count() const { return all_.size(); }
  [[nodiscard]] std::uint64_t reads_from_count() const { return reads_from_.size(); }

 private:
  struct LastWrite {
    std::uint32_t run = 0;      // of the entry: others are old
    std::uint32_t writer = 0;   // 0: the value that the run began with
  };
  absl::flat_hash_set<std::uint64_t> all_;
  absl::flat_hash_set<std::uint64_t> reads_from_;
  std::vector<LastWrite> memory_;  // by word
  std::vector<LastWrite> own_;     // by CPU and word: the CPU's youngest store
  std::uint32_t run_ = 0;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_CLASSES_H_
