#include "fuzz/process/loaded_scenario.h"

#include <optional>

#include "fuzz/scenario/unopened.h"

namespace shootdown {
namespace {

TextPosition PositionOf(const ScenarioProblem& problem, const ScenarioLocations& locations) {
  using Part = ScenarioProblem::Part;
  const auto at = [&](const std::vector<TextPosition>& list) {
    return problem.entry < list.size() ? list[problem.entry] : TextPosition();
  };
  const auto* const task =
      problem.task < locations.tasks.size() ? &locations.tasks[problem.task] : nullptr;
  switch (problem.part) {
    case Part::kArch: return locations.arch;
    case Part::kVersion: return at(locations.version);
    case Part::kTask: return task != nullptr ? task->task : TextPosition();
    case Part::kSetup: return task != nullptr ? at(task->setup) : TextPosition();
    case Part::kOp: return task != nullptr ? at(task->ops) : TextPosition();
    case Part::kCheckOn: return at(locations.checks_on);
    case Part::kCheckOff: return at(locations.checks_off);
    case Part::kExpected: return locations.expected;
    case Part::kWhole: return {};
  }
  return {};
}

absl::Status ToStatus(const ScenarioProblem& problem, const LoadedScenario& loaded) {
  return absl::InvalidArgumentError(loaded.locations.At(PositionOf(problem, loaded.locations)) +
                                    ": " + problem.message);
}

}  // namespace

absl::StatusOr<LoadedScenario> ParseLoadedScenario(std::string_view text, std::string_view name) {
  LoadedScenario loaded;
  absl::StatusOr<Scenario> scenario = ParseScenario(text, name, &loaded.locations);
  if (!scenario.ok()) return scenario.status();
  loaded.scenario = *std::move(scenario);
  loaded.text = text;
  return loaded;
}

absl::StatusOr<std::unique_ptr<Simulation>> BuildSimulation(const LoadedScenario& loaded) {
  ScenarioProblem problem;
  std::unique_ptr<Simulation> simulation = Simulation::Build(loaded.scenario, &problem);
  if (simulation != nullptr) return simulation;
  return ToStatus(problem, loaded);
}

absl::Status CheckScenario(const LoadedScenario& loaded) {
  if (absl::Status built = BuildSimulation(loaded).status(); !built.ok()) return built;
  const std::optional<ScenarioProblem> unopened = FindUnopened(loaded.scenario);
  return unopened ? ToStatus(*unopened, loaded) : absl::OkStatus();
}

}  // namespace shootdown
