// Which race of a run is to be reversed.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_ANY_RACE_H_
#define SHOOTDOWN_FUZZ_STRATEGY_ANY_RACE_H_

#include <array>
#include <cstdint>

#include "fuzz/base/hash.h"
#include "fuzz/base/prng.h"
#include "fuzz/sim/machine.h"

namespace shootdown {

// A number for the places of a race: site and kind of both steps, in their order.
[[nodiscard]] inline std::uint64_t PlacesOf(const sim::LogEntry& first,
                                            const sim::LogEntry& second) {
  const std::uint64_t sites = std::uint64_t{first.site->hash} << 32 | second.site->hash;
  const std::uint64_t kinds =
      static_cast<std::uint64_t>(first.kind) << 8 | static_cast<std::uint64_t>(second.kind);
  return Combine(sites, kinds);
}

// How often each race was drawn, as a pair of an actor's places each, whichever of the two came
// first: a race that was reversed is the same race. Races share a count now and then.
class DrawnRaces {
 public:
  [[nodiscard]] std::uint32_t& CountOf(const sim::LogEntry& a, const sim::LogEntry& b) {
    return counts_[Mix64(PlaceOf(a) + PlaceOf(b)) % counts_.size()];
  }

 private:
  static std::uint64_t PlaceOf(const sim::LogEntry& step) {
    return Mix64(std::uint64_t{step.site->hash} << 16 | static_cast<std::uint64_t>(step.kind) << 8 |
                 (step.actor & 0xffu) | static_cast<std::uint64_t>(step.actor >> 8) << 48);
  }

  std::array<std::uint32_t, 4096> counts_{};
};

// A random race of the machine's last run. Each pair of places (site and kind of both steps) is
// as likely as any other, however many CPUs met there and how often: so neither many threads nor
// busy neighbours hide a race. With `drawn` it is one of those that were drawn least often, and
// counts there. Half of the time a mondo makes as many pairs as there are steps of its target among
// which it matters where it comes (RaceOf); else sending and taking it are one pair like others,
// which few races would be seen among otherwise. REQUIRES: machine.conflicts() is not empty.
[[nodiscard]] sim::Conflict AnyRace(const sim::Machine& machine, Prng& prng,
                                    DrawnRaces* drawn = nullptr);

// What a conflict of the machine's last run is a race of: its two steps, as a rule. A mondo could have
// been taken before any step of its target, so sending it races with each of them: then one of these
// is drawn, and is `second` or, if it was taken before the mondo was sent, `first`.
//
// Where the mondo comes matters most among steps on what the target's tasks and handlers have in common: words that
// two of them access and one writes, and the TLB. One of these is drawn; but one time in kAnyStepOneIn, or if
// there is none, any step, since a task also remembers what no step of its shows (lazy mmu mode, a register).
inline constexpr std::uint32_t kAnyStepOneIn = 4;
[[nodiscard]] sim::Conflict RaceOf(const sim::Machine& machine, const sim::Conflict& conflict,
                                   Prng& prng);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_ANY_RACE_H_
