// The runs that owe nothing to a schedule, in the default strategy: of every sampler something.
//
// Who goes on is drawn anew for each run: whoever's step has the highest priority (as POS), the CPU
// with the highest priority (as PCT), or the default order with a few delays. Over it lie orders
// that reverse races of earlier runs; and in some of the runs by priorities of steps a word whose
// accesses are interleaved uniformly (as SURW does). Some runs by CPUs or in the default order are
// plain: nothing lies over them. Sometimes stores linger, or walkers fetch what nobody asked for.
//
// Kinds of runs are dealt as from a deck (deck.h), and the race that is reversed is one of those of
// the last run that were reversed least often: chance alone would leave some out for long, which
// costs most where a bug is found soon.
//
// Each of these is best where another is bad (tests/bench/strategies): priorities of steps where
// rare orders add up, the default order where much else has to go as usual, the word where many
// threads meet in one place, orders over the default order where one race has to turn out otherwise
// and nothing else. Steps that no other CPU sees are no choices, but for one run in kVisibleOneIn;
// in plain runs they are, since they are moments at which an interrupt can come. There are plain
// runs only where that makes a difference (unseen_interrupts.h), as far as the default run tells; a
// lot of them, since nothing else finds such a moment soon: it takes an order that is as usual but
// for one or two places.
//
// Each run has a focus, the CPUs of one component (components.h): that of a race of the run before,
// which is drawn by its places. The word, and the places of changes and delays, are drawn among the
// steps of these CPUs, so that neighbours that have nothing to do with them do not dilute what is
// drawn. By CPUs and in the default order the others go only when none of these can. By priorities
// of steps all go as without a focus: so two components that share something after all are found to
// be one.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_BLEND_H_
#define SHOOTDOWN_FUZZ_STRATEGY_BLEND_H_

#include "fuzz/strategy/any_race.h"
#include "fuzz/strategy/bounded.h"
#include "fuzz/strategy/chosen_word.h"
#include "fuzz/strategy/components.h"
#include "fuzz/strategy/deck.h"
#include "fuzz/strategy/pct.h"
#include "fuzz/strategy/race_reversal.h"
#include "fuzz/strategy/spent_beginnings.h"

namespace shootdown {

class Blend : public RaceReversal {
 public:
  static constexpr std::uint32_t kHoldingOneIn = 4;
  static constexpr std::uint32_t kWalkingOneIn = 4;
  static constexpr std::uint32_t kVisibleOneIn = 10;

  explicit Blend(std::uint64_t seed)
      : RaceReversal(seed), draws_(Mix64(~seed)), cpus_(Mix64(seed + 1)), delays_(Mix64(seed + 2)) {
    ShuffleKinds();
  }

  // The machine's last run, which was not one of ours, teaches what ours do: which words are shared and
  // how often they are accessed, which races there are. Else the first runs would go by in finding out.
  void LearnFrom(const sim::Machine& machine);

  void EndRun(const sim::Machine& machine) override;

 protected:
  void NewRun(const sim::Machine& machine) override;
  [[nodiscard]] bool Eager(int cpu) override;
  [[nodiscard]] int Choose(std::span<const std::uint8_t> enabled, int current) override;
  [[nodiscard]] int Prefer(std::span<const std::uint8_t> free, int current) override;
  void Taken(int cpu) override;
  [[nodiscard]] std::optional<std::uint8_t> Hold(int cpu) override;
  [[nodiscard]] std::uint8_t Older(int cpu, int count) override;
  [[nodiscard]] std::optional<std::uint8_t> Walk(const sim::Machine& machine, int cpu) override;
  [[nodiscard]] sim::Conflict NextRace(const sim::Machine& machine, Prng& prng) override {
    return AnyRace(machine, prng, &drawn_races_);
  }

 private:
  enum class Base : std::uint8_t { kSteps, kCpus, kDelays };
  struct Kind {
    Base base;
    bool word;
    bool plain;
    // How many of kShareSum runs are so, and how many where unseen_interrupts_.
    std::uint8_t share;
    std::uint8_t share_if_unseen_interrupts;
  };
  static constexpr Kind kKinds[] = {
      {.base = Base::kSteps, .word = true, .plain = false, .share = 4, .share_if_unseen_interrupts = 1},
      {.base = Base::kSteps, .word = false, .plain = false, .share = 5, .share_if_unseen_interrupts = 3},
      {.base = Base::kCpus, .word = false, .plain = false, .share = 1, .share_if_unseen_interrupts = 3},
      {.base = Base::kCpus, .word = false, .plain = true, .share = 0, .share_if_unseen_interrupts = 5},
      {.base = Base::kDelays, .word = false, .plain = false, .share = 3, .share_if_unseen_interrupts = 0},
      {.base = Base::kDelays, .word = false, .plain = true, .share = 0, .share_if_unseen_interrupts = 1}};
  static constexpr std::uint32_t kShareSum = 13;

  void ShuffleKinds();
  [[nodiscard]] CpuSet NextFocus(const sim::Machine& machine);
  [[nodiscard]] int ChooseNew(std::span<const std::uint8_t> enabled, int current);
  [[nodiscard]] int ChooseAmong(std::span<const std::uint8_t> left, int current);

  static constexpr std::uint32_t kPctDepth = 3;
  static constexpr std::uint32_t kDelayCountMax = 3;

  Prng draws_;
  Deck<const Kind*> kinds_;
  ChosenWord chosen_;
  CpuPriorities cpus_;
  DelayedOrder delays_;
  SpentBeginnings spent_;
  DrawnRaces drawn_races_;
  Components components_;
  bool unseen_interrupts_ = false;
  std::size_t shared_word_count_ = 0;  // in the runs of which something is spent
  // Of this run, and once it has ended of the next one. kAllCpus too if all are one component.
  CpuSet focus_ = kAllCpus;
  // In this run:
  Base base_ = Base::kSteps;
  bool plain_ = false;  // no orders
  bool eager_ = true;
  bool holding_ = false;
  bool walking_ = false;
  int last_cpu_ = 0;  // of the last step before which a walker might have fetched
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_BLEND_H_
