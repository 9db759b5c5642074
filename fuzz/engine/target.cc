#include "fuzz/engine/target.h"

#include "fuzz/sim/trace.h"

namespace shootdown {

std::string KindKey(const check::Finding& finding, const sim::Machine& machine) {
  const auto log = machine.log();
  std::string key = std::string(finding.check->name) + "|" + finding.role;
  // A deadlock is seen where the last CPU happens to stop, which says nothing about it.
  if (finding.row < log.size() && finding.check != &check::kDeadlock &&
      finding.check != &check::kLivelock) {
    key += std::string("|") + log[finding.row].site->function;
  }
  return key;
}

Target::Target(Simulation& simulation) : simulation_(simulation), scheduler_(last_) {}

std::size_t Target::Run(const Schedule& schedule) {
  last_ = schedule;
  last_is_current_ = true;
  ++run_count_;
  if (before_run_) before_run_(last_);
  const check::Finding* const finding = simulation_.Run(scheduler_);
  const std::size_t news = features_.AddRun(simulation_.machine());
  if (finding != nullptr) [[unlikely]] Report(*finding);
  return news;
}

void Target::EnsureLastRun(const Schedule& schedule) {
  if (last_is_current_ && last_ == schedule) return;
  last_ = schedule;
  last_is_current_ = true;
  if (before_run_) before_run_(last_);
  simulation_.Run(scheduler_);
}

void Target::Report(const check::Finding& finding) {
  sim::Machine& m = simulation_.machine();
  std::string key = KindKey(finding, m);
  if (!on_found_ || ++reports_[key] > kReportsOfOneKindMax) return;
  const sim::Row row = finding.row;
  const std::uint64_t hash = sim::ChainedHashes(m.log()).back();
  Found found{.exact = ExactSchedule(m.moves_made()), .kind_key = std::move(key), .run = run_count_};
  // Believed only after a second run.
  ScheduleScheduler exact(found.exact);
  const check::Finding* const again = simulation_.Run(exact);
  last_is_current_ = false;
  SHOOTDOWN_CHECK(again != nullptr);
  SHOOTDOWN_CHECK(again->row == row);
  SHOOTDOWN_CHECK(sim::ChainedHashes(m.log()).back() == hash);
  on_found_(found);
}

}  // namespace shootdown
