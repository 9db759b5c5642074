// Register windows: user accesses that the kernel did not ask for. A spill or fill trap stores or
// loads the registers of a user function on the user's stack, at trap level 1 with PSTATE.IE 0,
// also when it was the kernel that ran out of windows. Interrupts, cross calls included, wait until
// it is done. Source: Linux 4.19 arch/sparc/kernel/winfixup.S, etrap_64.S; SPARC V9, 6.4 and 7.5.2.
// Left out: which window is next; a task says when it has some, and on which page.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_WINDOW_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_WINDOW_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// One trap: `count` stores to the stack in page `va`. Where the page is not there, the window goes
// to the thread's own buffer, and user memory is left alone.
void SpillTrap(VirtPage va, int count);

// The current task goes on with `count` user windows in its registers; the first belongs to the
// stack in page `va`, the next to the page after it.
void LeaveWindows(VirtPage va, int count);
// A call deep enough to need a window: spills one that was left, if there is one.
void SpillWindow();
// A chain of calls longer than there are windows (8): zap_pte_range is at the end of one, so the
// last thread of an mm has none left when its pages go.
void SpillAllWindows();

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_WINDOW_H_
