// From a failure to the smallest one of its kind, under the same id: minimizer.h, scenario_minimizer.h,
// minimum_proof.h and record.h, one after the other. A smaller schedule that the proof comes upon is
// minimized in its turn.
#ifndef SHOOTDOWN_FUZZ_ENGINE_MINIMIZE_FAILURE_H_
#define SHOOTDOWN_FUZZ_ENGINE_MINIMIZE_FAILURE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fuzz/corpus/failure.h"
#include "fuzz/engine/minimum_proof.h"
#include "fuzz/scenario/scenario.h"
#include "fuzz/scenario/simulation.h"

namespace shootdown {

// The canonical text of a scenario: PrintScenario of proto/scenario_text.h, which is above this layer.
using ScenarioPrinter = std::function<std::string(const Scenario&)>;

struct SmallestFailure {
  Failure failure;
  std::uint64_t run_count = 0;  // what it cost
};

// Null if `failure` does not fail as it did: the model has changed since. The schedule parses, and
// `simulation` is that of the failure's scenario; it is gone afterwards.
[[nodiscard]] std::optional<SmallestFailure> MinimizeFailure(
    std::unique_ptr<Simulation> simulation, const Failure& failure,
    const ScenarioPrinter& print_scenario, const ProofBudget& budget = {});

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_MINIMIZE_FAILURE_H_
