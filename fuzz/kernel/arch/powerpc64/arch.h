// powerpc64 with the radix MMU: PIDs, mm_cpumask with a count of its bits, lazy CPUs that a flusher
// makes leave the mm. Source: Linux 5.9 and 6.12 arch/powerpc/mm/book3s64/radix_tlb.c, mmu_context.c,
// arch/powerpc/include/asm/mmu_context.h.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::powerpc64 {

extern const Arch kArch;

}  // namespace shootdown::kernel::powerpc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_ARCH_H_
