// URW: uniform random walk. A CPU goes on with a chance in proportion to the steps that it still has
// to take. If these counts are right and nobody waits, every interleaving is equally likely.
//
// Source: Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025.
// The counts are means of the runs so far (rounded; a CPU that can run has one step left at least), so
// the first run is a random walk. Tasks are not followed from CPU to CPU: a CPU's steps are counted,
// whoever takes them.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_URW_H_
#define SHOOTDOWN_FUZZ_STRATEGY_URW_H_

#include "fuzz/base/prng.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

class Urw : public StepChooser {
 public:
  explicit Urw(std::uint64_t seed) : StepChooser(LookAhead::kNo), prng_(seed) {}

 protected:
  void NewRun(const sim::Machine& machine) override;
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;
  void Taken(int cpu) override;

 private:
  struct Steps {
    std::uint64_t before = 0;  // in all runs before this one
    std::uint64_t taken = 0;   // in this run
    std::uint64_t left = 0;    // in this run, as far as the earlier ones tell
  };

  [[nodiscard]] std::uint64_t Weight(int cpu) const;

  Prng prng_;
  std::uint64_t run_count_ = 0;
  std::array<Steps, kCpuCountMax> steps_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_URW_H_
