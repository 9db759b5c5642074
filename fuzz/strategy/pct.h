// PCT: probabilistic concurrency testing. CPUs have random priorities and the highest that can run
// goes on; at depth - 1 random choices of the run, whoever would go on falls below everybody else.
//
// A bug of depth d (one that d ordering constraints between steps force) is found by a run with a
// chance of at least 1 / (n k^(d-1)), for n CPUs and k choices.
//
// Source: Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic
// Guarantees of Finding Bugs, ASPLOS 2010. k is the longest run so far, counted in choices between
// two CPUs at least; so nothing changes in the first run. In the paper whoever comes to the i-th point
// that was drawn falls to priority i; here, as in Coyote and Shuttle, each falls below all that fell
// before. In the paper's way half of the pairs of points are lost on two CPUs, since the second one
// falls above the first.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_PCT_H_
#define SHOOTDOWN_FUZZ_STRATEGY_PCT_H_

#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

// Random priorities of CPUs, and the random choices at which somebody falls below everybody else.
class CpuPriorities {
 public:
  explicit CpuPriorities(std::uint64_t seed) : prng_(seed) {}

  // REQUIRES: depth > 0.
  void NewRun(int cpu_count, std::uint32_t depth);
  // The highest of `enabled`, which is not empty.
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled);
  // The longest run so far, in choices.
  [[nodiscard]] std::uint32_t choice_count_max() const { return choice_count_max_; }

 private:
  Prng prng_;
  std::uint32_t depth_ = 1;
  std::uint32_t choice_count_ = 0;  // of this run
  std::uint32_t choice_count_max_ = 0;
  std::array<std::uint32_t, kCpuCountMax> priority_{};
  std::vector<std::uint32_t> change_points_;  // ascending; numbers of choices, from 1
};

class Pct : public StepChooser {
 public:
  // REQUIRES: depth > 0.
  Pct(std::uint64_t seed, std::uint32_t depth)
      : StepChooser(LookAhead::kNo), priorities_(seed), depth_(depth) {}

  // The longest run so far, in choices.
  [[nodiscard]] std::uint32_t choice_count_max() const { return priorities_.choice_count_max(); }

 protected:
  void NewRun(const sim::Machine& /*machine*/) override {
    priorities_.NewRun(cpu_count(), depth_);
  }
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int /*current*/) override {
    return priorities_.Choose(enabled);
  }

 private:
  CpuPriorities priorities_;
  std::uint32_t depth_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_PCT_H_
