// User memory as user code, and a kernel thread that uses an mm, reach it: TLB, then what the
// architecture does on a miss, then the fault path.
// Source: Linux 4.19 arch/sparc/mm/fault_64.c; 6.12 arch/x86/mm/fault.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_USER_ACCESS_H_
#define SHOOTDOWN_FUZZ_KERNEL_USER_ACCESS_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

enum class UserAccessKind : std::uint8_t { kRead, kWrite };

// One load or store of user page `va` through the loaded context. False: SIGSEGV (a user thread) or
// -EFAULT (copy_from_user of a kernel thread).
bool user_access(VirtPage va, UserAccessKind kind);

// The same, for who must not fault: a window trap, or an interrupt with pagefault_disable(). False if
// TLB and miss handler do not serve it.
bool user_access_nofault(VirtPage va, UserAccessKind kind);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_USER_ACCESS_H_
