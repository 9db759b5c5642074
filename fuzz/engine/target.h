// A scenario, or a program of a user's, under search: runs schedules, keeps what is new, and reports
// findings. What all strategies drive.
#ifndef SHOOTDOWN_FUZZ_ENGINE_TARGET_H_
#define SHOOTDOWN_FUZZ_ENGINE_TARGET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "fuzz/engine/behaviours.h"
#include "fuzz/engine/features.h"
#include "fuzz/check/check.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

// What minimizing keeps: the check, who broke it, and the function in which it was seen; of what was seen
// at the end of the run (a deadlock, a leak) the check alone. Never a line number, an address or a step number.
[[nodiscard]] std::string KindKey(const check::Finding& finding, const sim::Machine& machine);
[[nodiscard]] std::string KindKey(const sim::Violation& violation, const sim::Machine& machine);

class Target {
 public:
  // A finding, confirmed: `exact` was run a second time and failed the same way at the same step.
  struct Found {
    Schedule exact;
    std::string kind_key;
    std::uint64_t run;  // counted from 1
  };
  // Findings of one kind are reported up to this many times: they may be different bugs, which only
  // minimizing tells apart.
  static constexpr std::uint32_t kReportsOfOneKindMax = 16;

  // kNo: no run has news, for measuring what news are worth.
  enum class Feedback : std::uint8_t { kNo, kYes };

  explicit Target(sim::Subject& subject, Feedback feedback = Feedback::kYes);

  // Runs `schedule`; returns how many of its features were new.
  std::size_t Run(const Schedule& schedule);
  // One run of whatever `scheduler` does. `before_run` hears of an empty schedule: what this run does is
  // not known beforehand.
  std::size_t Run(sim::Scheduler& scheduler);
  // Makes the machine's last run that of `schedule`, if it is not already: for mutators.
  void EnsureLastRun(const Schedule& schedule);

  // `on_found` hears each confirmed finding. A run that is another one the second time ends the process with
  // words: a body of the user's is not deterministic, or it is our own bug.
  void OnFound(std::function<void(const Found&)> on_found) { on_found_ = std::move(on_found); }

  // `before_run` hears of each schedule before it runs, so that somebody knows of one that does not
  // come back.
  void BeforeRun(std::function<void(const Schedule&)> before_run) {
    before_run_ = std::move(before_run);
  }

  // Features that are no news.
  void AddKnown(std::span<const std::uint32_t> indexes) { features_.AddKnown(indexes); }

  [[nodiscard]] const sim::Machine& machine() const { return subject_.machine(); }
  [[nodiscard]] std::uint64_t run_count() const { return run_count_; }
  [[nodiscard]] std::size_t feature_count() const { return features_.size(); }
  // Findings that nobody heard of, since there were enough of their kind.
  [[nodiscard]] std::uint64_t passed_over_count() const { return passed_over_count_; }
  // Of the runs that are counted.
  [[nodiscard]] const BehaviourSet& behaviours() const { return behaviours_; }

 private:
  std::size_t RunOnce(sim::Scheduler& scheduler);
  void Report(const sim::Violation& violation);

  sim::Subject& subject_;
  Feedback feedback_;
  FeatureSet features_;
  BehaviourSet behaviours_;
  Schedule last_;
  ScheduleScheduler scheduler_;
  std::function<void(const Found&)> on_found_;
  std::function<void(const Schedule&)> before_run_;
  std::map<std::string, std::uint32_t> reports_;
  std::uint64_t run_count_ = 0;
  std::uint64_t passed_over_count_ = 0;
  bool last_is_current_ = false;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_TARGET_H_
