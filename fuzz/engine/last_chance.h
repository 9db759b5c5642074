// The last step of a failing run from which some order of steps still avoids the failure: after it,
// whichever CPU goes on, a check fires. The mistake has been made there, however much later it is
// seen. What comes from outside may still hide it: an entry that is evicted is used by nobody.
//
// Whether the failure can still be avoided only ever goes from yes to no along the run: a run that
// passes and agrees with the failing one up to a step agrees with it up to every earlier one too.
// So the step is found by bisection.
#ifndef SHOOTDOWN_FUZZ_ENGINE_LAST_CHANCE_H_
#define SHOOTDOWN_FUZZ_ENGINE_LAST_CHANCE_H_

#include <cstdint>
#include <optional>

#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

struct LastChance {
  // The row of the failing run that must not happen. Nothing: no schedule was found that passes at
  // all.
  std::optional<sim::Row> row;
  // Of a run that goes as the failing one up to that row, and then passes.
  Schedule passing;
  // Every order of steps that goes on from behind `row` was run, and failed. Else `run_count_max`
  // runs did (`ran_out`), or as many as the tree has where it does not have all orders: of held stores,
  // under PSO and RMO.
  bool proved = false;
  bool ran_out = false;
  // And every moment at which a store that is held may reach memory.
  bool drains_varied = false;
  std::uint64_t run_count = 0;
};

// Who takes each step is varied, and, if a store is held in `failing`, which stores are held and
// when they drain. Not varied: interrupts, evictions, walks of hardware. REQUIRES: `failing` makes
// `subject` fail. At most `run_count_max` runs for each step that is asked about; there are
// log2(steps) of those.
[[nodiscard]] LastChance FindLastChance(sim::Subject& subject, const Schedule& failing,
                                        std::uint64_t run_count_max);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_LAST_CHANCE_H_
