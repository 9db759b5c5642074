// K2: a CPU inside switch_mm that has found its bit set will not flush. If its bit goes then, and it
// still has entries of the mm, no flush reaches them.
#include "fuzz/check/check.h"
#include "fuzz/kernel/arch/arch.h"

namespace shootdown::check {
namespace {

using kernel::Event;
using kernel::EventKind;
using kernel::Kernel;

void Judge(const Event& e) {
  Kernel& k = Kernel::Get();
  const kernel::CpuBits mask = e.mm->mm_cpumask.Peek();
  for (int cpu = 0; cpu < k.machine().cpu_count(); ++cpu) {
    if (k.cpus[cpu].bit_tested != e.mm || mask.Has(cpu)) continue;
    const Ctx number = kernel::arch().context_number(e.mm, cpu);
    const sim::Tlb tlb = k.machine().tlb(cpu);
    for (int i = 0; i < tlb.entry_count(); ++i) {
      const sim::TlbEntry& entry = tlb.entry(i);
      if (!entry.valid || entry.ctx != number || entry.ghost.owner != e.mm->id) continue;
      Report(kCpumaskMissedEntry, e,
             "CPU " + std::to_string(cpu) + " is past the mm_cpumask test of switch_mm, lost its bit, and "
                 "still has an entry for " + PageName(entry.virt.value()) + " of " + NameOf(e.mm));
    }
  }
}

}  // namespace

extern const Check kCpumaskMissedEntry = {
    .id = "K2",
    .name = "cpumask_missed_entry",
    .rule = "A CPU that can use entries of an mm without flushing first is in its mm_cpumask.",
    .why = "Entries that no flush reaches stay usable.",
    .on_by_default = true,
    .listen = [](kernel::Judges& judges) {
      judges.Listen(EventKind::kMaskCleared, &Judge);
    }};

}  // namespace shootdown::check
