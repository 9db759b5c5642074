// User memory as user code, and a kernel thread that uses an mm, reach it: TLB, then the TSB miss
// handler at trap level 1, then the fault path.
// Source: Linux 4.19 arch/sparc/kernel/tsb.S (tsb_miss_dtlb), dtlb_miss.S, mm/fault_64.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_USER_ACCESS_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_USER_ACCESS_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

enum class UserAccessKind : std::uint8_t { kRead, kWrite };

// One load or store of user page `va` through the context in SECONDARY. False: SIGSEGV (a user
// thread) or -EFAULT (copy_from_user of a kernel thread).
bool user_access(VirtPage va, UserAccessKind kind);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_USER_ACCESS_H_
