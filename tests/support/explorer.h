// All schedules of a small program, one run each, without any reduction: the slow and simple answer
// that cleverer searches are compared with.
//
// A choice is: which CPU takes the next step, or which non-empty store buffer lets its oldest store
// reach memory. Under TSO every store is held, so that each leaves at a moment of its own. Choices
// are made in depth-first order: run n+1 differs from run n in the last choice that has more to try.
// The runs are finite if the program is: it may wait, but not spin.
#ifndef SHOOTDOWN_TESTS_SUPPORT_EXPLORER_H_
#define SHOOTDOWN_TESTS_SUPPORT_EXPLORER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "fuzz/sim/machine.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown::testing {

class Explorer : public sim::Scheduler {
 public:
  void StartRun(const sim::Machine& machine) override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;
  [[nodiscard]] std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) override;

  // Prepares the next schedule; false if there is none left.
  [[nodiscard]] bool Advance();

 private:
  struct Choice {
    std::uint32_t taken = 0;
    std::uint32_t count = 0;
  };
  std::vector<Choice> path_;
  std::size_t depth_ = 0;
  bool chosen_ = false;  // who takes the next step is settled
  bool held_ = false;    // and it is a store, which was held
};

// Runs `machine` under every schedule, calls `each` after each run, and returns how many there were.
std::uint64_t RunAll(sim::Machine& machine, const std::function<void(sim::RunEnd)>& each);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_SUPPORT_EXPLORER_H_
