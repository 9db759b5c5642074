// arm64: ASIDs of generations, a rollover that keeps those in use, invalidation by broadcast.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM64_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM64_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::arm64 {

extern const Arch kArch;

}  // namespace shootdown::kernel::arm64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM64_ARCH_H_
