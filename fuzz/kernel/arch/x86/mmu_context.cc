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

// 6db2526c1d69 (6.14, and 6.12.y): a flush passes over CPUs that have another mm loaded, too. Between CR3
// and loaded_mm a CPU has the mm, and its loaded_mm does not say so yet. fea4e317f9e7 (6.15, 6.12.29): who
// switches is interrupted. Its mark comes before the bit, as in 6.12.117: after it, with PCIDs, there is one
// window more (83b0177a6c48). Left out: the flush once a second by which CPUs give up their bits
// (trim_cpumask), and the mark in 4.20 to 6.13 (`not_lazy`), where nothing modelled here reads it.
enum ShouldFlushVersion { kNotLazy, kLoadedOrSwitching, kLoaded };
VersionSwitch should_flush_version("x86.should_flush_tlb",
                                   {"not_lazy", "loaded_mm_or_switching", "loaded_mm"},
                                   "fea4e317f9e7 x86/mm: Eliminate window where TLB flushes may be "
                                   "inadvertently skipped");

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

bool looks_at_loaded_mm() { return should_flush_version.value() != kNotLazy; }

// Between the two reads is an smp_rmb() since the fix, which is nothing under TSO.
bool should_flush_tlb(int cpu, Mm* mm) {
  TlbState& state = cpu_tlbstate(cpu);
  if (should_flush_version.value() == kLoaded) {
    if (READ_ONCE(state.is_lazy) != 0) return false;
    return mm == nullptr || READ_ONCE(state.loaded_mm) == mm;
  }
  Mm* const loaded_mm = READ_ONCE(state.loaded_mm);
  if (READ_ONCE(state.is_lazy) != 0) return false;
  return mm == nullptr || loaded_mm == LOADED_MM_SWITCHING() || loaded_mm == mm;
}

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
  if (should_flush_version.value() == kLoadedOrSwitching) {
    WRITE_ONCE(state.loaded_mm, LOADED_MM_SWITCHING());
  }
  if (clear_version.value() == kBeforeCr3) ClearBit(real_prev, cpu);
  // Flushes come from now on, and what came before is known by its generation.
  if (next != init_mm) SetBit(next, cpu);
  state.tlb_gen = READ_ONCE(context(next).tlb_gen);
  if (should_flush_version.value() == kLoaded) WRITE_ONCE(state.loaded_mm, LOADED_MM_SWITCHING());
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
