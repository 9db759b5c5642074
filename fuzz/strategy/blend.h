// The runs that owe nothing to a schedule, in the default strategy: race reversal over POS, half of the time
// with a word whose accesses are interleaved uniformly, as SURW does; and now and then stores linger.
//
// Each of these is best where another is bad (tests/bench/strategies): reversals where rare orders add up,
// the word where many threads meet in one place. Together they cost little more than the better one.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_BLEND_H_
#define SHOOTDOWN_FUZZ_STRATEGY_BLEND_H_

#include "fuzz/strategy/chosen_word.h"
#include "fuzz/strategy/race_reversal.h"

namespace shootdown {

class Blend : public RaceReversal {
 public:
  static constexpr std::uint32_t kHoldingOneIn = 4;

  explicit Blend(std::uint64_t seed) : RaceReversal(seed), draws_(Mix64(~seed)) {}

 protected:
  void NewRun(const sim::Machine& machine) override;
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;
  void Taken(int cpu) override;
  [[nodiscard]] std::optional<std::uint8_t> Hold(int cpu) override;
  [[nodiscard]] std::uint8_t Older(int cpu, int count) override;

 private:
  Prng draws_;
  ChosenWord chosen_;
  bool holding_ = false;  // in this run
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_BLEND_H_
