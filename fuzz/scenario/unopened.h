// A name that a user mistyped: an operation on a ring, a device or a file that no operation of the
// scenario makes. It does nothing then, and the scenario would be clean for that alone.
//
// No part of Simulation::Build: of a failure's minimized scenario any part may be gone, and it
// still replays.
#ifndef SHOOTDOWN_FUZZ_SCENARIO_UNOPENED_H_
#define SHOOTDOWN_FUZZ_SCENARIO_UNOPENED_H_

#include <optional>

#include "fuzz/scenario/simulation.h"

namespace shootdown {

// The first such operation. REQUIRES: `scenario` can be built.
[[nodiscard]] std::optional<ScenarioProblem> FindUnopened(const Scenario& scenario);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCENARIO_UNOPENED_H_
