// K5: TSB registers. A TSB goes with its mm, or when it has grown. A CPU that is lazy still has the
// registers, but misses through them no more: switch_mm() loads them anew before user code runs.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Task;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  for (int c = 0; c < k.machine().cpu_count(); ++c) {
    const Task* const task = kernel::TaskOn(c);
    if (k.cpus[c].tsb != e.object || task->mm.Peek() != e.mm) continue;
    Report(kTsbFreedInUse, e,
           "the TSB of " + NameOf(e.mm) + " is freed while CPU " + std::to_string(c) + " runs " +
               NameOf(task) + " on it");
  }
}

}  // namespace

extern const Check kTsbFreedInUse = {
    .id = "K5",
    .name = "tsb_freed_in_use",
    .rule = "A TSB is freed only when no CPU can miss through it.",
    .why = "The miss handler reads and writes freed memory.",
    .on_by_default = true,
    .arch = "sparc64",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kTsbFreed, &Judge);
    }};

}  // namespace shootdown::check
