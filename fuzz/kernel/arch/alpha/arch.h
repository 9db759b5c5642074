// alpha: an address space number (ASN) on each CPU, and flushes that look at whose they are.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_ALPHA_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_ALPHA_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::alpha {

extern const Arch kArch;

}  // namespace shootdown::kernel::alpha

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_ALPHA_ARCH_H_
