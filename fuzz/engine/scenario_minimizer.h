// Shrinks a scenario while a failure of the same kind remains: what tasks do that does not matter to
// the failure goes, and so do tasks.
//
// The result is 1-minimal on its own scenario, both ways: without any one decision the failure is gone
// (minimizer.h), and without any one operation, or any one task, it is gone as well. For operations that
// means: with every decision put before a step of the same site again, whichever occurrence of it, no
// run fails in the same way. The proof says what happens instead; where there were too many places to try
// them all it says so, and that part may not be needed. The schedule never grows, and a race stays a race: a
// scenario that fails in the default order is no smaller form of one that does not.
//
// Left out: machine, version and checks stay as they are, for they say what the scenario is about.
#ifndef SHOOTDOWN_FUZZ_ENGINE_SCENARIO_MINIMIZER_H_
#define SHOOTDOWN_FUZZ_ENGINE_SCENARIO_MINIMIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/engine/minimizer.h"
#include "fuzz/scenario/scenario.h"
#include "fuzz/scenario/simulation.h"

namespace shootdown {

// A task (kTask), or one of its operations.
struct ScenarioPart {
  enum class Kind : std::uint8_t { kTask, kSetup, kOp };
  Kind kind = Kind::kTask;
  std::size_t task = 0;
  std::size_t entry = 0;  // kSetup, kOp
};

// Everything that can be left out: operations, then tasks, if there are several.
[[nodiscard]] std::vector<ScenarioPart> PartsOf(const Scenario& scenario);
[[nodiscard]] Scenario Without(Scenario scenario, const ScenarioPart& part);
// `task sq`, `app: munmap A`, `app before step 0: touch A`.
[[nodiscard]] std::string ToText(const ScenarioPart& part, const Scenario& scenario);

struct MinimizedScenario {
  std::unique_ptr<Simulation> simulation;  // of the smaller scenario
  Minimized minimized;                     // the schedule on it; the proof is about decisions
  std::vector<ProofStep> scenario_proof;   // one for each part of the scenario
};

// A few decisions with a few places each: more is seldom needed.
inline constexpr std::uint64_t kRunsPerPart = 300;

// At most `runs_per_part` runs look for the failure without one part.
// Takes the simulation, since only one can live at a time, and gives back that of the result.
// REQUIRES: `failing` makes `simulation` fail with this KindKey.
[[nodiscard]] MinimizedScenario MinimizeScenario(std::unique_ptr<Simulation> simulation,
                                                 const Schedule& failing,
                                                 const std::string& kind_key,
                                                 std::uint64_t runs_per_part = kRunsPerPart);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_SCENARIO_MINIMIZER_H_
