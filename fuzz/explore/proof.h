// As much of a proof as a number of states allows: for tables of many scenarios.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_PROOF_H_
#define SHOOTDOWN_FUZZ_EXPLORE_PROOF_H_

#include <cstdint>
#include <string>

#include "fuzz/explore/state_search.h"

namespace shootdown::explore {

struct Proof {
  enum class Kind : std::uint8_t {
    kUnfinished,   // not even the default order was run
    // All schedules with at most `bound` departures (StateOptions), of which one may be an event.
    kDepartures,
    kPreemptions,  // all schedules with at most `bound` preemptions and `events` events
    kAll,          // all schedules with at most `events` events
    kRefuted,      // a schedule breaks a rule
  };
  Kind kind = Kind::kUnfinished;
  std::uint32_t bound = 0;  // of departures or preemptions (StateOptions)
  std::uint32_t events = 0;
  std::uint64_t states = 0;  // of the search that says so
  std::string check;         // kRefuted: which rule
};

// How many preemptions a bounded proof allows: the fewer the more CPUs there are to choose from.
[[nodiscard]] constexpr std::uint32_t PreemptionsOfProof(int cpu_count) {
  return cpu_count <= 2 ? 3 : 2;
}

// How many times as many states a bounded proof may have, since nothing after it says much of many
// schedules; and a proof of everything that follows it. For more than four CPUs there are none to
// spare.
[[nodiscard]] constexpr std::uint64_t StatesOfLongProof(int cpu_count) {
  return cpu_count <= 4 ? 24 : 1;
}

// What can be said with searches of at most so many states each. First everything without events.
// If that is too much everything within PreemptionsOfProof, of up to StatesOfLongProof times as many
// states; and where that is done, everything once more, of as many. Each of these with one event as
// well, if it was little. If what is bounded is too much, too, by the number of departures, of which
// one may be an event.
//
// `expects_violation`: by departures first, since that finds one soonest. If it is too much,
// everything without events, which goes further.
[[nodiscard]] Proof Prove(sim::Subject& subject, std::uint64_t state_count_max,
                          bool expects_violation);

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_PROOF_H_
