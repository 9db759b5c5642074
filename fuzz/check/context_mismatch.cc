// T5: CPUs that run threads of one mm have the same context number loaded, that of the mm.
// CPUs inside a switch are left out.
#include "fuzz/check/check.h"
#include "fuzz/kernel/arch/arch.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;
using kernel::PerCpu;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const Mm* const mm = e.mm;
  if (mm == nullptr || mm == k.init_mm || e.task->mm.Peek() != mm) return;
  for (int c = 0; c < k.machine().cpu_count(); ++c) {
    const PerCpu& pc = k.cpus[c];
    if (pc.in_switch != 0 || pc.hardware_mm != mm || kernel::TaskOn(c)->mm.Peek() != mm) continue;
    const Ctx want = kernel::arch().context_number(mm, c);
    const Ctx loaded = k.machine().secondary(c);
    if (loaded == want) continue;
    Report(kContextMismatch, e,
           "CPU " + std::to_string(c) + " runs " + NameOf(mm) + " with context " +
               std::to_string(loaded.value()) + ", but its number is " + std::to_string(want.value()));
  }
}

}  // namespace

extern const Check kContextMismatch = {
    .id = "T5",
    .name = "context_mismatch",
    .rule = "All CPUs that run an mm have its current context number loaded.",
    .why = "Flushes name one number; entries under another survive them.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMmSwitched, &Judge);
    }};

}  // namespace shootdown::check
