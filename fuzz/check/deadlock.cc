// L3: nothing can go on, and not all is done.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Task;

void Judge(const Event& e) {
  std::string who = sim::Machine::Get().DescribeWaits();
  Kernel& k = Kernel::Get();
  for (int t = 0; t < k.task_count; ++t) {
    const Task& task = k.tasks[t];
    if (task.finished != 0) continue;
    const int cpu = static_cast<int>(task.cpu.Peek());
    if (task.state.Peek() == kernel::TaskState::kSleeping) {
      if (task.sleeps_idle == 0) {
        who += (who.empty() ? "" : "; ") + NameOf(&task) + " sleeps in " + sim::SiteName(*task.waits_at);
      }
    } else if (task.polls_for != nullptr && task.polls_blocked != 0 && kernel::TaskOn(cpu) != &task) {
      who += (who.empty() ? "" : "; ") + NameOf(&task) + " waits in " + sim::SiteName(*task.waits_at);
    }
  }
  Report(kDeadlock, e, "nothing can go on: " + who);
}

}  // namespace

extern const Check kDeadlock = {
    .id = "L3",
    .name = "deadlock",
    .rule = "Somebody can always go on until all is done.",
    .why = "The CPUs hang.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kDeadlock, &Judge);
    }};

}  // namespace shootdown::check
