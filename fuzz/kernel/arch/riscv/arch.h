// riscv with ASIDs: arm64's allocator, and flushes that tell the CPUs of mm_cpumask.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_RISCV_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_RISCV_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::riscv {

extern const Arch kArch;

}  // namespace shootdown::kernel::riscv

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_RISCV_ARCH_H_
