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
#include <memory>

#include "fuzz/sim/machine.h"

namespace shootdown {

// Of the machine's last run.
[[nodiscard]] std::uint64_t ReadsFromClass(const sim::Machine& machine);

// How likely one more run of the same kind is to behave as none before: Good and Turing's estimate, the
// share of runs whose behaviour came up once only, with Esty's 95 % interval. Source: Good: The Population
// Frequencies of Species and the Estimation of Population Parameters, Biometrika 40, 1953; Esty: A
// Normal Limit Law for a Nonparametric Estimator of the Coverage of a Random Sample, Annals of
// Statistics 11, 1983. Both are about draws that do not depend on each other. A search that learns is none:
// what it says is a hint when to stop, not a proof.
struct NewBehaviour {
  double per_run = 1;
  double low = 0;
  double high = 1;
};
[[nodiscard]] NewBehaviour EstimateNewBehaviour(std::uint64_t runs, std::uint64_t seen_once,
                                                std::uint64_t seen_twice);

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

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 20;

  // A hash above two bits of how often it was seen (3: more often). 0: free.
  std::unique_ptr<std::uint64_t[]> slots_;
  std::size_t size_ = 0;
  std::size_t seen_once_ = 0;
  std::size_t seen_twice_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_BEHAVIOURS_H_
