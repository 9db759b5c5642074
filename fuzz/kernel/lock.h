// Spinlocks, sleeping locks, and what may interrupt a CPU.
//
// Spinning is waiting (fuzz/sim/machine.h), so a deadlock is seen when it exists.
// Source: Linux 4.19 include/linux/spinlock.h, rwsem.h; arch/sparc/include/asm/spinlock_64.h
// (ldstub to take, a plain store to release), irqflags_64.h (PIL 14).
#ifndef SHOOTDOWN_FUZZ_KERNEL_LOCK_H_
#define SHOOTDOWN_FUZZ_KERNEL_LOCK_H_

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

void SpinLockAt(SpinLock* lock, const sim::Site& site);
void SpinUnlockAt(SpinLock* lock, const sim::Site& site);
void DownReadAt(RwSem* sem, const sim::Site& site);
void DownWriteAt(RwSem* sem, const sim::Site& site);
void UpReadAt(RwSem* sem, const sim::Site& site);
void UpWriteAt(RwSem* sem, const sim::Site& site);

void preempt_disable();
void preempt_enable();            // may schedule
void preempt_enable_no_resched();

// Returns the level before; local_irq_restore gives it back.
int local_irq_save();
void local_irq_restore(int pil);
inline void local_irq_disable() { (void)local_irq_save(); }
inline void local_irq_enable() { local_irq_restore(0); }

#define spin_lock(lock) (::shootdown::kernel::SpinLockAt((lock), SHOOTDOWN_SITE("spin_lock(" #lock ")")))
#define spin_unlock(lock) \
  (::shootdown::kernel::SpinUnlockAt((lock), SHOOTDOWN_SITE("spin_unlock(" #lock ")")))
#define mmap_read_lock(mm) \
  (::shootdown::kernel::DownReadAt(&(mm)->mmap_lock, SHOOTDOWN_SITE("mmap_read_lock(" #mm ")")))
#define mmap_read_unlock(mm) \
  (::shootdown::kernel::UpReadAt(&(mm)->mmap_lock, SHOOTDOWN_SITE("mmap_read_unlock(" #mm ")")))
#define mmap_write_lock(mm) \
  (::shootdown::kernel::DownWriteAt(&(mm)->mmap_lock, SHOOTDOWN_SITE("mmap_write_lock(" #mm ")")))
#define mmap_write_unlock(mm) \
  (::shootdown::kernel::UpWriteAt(&(mm)->mmap_lock, SHOOTDOWN_SITE("mmap_write_unlock(" #mm ")")))

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_LOCK_H_
