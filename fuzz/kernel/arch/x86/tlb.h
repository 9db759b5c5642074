// Flushes: by interrupt, to the CPUs of mm_cpumask. Source: Linux 4.20 arch/x86/mm/tlb.c,
// arch/x86/include/asm/tlb.h, tlbflush.h.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_TLB_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_TLB_H_

#include "fuzz/kernel/kernel.h"
#include "fuzz/kernel/mmu_gather.h"

namespace shootdown::kernel::x86 {

// Pages [first, last) of `mm`, all of them if that is everything.
void flush_tlb_mm_range(Mm* mm, int first, int last, bool freed_tables);
void flush_tlb_mm(Mm* mm);
void flush_tlb_range(Mm* mm, VirtPage first, int count);
void tlb_flush(MmuGather* tlb);

void arch_tlbbatch_add_mm(CpuBits* batch, Mm* mm);
void arch_tlbbatch_flush(CpuBits* batch);

// This CPU's TLB, and what its walker knows of upper levels. No step of its own.
void DropTranslations();

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_TLB_H_
