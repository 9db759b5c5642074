// sh: an ASID on each CPU, as on mips, and a switch to the mm that is loaded already does nothing.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SH_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SH_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::sh {

extern const Arch kArch;

}  // namespace shootdown::kernel::sh

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SH_ARCH_H_
