// Shrinks a failing schedule, and then its scenario, while the failure stays of the same kind.
//
// The result is 1-minimal: without any one of its decisions the failure is gone, and the proof says
// what happens instead. Each decision stands as late as it can, that is, directly before a step
// that matters, and leads to the CPU from which the failure is nearest, so that equal bugs end as
// equal schedules.
#ifndef SHOOTDOWN_FUZZ_ENGINE_MINIMIZER_H_
#define SHOOTDOWN_FUZZ_ENGINE_MINIMIZER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/corpus/failure.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

struct Minimized {
  Schedule schedule;
  std::vector<ProofStep> proof;  // one for each decision
  std::uint64_t run_count = 0;   // what it cost
};

// REQUIRES: `failing` makes `subject` fail with this KindKey.
[[nodiscard]] Minimized MinimizeSchedule(sim::Subject& subject, const Schedule& failing,
                                         const std::string& kind_key);

// What happens without each decision. The schedule is 1-minimal if no verdict is its own kind.
[[nodiscard]] std::vector<ProofStep> Prove(sim::Subject& subject, const Schedule& schedule,
                                           const std::string& kind_key);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_MINIMIZER_H_
