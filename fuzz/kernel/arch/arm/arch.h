// arm (ARMv7, 32 bits): ASIDs of generations as on arm64, or of versions as in 2007; invalidation
// by broadcast.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::arm {

extern const Arch kArch;

}  // namespace shootdown::kernel::arm

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM_ARCH_H_
