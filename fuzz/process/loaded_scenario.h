// A scenario that was read: its data, its canonical text, and where in the text each part stands.
#ifndef SHOOTDOWN_FUZZ_PROCESS_LOADED_SCENARIO_H_
#define SHOOTDOWN_FUZZ_PROCESS_LOADED_SCENARIO_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "fuzz/scenario/simulation.h"
#include "proto/scenario_text.h"

namespace shootdown {

struct LoadedScenario {
  Scenario scenario;
  ScenarioLocations locations;
  std::string text;  // canonical: what is stored with a failure
};

// `text` is canonical already, and is kept as it is; `name` is for messages only.
[[nodiscard]] absl::StatusOr<LoadedScenario> ParseLoadedScenario(std::string_view text,
                                                                 std::string_view name);

// Ready to run, or INVALID_ARGUMENT with file:line:column.
[[nodiscard]] absl::StatusOr<std::unique_ptr<Simulation>> BuildSimulation(
    const LoadedScenario& loaded);

// That it can be run, and does what it says: for scenarios that somebody wrote
// (fuzz/scenario/unopened.h).
[[nodiscard]] absl::Status CheckScenario(const LoadedScenario& loaded);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_LOADED_SCENARIO_H_
