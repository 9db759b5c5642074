// Changes schedules, knowing what they mean and what the parent's run did.
//
// Above all race reversal: two conflicting steps of the parent's run are asked to happen the other
// way round, by leaving the first one's CPU just before it, and coming back just after the second.
// Everything a mutator draws comes from the Prng that it is given. `memory`: fuzz/schedule/schedule.h.
#ifndef SHOOTDOWN_FUZZ_ENGINE_MUTATOR_H_
#define SHOOTDOWN_FUZZ_ENGINE_MUTATOR_H_

#include "fuzz/base/prng.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/machine.h"

namespace shootdown {

inline constexpr std::size_t kDecisionCountMax = 16;

// A child of the schedule that made the machine's last run. At most kDecisionCountMax decisions.
[[nodiscard]] Schedule Mutate(const sim::Machine& machine, Prng& prng, Schedule memory = {});

// Two or three switches at random steps of the machine's last run, to random CPUs; nothing else.
[[nodiscard]] Schedule RandomSchedule(const sim::Machine& machine, Prng& prng);

// Some decisions of each.
[[nodiscard]] Schedule CrossOver(const Schedule& a, const Schedule& b, Prng& prng,
                                 Schedule memory = {});

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_MUTATOR_H_
