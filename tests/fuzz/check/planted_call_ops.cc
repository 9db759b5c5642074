// Planted: cross calls, locks, and waiting for nothing.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"
#include "tests/fuzz/check/planted_op_kinds.h"

namespace shootdown::testing {
namespace {

using namespace shootdown::kernel;  // NOLINT(google-build-using-namespace): this is kernel code

struct Lock {
  SpinLock lock;
};
struct Flag {
  Cell<std::uint64_t> set;
};

void DoNothing(std::uint64_t /*info*/) {}

void CallWithIrqsOff(const BoundOp& /*op*/) {
  local_irq_disable();
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
  local_irq_enable();
}
void CallWithPreemption(const BoundOp& /*op*/) {
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
}
void CallInHandler(std::uint64_t /*info*/) {
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
}
void CallInInterrupt(const BoundOp& /*op*/) {
  preempt_disable();
  smp_call_function_many(AllCpus(), &CallInHandler, 0, /*wait=*/true);
  preempt_enable();
}
void CallRight(const BoundOp& /*op*/) {
  preempt_disable();
  smp_call_function_many(AllCpus(), &DoNothing, 0, /*wait=*/true);
  preempt_enable();
}

void LockTwo(const BoundOp& op) {
  SpinLock* const first = &ObjectArg<Lock>(op, 0)->lock;
  SpinLock* const second = &ObjectArg<Lock>(op, 1)->lock;
  spin_lock(first);
  spin_lock(second);
  spin_unlock(second);
  spin_unlock(first);
}

void KeepMmapLock(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
}
void TakeMmapLock(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  mmap_write_unlock(mm);
}

void SpinUntilSet(const BoundOp& op) {
  while (READ_ONCE(ObjectArg<Flag>(op, 0)->set) == 0) {
  }
}
void Set(const BoundOp& op) { WRITE_ONCE(ObjectArg<Flag>(op, 0)->set, 1); }

}  // namespace

void RegisterPlantedCallOps() {
  Plain("planted_call_with_irqs_off", &CallWithIrqsOff);
  Plain("planted_call_with_preemption", &CallWithPreemption);
  Plain("planted_call_in_interrupt", &CallInInterrupt);
  Plain("planted_call", &CallRight);
  OnObject<Lock>("planted_lock_two", &LockTwo, 2);
  Plain("planted_keep_mmap_lock", &KeepMmapLock);
  Plain("planted_take_mmap_lock", &TakeMmapLock);
  OnObject<Flag>("planted_spin_until_set", &SpinUntilSet);
  OnObject<Flag>("planted_set", &Set);
}

}  // namespace shootdown::testing
