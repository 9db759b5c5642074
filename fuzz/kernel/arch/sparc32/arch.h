// sparc32 with the SRMMU: one context number an mm, mm_cpumask, trimmed by flush_tlb_mm.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC32_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC32_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::sparc32 {

extern const Arch kArch;

}  // namespace shootdown::kernel::sparc32

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC32_ARCH_H_
