// R3: what a counter protects is not in use when it reaches 0, and nothing freed is touched.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;
using kernel::Task;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  if (e.kind == EventKind::kFreedTouched) {
    Report(kMmUseAfterFree, e,
           sim::Arena::Live().NameOf(static_cast<sim::WordIndex>(e.a)) +
               " was touched after it was freed, in " + sim::SiteName(*e.site));
    return;
  }
  const bool users = e.kind == EventKind::kLastMmput;
  const auto look = [&](const Task& task) {
    const Mm* const held = users ? task.mm.Peek() : task.active_mm.Peek();
    if (held != e.mm) return;
    Report(kMmUseAfterFree, e,
           std::string(users ? "mm_users" : "mm_count") + " of " + NameOf(e.mm) + " reached 0 while " +
               NameOf(&task) + " has it as its " + (users ? "mm" : "active_mm"));
  };
  for (int t = 0; t < k.task_count; ++t) look(k.tasks[t]);
  for (int c = 0; c < k.machine().cpu_count(); ++c) {
    look(k.idle[c]);
    if (!users && k.cpus[c].rq.prev_mm.Peek() == e.mm && c != e.cpu) {
      Report(kMmUseAfterFree, e,
             "mm_count of " + NameOf(e.mm) + " reached 0 while CPU " + std::to_string(c) +
                 " has it as rq->prev_mm");
    }
  }
}

}  // namespace

extern const Check kMmUseAfterFree = {
    .id = "R3",
    .name = "mm_use_after_free",
    .rule = "No task has an mm whose counter reached 0, and nothing freed is touched.",
    .why = "The memory may be anything by now.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kLastMmput, &Judge);
      judges.Listen(EventKind::kMmFreed, &Judge);
      judges.Listen(EventKind::kFreedTouched, &Judge);
    }};

}  // namespace shootdown::check
