// The life of an mm: its two counters, and who may hold what.
//
// The old rule, written down nowhere, which sparc64 relied on: who loads an mm into a TLB holds a
// reference that goes back to mmget() by a thread of that mm. So a lone thread that finds mm_users at 1
// stays alone. References from mmget_not_zero() (d2005e3f41, 2016) break it if kthread_use_mm() follows.
// Source: Linux 6.12 include/linux/sched/mm.h, kernel/fork.c, kernel/kthread.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_MM_H_
#define SHOOTDOWN_FUZZ_KERNEL_MM_H_

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

// mm_users: users of the mappings.
void mmget(Mm* mm);
[[nodiscard]] bool mmget_not_zero(Mm* mm);
void mmput(Mm* mm);  // the last one tears the mappings down; may sleep
// The last one leaves that to the workqueue: one mm at a time.
void mmput_async(Mm* mm);
[[noreturn]] void mmput_async_fn();
// Null for a task without an mm, and for kernel threads.
[[nodiscard]] Mm* get_task_mm(Task* task);

// mm_count: references to the struct, its page table and its context.
void mmgrab(Mm* mm);
void mmdrop(Mm* mm);
// A borrower's reference counts in mm_count; else it is none at all, and the end of the mm tells them.
[[nodiscard]] bool LazyTlbRefcounted();
void mmgrab_lazy_tlb(Mm* mm);
void mmdrop_lazy_tlb(Mm* mm);

// Counts the reference as owned by something other than a lazy CPU: for the conservation check.
void GhostGrab(Mm* mm);
void GhostDrop(Mm* mm);

// A kernel thread takes on a user mm. The caller holds mm_users for the whole span.
void kthread_use_mm(Mm* mm);
void kthread_unuse_mm(Mm* mm);

// The current task leaves its mm: do_exit's part.
void exit_mm();
// The current task ends: it leaves its mm, and does the work that waited until it did.
[[noreturn]] void do_exit();

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_MM_H_
