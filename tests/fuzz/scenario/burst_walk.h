// A random walk with long strides: a CPU goes on for a while before another one does. Most races
// need one CPU to get far while another stands still, which a walk that chooses anew at each step
// never does.
#ifndef SHOOTDOWN_TESTS_FUZZ_SCENARIO_BURST_WALK_H_
#define SHOOTDOWN_TESTS_FUZZ_SCENARIO_BURST_WALK_H_

#include <cstdint>

#include "fuzz/base/prng.h"
#include "fuzz/sim/scheduler.h"

namespace shootdown::testing {

// The seed also chooses how long strides are, and whether stores are held, reschedule interrupts
// and NMIs come, TLB entries go, and interrupts are late.
class BurstWalk : public sim::Scheduler {
 public:
  explicit BurstWalk(std::uint64_t seed);

  void StartRun(const sim::Machine& machine) override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;
  [[nodiscard]] std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) override;

 private:
  Prng prng_;
  std::uint32_t stride_;       // a switch once in that many steps
  std::uint32_t hold_one_in_;  // 0: never
  std::uint32_t event_one_in_;

  bool moved_ = false;
};

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_SCENARIO_BURST_WALK_H_
