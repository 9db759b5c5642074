// sparc64: contexts are numbers that run out, pages are flushed as their ptes change, and a miss is
// served by software from the TSB.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::sparc64 {

extern const Arch kArch;

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_ARCH_H_
