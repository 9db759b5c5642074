// How many different things the runs of a search did, and how likely the next run is to do another one.
//
// Two runs behave the same if each read of theirs read from the same write (the same step of the same
// actor): a reads-from class. Cross calls count as read by who takes them. The count is exact up to
// equal 62-bit hashes, and up to kClassCountMax classes; a run with more conflicts than the machine
// keeps (sim::Machine::conflicts) is classed by those.
#ifndef SHOOTDOWN_FUZZ_ENGINE_BEHAVIOURS_H_
#define SHOOTDOWN_FUZZ_ENGINE_BEHAVIOURS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/corpus/behaviour_sample.h"
#include "fuzz/sim/machine.h"

namespace shootdown {

// Of the machine's last run.
[[nodiscard]] std::uint64_t ReadsFromClass(const sim::Machine& machine);

class BehaviourSet {
 public:
  static constexpr std::size_t kClassCountMax = std::size_t{3} << 18;

  BehaviourSet();

  void AddRun(const sim::Machine& machine) { Add(ReadsFromClass(machine)); }
  void Add(std::uint64_t behaviour);

  // Classes seen; of those, seen once and seen twice.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t seen_once() const { return seen_once_; }
  [[nodiscard]] std::size_t seen_twice() const { return seen_twice_; }
  // Of all of them, also of those above the limit: what joins with what others saw.
  [[nodiscard]] const BehaviourSample& sample() const { return sample_; }

 private:
  // A short search does not pay for the table of a long one.
  static constexpr std::size_t kSlotsAtFirst = std::size_t{1} << 10;

  [[nodiscard]] std::size_t SlotOf(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  void Grow();

  // A hash above two bits of how often it was seen (3: more often). 0: free. A power of two of them.
  std::vector<std::uint64_t> slots_;
  std::size_t size_ = 0;
  std::size_t seen_once_ = 0;
  std::size_t seen_twice_ = 0;
  BehaviourSample sample_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_BEHAVIOURS_H_
