// ia64: one context number an mm, which a flush of the whole mm replaces; purges name what is
// loaded.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_IA64_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_IA64_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::ia64 {

extern const Arch kArch;

}  // namespace shootdown::kernel::ia64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_IA64_ARCH_H_
