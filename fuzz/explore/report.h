// What a systematic search was asked for, and what it can say afterwards.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_REPORT_H_
#define SHOOTDOWN_FUZZ_EXPLORE_REPORT_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "fuzz/base/content_hash.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/subject.h"

namespace shootdown::explore {

struct Options {
  std::uint64_t execution_count_max = UINT64_MAX;  // of this search; not those of one that it goes on with
  // Asked now and then; true: the search ends, unfinished.
  std::function<bool()> should_stop = nullptr;
  // After a violation the search goes on, and counts the runs that fail.
  bool go_on = false;
  // The classes of runs are counted, where the search counts any. Else Report::classes and the two below are 0.
  bool count_classes = true;
  // Called after each run that came to its end, failing ones included.
  std::function<void(const sim::Violation*)> on_run = nullptr;
};

// Why a search ended before all was explored, and before a violation.
enum class StoppedBy : std::uint8_t {
  kNothing,
  kExecutions,  // Options::execution_count_max
  kAsked,       // Options::should_stop, or who shares the search
  kStates,      // StateOptions::state_count_max
  // Some load could have given older values than the search has numbers for (RMO): all others were tried.
  kTooManyWays,
  kRefused,  // the program does what the search does not know (SourceDpor)
};

struct Report {
  // All that was asked for was explored, no violation ended it early. Nothing less is a proof.
  bool complete = false;
  StoppedBy stopped_by = StoppedBy::kNothing;
  std::uint64_t executions = 0;  // runs that came to their end
  std::uint64_t blocked = 0;     // runs that were given up, since what follows is known
  std::uint64_t failing = 0;     // of `executions`
  std::uint64_t classes = 0;     // distinct (reads-from, coherence order), of runs; 0: not counted
  std::uint64_t rf_classes = 0;   // of reads-from alone
  std::uint64_t failing_classes = 0;
  std::uint64_t states = 0;      // distinct states; 0: not counted
  Hash128 digest;                // of the set of states: the same for the same set, in whatever order
  // Of a bounded search of states: all schedules are explored that depart from the default order so often.
  std::optional<std::uint32_t> departures_complete = std::nullopt;
  std::uint64_t steps_max = 0;   // of a run
  std::optional<sim::Violation> violation;  // the first
  Schedule schedule;                        // that shows it, in exact form
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_REPORT_H_
