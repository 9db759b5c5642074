// How much a scenario holds, in words.
#ifndef SHOOTDOWN_FUZZ_CLI_SCENARIO_SIZE_H_
#define SHOOTDOWN_FUZZ_CLI_SCENARIO_SIZE_H_

#include <string>

#include "fuzz/scenario/scenario.h"

namespace shootdown {

// `2 tasks, 6 operations (of 4 tasks, 11)`; without the parentheses if nothing has gone.
[[nodiscard]] std::string SizeText(const Scenario& scenario, const Scenario& found);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_SCENARIO_SIZE_H_
