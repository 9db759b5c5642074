#include "fuzz/strategy/any_race.h"

namespace shootdown {

sim::Conflict AnyRace(const sim::Machine& machine, Prng& prng) {
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
  return RaceOf(machine, *winner, prng);
}

sim::Conflict RaceOf(const sim::Machine& machine, const sim::Conflict& conflict, Prng& prng) {
  const auto log = machine.log();
  const sim::LogEntry& taken = log[conflict.second];
  if (taken.kind != sim::StepKind::kMondoTaken) return conflict;
  // The handler's own steps are what the mondo brings.
  std::uint32_t count = 0;
  sim::Row at = 0;
  for (sim::Row row = 0; row < log.size(); ++row) {
    if (log[row].cpu != taken.cpu || log[row].actor == taken.actor || !CanAnchor(log[row].kind)) continue;
    if (prng.OneIn(++count)) at = row;
  }
  if (count == 0) return conflict;
  return at < conflict.first ? sim::Conflict{.first = at, .second = conflict.first}
                             : sim::Conflict{.first = conflict.first, .second = at};
}

}  // namespace shootdown
