// The first huge page of an mm changes the page sizes that its context register asks the TLBs for
// (UltraSPARC-III+ and IV+). Source: Linux 4.19 arch/sparc/mm/init_64.c hugetlb_setup(),
// context_reload().
// Simplified: what a TLB does with other page sizes is not modelled, only who has which.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_HUGETLB_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_HUGETLB_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// For the current task's mm.
void hugetlb_setup();

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_HUGETLB_H_
