#include "fuzz/engine/target.h"

#include <cstdio>

#include "fuzz/base/check.h"
#include "fuzz/sim/trace.h"

namespace shootdown {

namespace {

// `Broken` is a finding or a violation.
template <typename Broken>
std::string KeyOf(std::string_view check, const Broken& broken, const sim::Machine& machine) {
  std::string key = std::string(check) + "|";
  // A deadlock or a leak is seen where the last CPU happens to stop: that would make several bugs of one.
  if (broken.at_end) return key;
  key += broken.role;
  const auto log = machine.log();
  if (broken.row < log.size()) key += std::string("|") + log[broken.row].site->function;
  return key;
}

// Nothing that is found could be believed. What a scenario does depends on its schedule alone, or it is our bug.
[[noreturn]] void RefuseOtherRun(const Target::Found& found) {
  std::fprintf(stderr,
               "the run of schedule \"%s\" failed (%s), and did something else when it was made again: it depends on "
               "more than the schedule. A program's threads may (a static variable, one that is not initialized, a "
               "clock, a random number), a scenario never does\n",
               found.exact.ToText().c_str(), found.kind_key.c_str());
  SHOOTDOWN_UNREACHABLE("one schedule, two runs");
}

}  // namespace

std::string KindKey(const check::Finding& finding, const sim::Machine& machine) {
  return KeyOf(finding.check->name, finding, machine);
}

std::string KindKey(const sim::Violation& violation, const sim::Machine& machine) {
  return KeyOf(violation.check, violation, machine);
}

Target::Target(sim::Subject& subject, Feedback feedback)
    : subject_(subject), feedback_(feedback), scheduler_(last_) {}

std::size_t Target::Run(const Schedule& schedule) {
  last_ = schedule;
  last_is_current_ = true;
  return RunOnce(scheduler_);
}

std::size_t Target::Run(sim::Scheduler& scheduler) {
  last_ = Schedule();
  last_is_current_ = false;
  return RunOnce(scheduler);
}

std::size_t Target::RunOnce(sim::Scheduler& scheduler) {
  ++run_count_;
  if (before_run_) before_run_(last_);
  const sim::Violation* const violation = subject_.RunOnce(scheduler);
  const std::size_t news = feedback_ == Feedback::kYes ? features_.AddRun(subject_.machine()) : 0;
  behaviours_.AddRun(subject_.machine());
  if (violation != nullptr) [[unlikely]] Report(*violation);
  return news;
}

void Target::EnsureLastRun(const Schedule& schedule) {
  if (last_is_current_ && last_ == schedule) return;
  last_ = schedule;
  last_is_current_ = true;
  if (before_run_) before_run_(last_);
  (void)subject_.RunOnce(scheduler_);
}

void Target::Report(const sim::Violation& violation) {
  sim::Machine& m = subject_.machine();
  std::string key = KindKey(violation, m);
  if (!on_found_) return;
  if (++reports_[key] > kReportsOfOneKindMax) {
    ++passed_over_count_;
    return;
  }
  const sim::Row row = violation.row;
  const std::uint64_t hash = sim::LogHash(m.log());
  Found found{.exact = ExactSchedule(m.moves_made()), .kind_key = std::move(key), .run = run_count_};
  // Believed only after a second run.
  ScheduleScheduler exact(found.exact);
  const sim::Violation* const again = subject_.RunOnce(exact);
  last_is_current_ = false;
  if (again == nullptr || again->row != row || sim::LogHash(m.log()) != hash) {
    RefuseOtherRun(found);
  }
  on_found_(found);
}

}  // namespace shootdown
