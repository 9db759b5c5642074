// K1: a CPU that runs on an mm is in its mm_cpumask. Looked at where a bit goes, where a switch
// ends, and at every user access.
#include "fuzz/check/check.h"
#include "fuzz/kernel/arch/arch.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;
using kernel::Mm;
using kernel::PerCpu;

void Look(const Event& e, int cpu) {
  Kernel& k = Kernel::Get();
  if (!kernel::arch().uses_mm_cpumask) return;
  const PerCpu& pc = k.cpus[cpu];
  const Mm* const mm = pc.hardware_mm;
  if (mm == k.init_mm || pc.in_switch != 0 || kernel::TaskOn(cpu)->mm.Peek() != mm) return;
  if (k.machine().secondary(cpu) != kernel::arch().context_number(mm, cpu)) return;
  if (mm->mm_cpumask.Peek().Has(cpu)) return;
  Report(kCpumaskLostBit, e,
         "CPU " + std::to_string(cpu) + " runs " + NameOf(kernel::TaskOn(cpu)) + " on " + NameOf(mm) +
             ", whose mm_cpumask is " + MaskText(mm->mm_cpumask.Peek().bits));
}

void Judge(const Event& e) {
  if (e.kind != EventKind::kMaskCleared) {
    Look(e, e.cpu);
    return;
  }
  // All CPUs, not only those of e.a: one may have set its bit just before the store that wiped it out.
  for (int c = 0; c < Kernel::Get().machine().cpu_count(); ++c) Look(e, c);
}

}  // namespace

extern const Check kCpumaskLostBit = {
    .id = "K1",
    .name = "cpumask_lost_bit",
    .rule = "A CPU that runs on an mm has its bit in mm_cpumask.",
    .why = "The next flush does not tell this CPU.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMaskCleared, &Judge);
      judges.Listen(EventKind::kMmSwitched, &Judge);
      judges.Listen(EventKind::kUserHit, &Judge);
    }};

}  // namespace shootdown::check
