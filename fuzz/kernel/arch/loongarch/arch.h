// loongarch: an ASID on each CPU, as on mips, and flushes that tell the CPUs of mm_cpumask.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_LOONGARCH_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_LOONGARCH_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::loongarch {

extern const Arch kArch;

}  // namespace shootdown::kernel::loongarch

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_LOONGARCH_ARCH_H_
