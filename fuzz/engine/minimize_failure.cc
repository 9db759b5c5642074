#include "fuzz/engine/minimize_failure.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "fuzz/engine/record.h"
#include "fuzz/engine/scenario_minimizer.h"

namespace shootdown {

std::optional<SmallestFailure> MinimizeFailure(std::unique_ptr<Simulation> simulation,
                                               const Failure& failure,
                                               const ScenarioPrinter& print_scenario,
                                               const ProofBudget& budget) {
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(failure.schedule_text);
  SHOOTDOWN_CHECK(schedule.ok());
  const auto now = RecordFailure(*simulation, *schedule, failure.scenario_text);
  if (!now.has_value() || now->kind_key != failure.kind_key) return std::nullopt;

  const Scenario whole = simulation->scenario();
  MinimizedScenario small = MinimizeScenario(std::move(simulation), *schedule, failure.kind_key);
  std::uint64_t run_count = small.minimized.run_count;
  MinimumProof proof;
  for (;;) {
    proof = ProveMinimum(*small.simulation, small.minimized.schedule, failure.kind_key, budget);
    run_count += proof.run_count;
    if (!proof.smaller.has_value()) break;
    // With fewer decisions more of the scenario may go.
    small = MinimizeScenario(std::move(small.simulation), *proof.smaller, failure.kind_key);
    run_count += small.minimized.run_count;
  }
  const Scenario& scenario = small.simulation->scenario();
  // A text that says the same is kept byte for byte, for it makes the id.
  const bool is_less = scenario != whole;
  std::optional<Failure> recorded =
      RecordFailure(*small.simulation, small.minimized.schedule,
                    is_less ? print_scenario(scenario) : failure.scenario_text);
  SHOOTDOWN_CHECK(recorded.has_value());

  SmallestFailure result{.failure = *std::move(recorded), .run_count = run_count};
  Failure& smallest = result.failure;
  smallest.found_scenario_text =
      is_less ? FoundScenarioText(failure) : failure.found_scenario_text;
  smallest.found_schedule_text = failure.found_schedule_text;
  smallest.found_at_run = failure.found_at_run;
  smallest.seed = failure.seed;
  // Those of trace and anchors went with them; what a newer version says of the finding itself stays.
  std::ranges::copy_if(failure.newer_fields, std::back_inserter(smallest.newer_fields),
                       [](const NewerFields& fields) { return fields.list == 0; });
  smallest.minimized = true;
  smallest.minimality = proof.minimality;
  smallest.minimality_runs = proof.run_count;
  smallest.proof = small.minimized.proof;
  smallest.scenario_proof = small.scenario_proof;
  SHOOTDOWN_CHECK(FailureId(smallest) == FailureId(failure));
  return result;
}

}  // namespace shootdown
