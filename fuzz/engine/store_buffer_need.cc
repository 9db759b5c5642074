#include "fuzz/engine/store_buffer_need.h"

#include <utility>
#include <vector>

#include "fuzz/engine/target.h"
#include "fuzz/explore/schedule_tree.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

using Kind = Decision::Kind;

Schedule WithoutLingering(const Schedule& schedule) {
  std::vector<Decision> decisions = schedule.decisions();
  std::erase_if(decisions, [](const Decision& d) {
    return d.kind == Kind::kHold || d.kind == Kind::kOld ||
           (d.kind == Kind::kSwitch && d.to.actor_class() == ActorId::Class::kBuffer);
  });
  return Schedule(std::move(decisions));
}

}  // namespace

StoreBufferNeed AskForStoreBuffer(sim::Subject& subject, const Schedule& schedule,
                                  const std::string& kind_key, std::uint64_t run_count_max) {
  StoreBufferNeed need;
  const auto fails = [&](const sim::Violation* violation) {
    return violation != nullptr && KindKey(*violation, subject.machine()) == kind_key;
  };
  const Schedule at_once = WithoutLingering(schedule);
  ScheduleScheduler scheduler(at_once);
  if (fails(subject.RunOnce(scheduler))) {
    need = {.answer = StoreBufferNeed::Answer::kNotNeeded, .schedule = at_once, .run_count = 1};
    return need;
  }
  const explore::DecisionKinds kinds =
      (explore::KindsOf(schedule) | explore::KindBit(Kind::kSwitch)) &
      ~(explore::KindBit(Kind::kHold) | explore::KindBit(Kind::kOld));
  explore::ScheduleTree tree(
      subject,
      {.kinds = kinds, .decision_count_max = schedule.size(), .run_count_max = run_count_max});
  const explore::TreeReport report =
      tree.Explore([&](const Schedule& tried, const sim::Violation* violation) {
        if (!fails(violation)) return explore::Visit::kGoOn;
        need.answer = StoreBufferNeed::Answer::kNotNeeded;
        need.schedule = tried;
        return explore::Visit::kStop;
      });
  need.run_count = 1 + report.runs;
  if (need.answer == StoreBufferNeed::Answer::kUnknown && report.complete) {
    need.answer = StoreBufferNeed::Answer::kNeeded;
  }
  return need;
}

}  // namespace shootdown
