#include "fuzz/engine/minimum_proof.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fuzz/engine/target.h"
#include "fuzz/explore/schedule_tree.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

using sim::Move;

// Follows a schedule, and counts what kinds of moves it makes.
class ComplexityCounter : public sim::Scheduler {
 public:
  explicit ComplexityCounter(const Schedule& schedule) : inner_(schedule) {}

  void StartRun(const sim::Machine& machine) override {
    inner_.StartRun(machine);
    counts_ = {};
  }
  [[nodiscard]] Move Pick(const sim::Question& question) override {
    const Move move = inner_.Pick(question);
    switch (move.kind) {
      case Move::Kind::kStep:
      case Move::Kind::kNext:
        break;
      case Move::Kind::kRun:
        ++(question.blocked ? counts_.switches : counts_.preemptions);
        break;
      case Move::Kind::kDrain:
      case Move::Kind::kHold:
      case Move::Kind::kOld:
        ++counts_.lingering;
        break;
      case Move::Kind::kDefer:
      case Move::Kind::kResched:
      case Move::Kind::kNmi:
        ++counts_.interrupts;
        break;
      case Move::Kind::kEvict:
      case Move::Kind::kWalk:
        ++counts_.hardware;
        break;
    }
    return move;
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) override {
    return inner_.NextQuestion(actor, index);
  }
  [[nodiscard]] const ScheduleComplexity& counts() const { return counts_; }

 private:
  ScheduleScheduler inner_;
  ScheduleComplexity counts_;
};

}  // namespace

ScheduleComplexity ComplexityOf(sim::Subject& subject, const Schedule& schedule) {
  ComplexityCounter counter(schedule);
  (void)subject.RunOnce(counter);
  ScheduleComplexity complexity = counter.counts();
  complexity.decisions = schedule.size();
  complexity.steps = subject.machine().log().size();
  return complexity;
}

MinimumProof ProveMinimum(sim::Subject& subject, const Schedule& schedule,
                          const std::string& kind_key, const ProofBudget& budget) {
  MinimumProof proof;
  if (schedule.empty()) {
    proof.minimality = Minimality::kMinimum;
    return proof;
  }
  explore::ScheduleTree tree(
      subject, {.kinds = explore::KindsOf(schedule) | explore::KindBit(Decision::Kind::kSwitch),
                .decision_count_max = schedule.size() - 1,
                .run_count_max = budget.run_count_max,
                .step_count_max = budget.step_count_max,
                .should_stop = budget.should_stop});
  std::vector<Schedule> failing;
  const explore::TreeReport report =
      tree.Explore([&](const Schedule& tried, const sim::Violation* violation) {
        if (violation == nullptr || KindKey(*violation, subject.machine()) != kind_key) {
          return explore::Visit::kGoOn;
        }
        failing.push_back(tried);
        return explore::Visit::kNoLarger;
      });
  proof.run_count = report.runs;
  if (failing.empty()) {
    if (report.complete) proof.minimality = Minimality::kMinimum;
    return proof;
  }
  std::optional<ScheduleComplexity> least;
  for (Schedule& candidate : failing) {
    if (least.has_value() && candidate.size() > least->decisions) continue;
    const ScheduleComplexity complexity = ComplexityOf(subject, candidate);
    ++proof.run_count;
    // Of equals the first one stays.
    if (least.has_value() && complexity >= *least) continue;
    least = complexity;
    proof.smaller = std::move(candidate);
  }
  return proof;
}

}  // namespace shootdown
