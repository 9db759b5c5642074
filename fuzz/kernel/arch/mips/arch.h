// mips: an ASID on each CPU, flushes that tell all other CPUs, or take their ASIDs away.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_MIPS_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_MIPS_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::mips {

extern const Arch kArch;

}  // namespace shootdown::kernel::mips

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_MIPS_ARCH_H_
