// L5: what per_cpu_secondary_mm says is what SECONDARY holds, once interrupts are on again, and a task
// that has an mm has it in hardware. A switch to init_mm leaves the hardware alone: allowed.
#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;
using kernel::PerCpu;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const PerCpu& pc = k.cpus[e.cpu];
  const Mm* const listed = pc.secondary_mm.Peek();
  if (const Mm* const running = e.task->mm.Peek(); running != nullptr && running != pc.hardware_mm) {
    Report(kSecondaryMmMismatch, e,
           NameOf(e.task) + " runs on " + NameOf(running) + " on CPU " + std::to_string(e.cpu) +
               ", but the hardware has " + NameOf(pc.hardware_mm));
  }
  if (listed == k.init_mm || listed == pc.hardware_mm) return;
  Report(kSecondaryMmMismatch, e,
         "per_cpu_secondary_mm of CPU " + std::to_string(e.cpu) + " is " + NameOf(listed) +
             ", but the hardware has " + NameOf(pc.hardware_mm));
}

}  // namespace

extern const Check kSecondaryMmMismatch = {
    .id = "L5",
    .name = "secondary_mm_mismatch",
    .rule = "per_cpu_secondary_mm names the mm whose context is loaded.",
    .why = "A wrap takes the number away from the mm that is running.",
    .on_by_default = true,
    .arch = "sparc64",
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMmSwitched, &Judge);
    }};

}  // namespace shootdown::check
