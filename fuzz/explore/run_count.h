// What all searches do after a run: count it, remember the first violation, look at the limits.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_RUN_COUNT_H_
#define SHOOTDOWN_FUZZ_EXPLORE_RUN_COUNT_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/explore/classes.h"
#include "fuzz/explore/report.h"
#include "fuzz/explore/saved_bytes.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown::explore {

class RunCount {
 public:
  // `classes`: whether those of the runs are counted.
  RunCount(sim::Subject& subject, const Options& options, bool classes)
      : subject_(subject), options_(options), counts_classes_(classes) {}

  // A run that came to its end.
  void Ended(const sim::Violation* violation) {
    const sim::Machine& machine = subject_.machine();
    ++report_.executions;
    report_.steps_max = std::max<std::uint64_t>(report_.steps_max, machine.log().size());
    const bool is_new = counts_classes_ && IsOfNewClass();
    if (violation != nullptr) {
      ++report_.failing;
      if (is_new) ++report_.failing_classes;
      if (!report_.violation) {
        report_.violation = *violation;
        report_.schedule = ExactSchedule(machine.moves_made());
      }
    }
    if (options_.on_run) options_.on_run(violation);
  }
  // A run that was given up.
  void GivenUp() {
    ++report_.blocked;
    if (counts_classes_) classes_.NoteRun(subject_.machine());
  }

  // Whether a limit is reached, before the next run.
  [[nodiscard]] bool Stopped() {
    if (run_count() >= options_.execution_count_max) {
      report_.stopped_by = StoppedBy::kExecutions;
      return true;
    }
    if (!options_.should_stop) return false;
    // By steps, since a run may have ten of them or as many as the machine's budget.
    steps_ += 1 + subject_.machine().log().size();
    if (steps_ < kStepsBetweenQuestions) return false;
    steps_ = 0;
    if (!options_.should_stop()) return false;
    report_.stopped_by = StoppedBy::kAsked;
    return true;
  }
  [[nodiscard]] Report& report() { return report_; }
  [[nodiscard]] std::uint64_t run_count() const { return report_.executions + report_.blocked; }
  [[nodiscard]] bool has_violation() const { return report_.violation.has_value(); }

  // What was counted of runs that break no rule, as bytes; and what another one has counted is counted here
  // too, for a search that goes on, or of which each did a share. False: those are no such bytes.
  void Save(std::string& bytes) const {
    for (const std::uint64_t number : {report_.executions, report_.blocked, report_.steps_max}) {
      Put(bytes, number);
    }
    classes_.Save(bytes);
  }
  [[nodiscard]] bool Join(std::string_view& bytes) {
    std::uint64_t executions = 0;
    std::uint64_t blocked = 0;
    std::uint64_t steps_max = 0;
    if (!Get(bytes, executions) || !Get(bytes, blocked) || !Get(bytes, steps_max)) return false;
    report_.executions += executions;
    report_.blocked += blocked;
    report_.steps_max = std::max(report_.steps_max, steps_max);
    if (!classes_.Join(bytes)) return false;
    CountClasses();
    return true;
  }

 private:
  static constexpr std::uint64_t kStepsBetweenQuestions = 20'000;

  bool IsOfNewClass() {
    classes_.NoteRun(subject_.machine());
    const bool is_new = classes_.Add(classes_.Of(subject_.machine()));
    CountClasses();
    return is_new;
  }
  void CountClasses() {
    report_.classes = classes_.count();
    report_.rf_classes = classes_.reads_from_count();
  }

  sim::Subject& subject_;
  const Options& options_;
  bool counts_classes_;
  Report report_;
  Classes classes_;
  std::uint64_t steps_ = 0;  // since should_stop was asked
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_RUN_COUNT_H_
