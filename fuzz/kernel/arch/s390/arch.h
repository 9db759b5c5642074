// s390: IPTE for each pte, or one IDTE for all of them later, by who has the mm loaded.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_S390_ARCH_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_S390_ARCH_H_

#include "fuzz/kernel/arch/arch.h"

namespace shootdown::kernel::s390 {

extern const Arch kArch;

}  // namespace shootdown::kernel::s390

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_S390_ARCH_H_
