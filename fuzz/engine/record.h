// From a run that failed to a failure that can be stored, and back to a run.
#ifndef SHOOTDOWN_FUZZ_ENGINE_RECORD_H_
#define SHOOTDOWN_FUZZ_ENGINE_RECORD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "fuzz/corpus/failure.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {

// Runs `schedule` and writes down all that there is to know of it but minimizing: trace, hashes,
// anchors, words. Null if the run is clean. `scenario_text` is stored as it is.
[[nodiscard]] std::optional<Failure> RecordFailure(Simulation& simulation, const Schedule& schedule,
                                                   const std::string& scenario_text);

// As RecordFailure; of a clean run there is a trace too, and no check.
[[nodiscard]] Failure RecordRun(Simulation& simulation, const Schedule& schedule,
                                const std::string& scenario_text);

// The hash of a whole trace, 32 hexadecimal digits; `hashes`: see sim::ChainedHashes. It is made of the last of
// them and of their number, so it tells traces apart as 64 bits do, not 128; rows are compared one by one as well.
[[nodiscard]] std::string TraceHash(std::span<const std::uint64_t> hashes);

// Two failures with the same signature are the same bug: the check, who broke it, and for each
// decision its kind, who was interrupted, and at which site. REQUIRES: minimized.
[[nodiscard]] std::string Signature(const Failure& failure);

// What replaying showed.
struct Replay {
  bool reproduced = false;       // every row as it was, the check, and the hash of the trace
  std::size_t first_difference = 0;  // row number, if not reproduced
  std::string expected;          // that row in the failure; empty: its trace ends before
  std::string got;               // that row now; empty: the run ends before; both: all rows are the same
  bool reanchored = false;       // steps have moved since; decisions were found again by site
  Schedule schedule;             // as it was run
  std::string trace_hash;        // of that run; the failure's own if it was reproduced
  std::string check;             // that fired; empty: clean
};

// Runs the failure's schedule on `simulation`, and compares every row. If the rows differ because
// steps of the model have moved, the decisions are anchored anew by site and occurrence, and the
// result says so. `schedule_text` must parse: a failure that was read is checked for that.
[[nodiscard]] absl::StatusOr<Replay> ReplayFailure(Simulation& simulation, const Failure& failure);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_RECORD_H_
