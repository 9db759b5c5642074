// Random schedules within a bound, over an order that does not preempt.
//
// Preemptions: a CPU runs on until it waits or ends; then any CPU that can run goes on. At up to
// `bound` random choices the running CPU is left for another although it could go on. Source:
// Musuvathi, Qadeer: Iterative Context Bounding for Systematic Testing of Multithreaded Programs,
// PLDI 2007; choices are drawn here, not enumerated.
//
// Delays: the order is fixed (on until the CPU waits or ends, then the next one, counting up and
// around), and up to `bound` times whoever would go on is passed over. So the number of schedules does
// not grow with the number of CPUs. Source: Emmi, Qadeer, Rakamaric: Delay-Bounded Scheduling,
// POPL 2011.
//
// Both draw their places among as many choices as the longest run so far had (between two CPUs at
// least), so the first run has no place.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_BOUNDED_H_
#define SHOOTDOWN_FUZZ_STRATEGY_BOUNDED_H_

#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

// A few random choices of a run.
class RandomPlaces {
 public:
  explicit RandomPlaces(std::uint64_t seed) : prng_(seed) {}

  void NewRun(std::uint32_t place_count);
  // One more choice is made: how many of the places are here.
  [[nodiscard]] std::uint32_t Here();
  [[nodiscard]] Prng& prng() { return prng_; }

 private:
  Prng prng_;
  std::uint32_t choice_count_ = 0;  // of this run
  std::uint32_t choice_count_max_ = 0;
  std::vector<std::uint32_t> places_;
};

// The fixed order, and where whoever is next is passed over.
class DelayedOrder {
 public:
  explicit DelayedOrder(std::uint64_t seed) : places_(seed) {}

  void NewRun(std::uint32_t delay_count) { places_.NewRun(delay_count); }
  // As StepChooser::Choose; `current` need not be among `enabled`.
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current);

 private:
  RandomPlaces places_;
};

class Preemptions : public StepChooser {
 public:
  Preemptions(std::uint64_t seed, std::uint32_t bound)
      : StepChooser(LookAhead::kNo), places_(seed), bound_(bound) {}

 protected:
  void NewRun(const sim::Machine& /*machine*/) override {
    places_.NewRun(bound_);
    first_ = true;
  }
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;

 private:
  RandomPlaces places_;
  std::uint32_t bound_;
  bool first_ = true;  // nobody has run yet, so nobody is preempted
};

class Delays : public StepChooser {
 public:
  Delays(std::uint64_t seed, std::uint32_t bound)
      : StepChooser(LookAhead::kNo), order_(seed), bound_(bound) {}

 protected:
  void NewRun(const sim::Machine& /*machine*/) override { order_.NewRun(bound_); }
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override {
    return order_.Choose(enabled, current);
  }

 private:
  DelayedOrder order_;
  std::uint32_t bound_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_BOUNDED_H_
