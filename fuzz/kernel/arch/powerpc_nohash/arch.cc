// Source: Linux 2.6.29 and 6.12 arch/powerpc/mm/nohash/mmu_context.c (mm/mmu_context_nohash.c), with a
// number for each mm, so that none is ever stolen.
#include "fuzz/kernel/arch/powerpc_nohash/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::powerpc_nohash {
namespace {

// b46b6942b39e (2.6.31): switch_mm takes context_lock under the runqueue lock, and interrupts take
// runqueue locks; so none may come while context_lock is held.
enum LockVersion { kIrqsOff, kIrqsOn };
VersionSwitch lock_version("powerpc_nohash.destroy_context", {"irqs_off", "irqs_on"},
                           "b46b6942b39e powerpc/mm: Fix a AB->BA deadlock scenario with nohash MMU "
                           "context lock");

struct State {
  SpinLock context_lock;
  Cell<Mm*> context_mm[kMmCountMax];  // whose each number is
};
State& state() { return *static_cast<State*>(Kernel::Get().globals->arch_data); }
Ctx NumberOf(const Mm* mm) { return Ctx(static_cast<std::uint16_t>(mm->id)); }

void Boot(Kernel& kernel) {
  kernel.globals->arch_data = kernel.machine().arena().Alloc<State>("mmu_context");
}

void switch_mmu_context(Mm* /*prev*/, Mm* next) {
  auto& [context_lock, context_mm] = state();
  spin_lock(&context_lock);
  WRITE_ONCE(context_mm[next->id], next);
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("PID"), NumberOf(next));
  this_cpu().pgd_paddr = next->pgd;
  this_cpu().hardware_mm = next;
  spin_unlock(&context_lock);
}

void destroy_context(Mm* mm) {
  auto& [context_lock, context_mm] = state();
  const bool irqs_off = lock_version.value() == kIrqsOff;
  const int pil = irqs_off ? local_irq_save() : 0;
  spin_lock(&context_lock);
  WRITE_ONCE(context_mm[mm->id], nullptr);
  spin_unlock(&context_lock);
  if (irqs_off) local_irq_restore(pil);
}

// tlbivax: all CPUs.
void flush_tlb_mm(Mm* mm) {
  const page_table::FlushRecord record(mm);
  smp_mb();
  tlb::BroadcastContext(NumberOf(mm));
  record.DoneAll();
}

void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  const page_table::FlushRecord record(mm);
  smp_mb();
  tlb::BroadcastRange(NumberOf(mm), first, count);
  record.Done(first, count);
}

}  // namespace

extern const Arch kArch = {
    .name = "powerpc_nohash",
    .what = "context numbers under one lock, which switch_mm takes; invalidation by broadcast",
    .boot = &Boot,
    .boot_mm = [](Kernel& /*kernel*/, Mm* /*mm*/) {},
    .switch_mm = &switch_mmu_context,
    .destroy_context = &destroy_context,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .uses_mm_cpumask = false,
    .context_number = [](const Mm* mm, int /*cpu*/) { return NumberOf(mm); },
    .context_valid = [](const Mm* /*mm*/, int /*cpu*/) { return true; },
};

}  // namespace shootdown::kernel::powerpc_nohash
