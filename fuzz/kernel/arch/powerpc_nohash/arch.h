// powerpc with a nohash MMU: context numbers under one lock, which switch_mm takes.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC_NOHASH_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC_NOHASH_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::powerpc_nohash {

extern const Arch kArch;

}  // namespace shootdown::kernel::powerpc_nohash

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC_NOHASH_ARCH_H_
