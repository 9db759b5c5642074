#include "fuzz/kernel/arch/powerpc64/mmu_context.h"

#include "fuzz/kernel/access.h"

namespace shootdown::kernel::powerpc64 {

void InitContext(Kernel& kernel, Mm* mm) {
  mm->context.other =
      kernel.machine().arena().Alloc<Context>("mm" + std::to_string(mm->id) + ".context");
}

void switch_mm_irqs_off(Mm* prev, Mm* next) {
  const int cpu = smp_processor_id();
  PerCpu& pc = this_cpu();
  if (!READ_ONCE(next->mm_cpumask).Has(cpu)) {
    ATOMIC_RMW(next->mm_cpumask, old.With(cpu));
    auto& active_cpus = ContextOf(next).active_cpus;
    ATOMIC_RMW(active_cpus, old + 1);
    // The bit is there before this CPU reads a translation; pairs with the fence of the flushers.
    smp_mb();
  }
  // The short cut because of which a lazy CPU must really leave the mm when its bit goes.
  if (prev == next) return;
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("PID"), PidOf(next));
  pc.pgd_paddr = next->pgd;  // null for init_mm: no user pages
  pc.hardware_mm = next;
}

void destroy_context(Mm* mm) {
  sim::Machine::Get().Poison(mm->context.other, sizeof(Context));
}

}  // namespace shootdown::kernel::powerpc64
