// Whether a minimized schedule is the smallest of its kind. That no one decision can be left out
// does not say so: others may do it with fewer. So every schedule of fewer decisions is run
// (ScheduleTree), of the kinds that the minimized one is made of and switches.
//
// Only decisions that a run can take count: a schedule stands for its applied decisions. Kinds that
// the minimized schedule has none of are left out; an eviction, say, may do in one what two
// switches do.
#ifndef SHOOTDOWN_FUZZ_ENGINE_MINIMUM_PROOF_H_
#define SHOOTDOWN_FUZZ_ENGINE_MINIMUM_PROOF_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "fuzz/corpus/failure.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

// Counts of runs and steps, never seconds: what they decide is stored.
struct ProofBudget {
  // Of the catalogue's findings the median takes 29 runs and nine in ten take 2,121; 50,000 are
  // done in a tenth of a second or two.
  std::uint64_t run_count_max = 50'000;
  std::uint64_t step_count_max = 10'000'000;  // of all runs together
  // For somebody who does not want to wait any more: true, and the proof ends unfinished.
  std::function<bool()> should_stop = nullptr;
};

struct MinimumProof {
  Minimality minimality = Minimality::kOneMinimal;
  std::uint64_t run_count = 0;
  // The simplest of the smallest schedules that fail in the same way with fewer decisions.
  std::optional<Schedule> smaller;
};

// REQUIRES: `schedule` is 1-minimal, and makes `subject` fail with this KindKey.
[[nodiscard]] MinimumProof ProveMinimum(sim::Subject& subject, const Schedule& schedule,
                                        const std::string& kind_key, const ProofBudget& budget);

// How much there is to understand, the hardest first: of two schedules the lesser one is shown.
// Source: dejafu's order of traces (Walker, Runciman: simplest first).
struct ScheduleComplexity {
  std::size_t decisions = 0;
  std::size_t preemptions = 0;  // switches away from a CPU that could go on
  std::size_t lingering = 0;    // stores held, and drained by decision
  std::size_t interrupts = 0;   // delayed, rescheduling and non-maskable ones
  std::size_t hardware = 0;     // evictions and walks
  std::size_t switches = 0;     // where the CPU waited anyway
  std::size_t steps = 0;
  friend auto operator<=>(const ScheduleComplexity&, const ScheduleComplexity&) = default;
};
// By one run of it.
[[nodiscard]] ScheduleComplexity ComplexityOf(sim::Subject& subject, const Schedule& schedule);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_MINIMUM_PROOF_H_
