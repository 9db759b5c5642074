#include "fuzz/kernel/arch/x86/mmu_context.h"

#include "fuzz/kernel/arch/x86/state.h"
#include "fuzz/kernel/arch/x86/tlb.h"
#include "fuzz/kernel/arch/x86/xen.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::x86 {
namespace {

// b956575bed91 (4.14): a lazy CPU that gets no flushes keeps what it knows of upper levels, and its
// walker reads page tables that have been freed. 145f573b89a6 (4.20): it is told of freed tables only.
VersionSwitch lazy_switch("x86.lazy_tlb", {"lazier", "aggressive", "no_ipi"},
                          "b956575bed91 x86/mm: Flush more aggressively in lazy TLB mode");

// 831d52bc1539 (2.6.38): with its bit gone a CPU is told nothing more, while its walker still goes
// through the old page table. (The order of the old one is back in 4.14 to 6.12.)
enum ClearVersion { kAfterCr3, kBeforeCr3 };
VersionSwitch clear_version("x86.clear_prev_cpumask", {"after_cr3", "before_cr3"},
                            "831d52bc1539 x86, mm: avoid possible bogus tlb entries by clearing prev "
                            "mm_cpumask after switching mm");

void SetBit(Mm* mm, int cpu) { ATOMIC_RMW(mm->mm_cpumask, old.With(cpu)); }

// No event for the judges: a CPU that leaves an mm clears its own bit, and loses its entries with it.
void ClearBit(Mm* mm, int cpu) {
  if (mm != Kernel::Get().init_mm) ATOMIC_RMW(mm->mm_cpumask, old.Without(cpu));
}

// Without PCIDs this drops all translations of user memory.
void load_cr3(Mm* mm) {
  sim::Machine& m = sim::Machine::Get();
  PerCpu& pc = this_cpu();
  m.WriteSecondary(SHOOTDOWN_SITE("CR3"), ContextNumber(mm));
  DropTranslations();
  pc.pgd_paddr = mm->pgd;
  pc.hardware_mm = mm;
  xen_write_cr3(mm);
}

}  // namespace

LazyVersion lazy_version() { return static_cast<LazyVersion>(lazy_switch.value()); }

void switch_mm(Mm* /*prev*/, Mm* next) {
  const int pil = local_irq_save();
  switch_mm_irqs_off(next);
  local_irq_restore(pil);
}

void switch_mm_irqs_off(Mm* next) {
  Mm* const init_mm = Kernel::Get().init_mm;
  const int cpu = smp_processor_id();
  TlbState& state = cpu_tlbstate();
  Mm* const real_prev = READ_ONCE(state.loaded_mm);
  const bool was_lazy = READ_ONCE(state.is_lazy) != 0;
  WRITE_ONCE(state.is_lazy, 0);
  if (real_prev == next) {
    if (!was_lazy || next == init_mm) return;
    if (lazy_version() == kNoIpi) SetBit(next, cpu);
    // Pairs with the flusher, which counts its flush before it looks who is lazy.
    smp_mb();
    const std::uint64_t next_tlb_gen = READ_ONCE(context(next).tlb_gen);
    if (state.tlb_gen == next_tlb_gen) return;
    state.tlb_gen = next_tlb_gen;
    load_cr3(next);
    return;
  }
  if (clear_version.value() == kBeforeCr3) ClearBit(real_prev, cpu);
  // Flushes come from now on, and what came before is known by its generation.
  if (next != init_mm) SetBit(next, cpu);
  state.tlb_gen = READ_ONCE(context(next).tlb_gen);
  load_cr3(next);
  if (clear_version.value() == kAfterCr3) ClearBit(real_prev, cpu);
  WRITE_ONCE(state.loaded_mm, next);
}

void enter_lazy_tlb(Mm* /*mm*/, Task* /*task*/) {
  TlbState& state = cpu_tlbstate();
  Mm* const loaded_mm = READ_ONCE(state.loaded_mm);
  if (loaded_mm == Kernel::Get().init_mm) return;
  WRITE_ONCE(state.is_lazy, 1);
  if (lazy_version() == kNoIpi) ClearBit(loaded_mm, smp_processor_id());
}

}  // namespace shootdown::kernel::x86
