// Locked memory: VM_LOCKED of a vma, PageMlocked of its pages. Whoever maps a page into a locked vma marks
// it; reclaim leaves marked pages alone, and the oom reaper locked vmas.
// Source: Linux 4.16, 4.17 and 4.19 mm/mlock.c, mm/gup.c, mm/mmap.c exit_mmap(), mm/oom_kill.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_MLOCK_H_
#define SHOOTDOWN_FUZZ_KERNEL_MLOCK_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

// exit_mmap of an mm that has locked pages begins with this.
void exit_munlock(Mm* mm);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_MLOCK_H_
