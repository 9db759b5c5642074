// Which race of a run is to be reversed.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_ANY_RACE_H_
#define SHOOTDOWN_FUZZ_STRATEGY_ANY_RACE_H_

#include "fuzz/base/prng.h"
#include "fuzz/sim/machine.h"

namespace shootdown {

// A random conflict of the machine's last run. Each pair of places (site and kind of both steps) is
// as likely as any other, however many CPUs met there and how often: so neither many threads nor
// busy neighbours hide a race. REQUIRES: machine.conflicts() is not empty.
[[nodiscard]] const sim::Conflict& AnyRace(const sim::Machine& machine, Prng& prng);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_ANY_RACE_H_
