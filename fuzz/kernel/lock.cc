#include "fuzz/kernel/lock.h"

#include "fuzz/kernel/sched.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {

using sim::Machine;
using sim::WaitKind;

void preempt_disable() { ++current()->preempt_count; }
void preempt_enable_no_resched() { --current()->preempt_count; }

void preempt_enable() {
  preempt_enable_no_resched();
  preempt_check_resched();
}

int local_irq_save() {
  Machine& m = Machine::Get();
  const int pil = m.pil();
  sim::Learn(static_cast<std::uint64_t>(pil));
  if (pil < sim::kPilNormalMax) m.SetPil(sim::kPilNormalMax);
  return pil;
}

void local_irq_restore(int pil) {
  Machine::Get().SetPil(pil);
  if (pil == 0) preempt_check_resched();
}

void SpinLockAt(SpinLock* lock, const sim::Site& site) {
  preempt_disable();
  while (lock->locked.Rmw(site, [](std::uint64_t) { return std::uint64_t{1}; }) != 0) {
    Machine::Get().WaitUntil(site, WaitKind::kBlocked,
                             [lock] { return lock->locked.Peek() == 0; });
  }
  lock->owner = smp_processor_id();
  ++current()->spinlocks_held;
}

void SpinUnlockAt(SpinLock* lock, const sim::Site& site) {
  lock->owner = -1;
  --current()->spinlocks_held;
  Machine::Get().Membar(site, sim::kLoadStore | sim::kStoreStore);
  lock->locked.Store(site, 0);
  preempt_enable();
}

namespace {

// Tries once; asleep until the lock is released if that fails.
template <class TryFn>
void Down(RwSem* sem, const sim::Site& site, TryFn try_lock) {
  for (;;) {
    const std::int64_t old = sem->count.Rmw(site, [&](std::int64_t v) { return try_lock(v); });
    if (try_lock(old) != old) return;
    SleepOn(&sem->waiters, site, [&] {
      const std::int64_t now = sem->count.Load(site);
      return try_lock(now) != now;
    });
  }
}

void rwsem_wake(RwSem* sem) {
  if (READ_ONCE(sem->waiters) != 0) wake_up_all(&sem->waiters);
}

}  // namespace

void DownReadAt(RwSem* sem, const sim::Site& site) {
  Down(sem, site, [](std::int64_t v) { return v >= 0 ? v + 1 : v; });
}
void DownWriteAt(RwSem* sem, const sim::Site& site) {
  Down(sem, site, [](std::int64_t v) { return v == 0 ? -1 : v; });
}
void UpReadAt(RwSem* sem, const sim::Site& site) {
  sem->count.Rmw(site, [](std::int64_t v) { return v - 1; });
  rwsem_wake(sem);
}
void UpWriteAt(RwSem* sem, const sim::Site& site) {
  sem->count.Rmw(site, [](std::int64_t v) { return v + 1; });
  rwsem_wake(sem);
}

}  // namespace shootdown::kernel
