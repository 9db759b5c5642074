// Flushes. Source: Linux 5.9 arch/powerpc/mm/book3s64/radix_tlb.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_RADIX_TLB_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_RADIX_TLB_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::powerpc64 {

void radix__flush_tlb_mm(Mm* mm);
void clear_mm_cpumask_cpu(Mm* mm);
void radix__flush_tlb_range(Mm* mm, VirtPage first, int count);

}  // namespace shootdown::kernel::powerpc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_RADIX_TLB_H_
