#include "fuzz/strategy/any_race.h"

namespace shootdown {

const sim::Conflict& AnyRace(const sim::Machine& machine, Prng& prng) {
  const auto log = machine.log();
  // Each pair of places draws a lot, the same one wherever it comes up; the least one wins.
  const std::uint64_t salt = prng.Next();
  const sim::Conflict* winner = nullptr;
  std::uint64_t least = 0;
  std::uint32_t equal_count = 0;
  for (const sim::Conflict& c : machine.conflicts()) {
    const std::uint64_t lot = Mix64(PlacesOf(log[c.first], log[c.second]) ^ salt);
    if (winner == nullptr || lot < least) {
      winner = &c;
      least = lot;
      equal_count = 1;
    } else if (lot == least && prng.OneIn(++equal_count)) {
      winner = &c;
    }
  }
  return *winner;
}

}  // namespace shootdown
