// The hardware's page walk, on a miss and of its own accord. Source: Intel SDM volume 3A, 4.8
// (accessed and dirty flags), 4.10 (caching translation information).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_WALKER_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_WALKER_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::x86 {

// An access missed. False: a page fault follows.
[[nodiscard]] bool page_walk(VirtPage va, bool write);

// The CPU fetches a translation that nobody asked for; at once, without steps.
[[nodiscard]] bool CanWalk(VirtPage va);
void Walk(VirtPage va);

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_WALKER_H_
