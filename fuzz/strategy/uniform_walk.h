// At every step, any CPU that can run goes on, all with equal chance. A baseline: a given order of
// k steps among n CPUs has a probability of about n^-k.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_UNIFORM_WALK_H_
#define SHOOTDOWN_FUZZ_STRATEGY_UNIFORM_WALK_H_

#include "fuzz/base/prng.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

class UniformWalk : public StepChooser {
 public:
  explicit UniformWalk(std::uint64_t seed) : StepChooser(LookAhead::kNo), prng_(seed) {}

 protected:
  void NewRun(const sim::Machine& /*machine*/) override {}
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int /*current*/) override {
    return enabled[prng_.Below(static_cast<std::uint32_t>(enabled.size()))];
  }

 private:
  Prng prng_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_UNIFORM_WALK_H_
