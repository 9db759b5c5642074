#include "fuzz/strategy/any_race.h"

#include "fuzz/base/hash.h"

namespace shootdown {
namespace {

std::uint64_t PlacesOf(const sim::LogEntry& first, const sim::LogEntry& second) {
  const std::uint64_t sites = std::uint64_t{first.site->hash} << 32 | second.site->hash;
  const std::uint64_t kinds =
      static_cast<std::uint64_t>(first.kind) << 8 | static_cast<std::uint64_t>(second.kind);
  return Combine(sites, kinds);
}

}  // namespace

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
