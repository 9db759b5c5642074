// R5: the last mmput may sleep.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;

void Judge(const Event& e) {
  const sim::Machine& m = sim::Machine::Get();
  if (e.task->spinlocks_held == 0 && e.task->preempt_count == 0 && !m.InInterrupt() && m.pil() == 0 &&
      m.ie()) {
    return;
  }
  std::string where = m.InInterrupt() ? "an interrupt handler"
                      : e.task->spinlocks_held != 0
                          ? "a section with " + std::to_string(e.task->spinlocks_held) + " spinlocks held"
                          : "a section that may not sleep";
  Report(kMmputInAtomic, e, "the last mmput of " + NameOf(e.mm) + " ran in " + where);
}

}  // namespace

extern const Check kMmputInAtomic = {
    .id = "R5",
    .name = "mmput_in_atomic",
    .rule = "The last mmput runs where sleeping is allowed.",
    .why = "exit_mmap takes sleeping locks.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kLastMmput, &Judge);
    }};

}  // namespace shootdown::check
