// The trap of a user access without a TLB entry, and the TSB miss handler. Source: Linux 4.19 arch/sparc/kernel/tsb.S (tsb_miss_dtlb), dtlb_miss.S.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_MISS_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_MISS_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// A trap at trap level 1: TSB, then page table. True: the TLB has an entry now. False: no valid pte.
[[nodiscard]] bool dtlb_miss(VirtPage va, bool write);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_MISS_H_
