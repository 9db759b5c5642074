// Flushing: batches of changed ptes, and who must be told.
// Source: Linux 4.19 arch/sparc/mm/tlb.c (tlb_batch_add, flush_tlb_pending, lazy mmu mode) and
// arch/sparc/kernel/smp_64.c (smp_flush_tlb_*), before and after bafb056ce279.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TLB_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TLB_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

void arch_enter_lazy_mmu_mode();
void arch_leave_lazy_mmu_mode();
void tlb_batch_add(Mm* mm, VirtPage va, bool fullmm);
void flush_tlb_pending();

// On every CPU that may have translations of `mm`.
void smp_flush_tlb_mm(Mm* mm);
void smp_flush_tlb_page(Mm* mm, VirtPage va);
void smp_flush_tlb_pending(Mm* mm, TlbBatch* tb);

// cpumask_copy(mm_cpumask(mm), cpumask_of(cpu)): a plain store, which wipes out the bit of a CPU that
// set its own in the meantime.
void cpumask_copy(Mm* mm, int cpu);

// On this CPU.
void __flush_tlb_mm(Ctx ctx);
void __flush_tlb_page(Ctx ctx, VirtPage va);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TLB_H_
