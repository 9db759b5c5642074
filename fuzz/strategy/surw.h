// SURW: selectively uniform random walk. Each run singles out one word (fuzz/strategy/chosen_word.h); its
// accesses are interleaved uniformly, as URW would (fuzz/strategy/urw.h), and everything else by random
// priorities of steps.
//
// Source: Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025. The
// first run has no word, and goes by random priorities alone.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_SURW_H_
#define SHOOTDOWN_FUZZ_STRATEGY_SURW_H_

#include "fuzz/strategy/chosen_word.h"
#include "fuzz/strategy/event_priorities.h"
#include "fuzz/strategy/step_chooser.h"

namespace shootdown {

class Surw : public StepChooser {
 public:
  explicit Surw(std::uint64_t seed) : StepChooser(LookAhead::kYes), priorities_(seed) {}

  // The word of this run, or kNoWord.
  [[nodiscard]] sim::WordIndex interesting() const { return chosen_.word(); }

 protected:
  void NewRun(const sim::Machine& machine) override;
  void Arrived(int cpu) override { priorities_.Draw(cpu); }
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;
  void Taken(int cpu) override;

 private:
  EventPriorities priorities_;
  ChosenWord chosen_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_SURW_H_
