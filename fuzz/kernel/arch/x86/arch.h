// x86_64 as Linux had it from 4.15 to 6.12, without PCIDs: hardware walks page tables, ptes change
// without a flush, flushes are interrupts to mm_cpumask, and lazy CPUs catch up by generations.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::x86 {

extern const Arch kArch;

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_ARCH_H_
