// The schedule nearest to a failing one that passes: where the two runs part, and which two
// accesses they have in another order, is the race.
//
// After Hermit's `analyze`, which bisects between a schedule that fails and one that passes down to
// one pair of events, and Choi and Zeller, "Isolating Failure-Inducing Thread Schedules" (ISSTA
// 2002). A minimized schedule has few decisions, so nothing has to be bisected: all that differ
// from it by one decision are run, and the nearest one that passes is chosen.
#ifndef SHOOTDOWN_FUZZ_ENGINE_NEIGHBOUR_H_
#define SHOOTDOWN_FUZZ_ENGINE_NEIGHBOUR_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

// Two accesses of different CPUs to one word, at least one a write, as rows of the failing run, in
// its order. The other run has both, the other way round.
struct ReversedPair {
  sim::Row first = 0;
  sim::Row second = 0;
  friend bool operator==(const ReversedPair&, const ReversedPair&) = default;
};

// Every such pair. A step is the same in both runs if its actor, its number among the actor's steps
// and its site are.
[[nodiscard]] std::vector<ReversedPair> ReversedPairs(std::span<const sim::LogEntry> failing,
                                                      std::span<const sim::LogEntry> passing);

struct Neighbour {
  enum class Change : std::uint8_t { kMoved, kLeftOut, kAdded };
  Schedule schedule = {};
  Change change = Change::kMoved;
  Decision decision = {};         // of the failing schedule; kAdded: of this one
  int moved_by = 0;               // kMoved: how many steps of its actor later; earlier if negative
  sim::Row first_difference = 0;  // the first row that is not the same in both
  std::vector<ReversedPair> reversed = {};
};

struct NeighbourSearch {
  std::optional<Neighbour> nearest;  // nothing: none that differs by one decision passes
  std::uint64_t run_count = 0;
};

// Nearest: one decision moved or left out, before one more decision; then the fewest reversed
// pairs, but not none; then the fewest steps moved by; then the earliest difference, which is
// nearest to the mistake: the latest one only has the damage done before it is looked at. REQUIRES:
// `failing` makes `subject` fail.
[[nodiscard]] NeighbourSearch FindNeighbour(sim::Subject& subject, const Schedule& failing);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_NEIGHBOUR_H_
