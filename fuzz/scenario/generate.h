// Scenarios out of a seed: random machines, and random workloads over every operation that is
// registered, a user's own too. Each task keeps to the rules of the interfaces that it uses (OpUse), and
// every switch has its default; so a correct kernel model is clean under any schedule, and whatever is
// found is a mistake of the model, of a check, or of an operation's OpUse.
#ifndef SHOOTDOWN_FUZZ_SCENARIO_GENERATE_H_
#define SHOOTDOWN_FUZZ_SCENARIO_GENERATE_H_

#include <cstdint>
#include <string_view>

#include "fuzz/scenario/scenario.h"

namespace shootdown {

// The same seed gives the same scenario, as long as the same operations are registered. `arch` empty:
// drawn as well. It can be built. REQUIRES: there is an architecture of that name.
[[nodiscard]] Scenario GenerateScenario(std::uint64_t seed, std::string_view arch = "");

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCENARIO_GENERATE_H_
