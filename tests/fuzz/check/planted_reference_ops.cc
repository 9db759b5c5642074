// Planted: how an mm is held, and taken on.
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"
#include "tests/fuzz/check/planted_op_kinds.h"

namespace shootdown::testing {
namespace {

using namespace shootdown::kernel;  // NOLINT(google-build-using-namespace): this is kernel code

// ---- references ---------------------------------------------------------------------------------

void Remember(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  WRITE_ONCE(ObjectArg<Holder>(op, 0)->mm, mm);
}

void Hold(const BoundOp& op) {
  Remember(op);
  mmgrab(MmOf(op));
  GhostGrab(MmOf(op));
}

void Release(const BoundOp& op) {
  GhostDrop(MmOf(op));
  mmdrop(MmOf(op));
}

// mm_users rises from 0 if nobody else has it.
void GetWithoutLooking(const BoundOp& op) {
  mmget(MmOf(op));
  mmput(MmOf(op));
}
void GetAndPut(const BoundOp& op) {
  if (mmget_not_zero(MmOf(op))) mmput(MmOf(op));
}

void PutTwice(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmget(mm);
  mmput(mm);
  mmput(mm);
}
void PutOnce(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmget(mm);
  mmput(mm);
}

void LeakCount(const BoundOp& /*op*/) { mmgrab(READ_ONCE(current()->mm)); }
void GrabAndDrop(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmgrab(mm);
  mmdrop(mm);
}

// A kernel thread drops the mm that it has borrowed, and goes on with it.
void DropBorrowed(const BoundOp& /*op*/) { mmdrop(READ_ONCE(current()->active_mm)); }

void TouchMm(const BoundOp& op) { (void)READ_ONCE(MmOf(op)->mm_users); }

void PutHere(Mm* mm) { mmput(mm); }
void PutInHandler(std::uint64_t info) { mmput(reinterpret_cast<Mm*>(info)); }

void PutUnderSpinlock(const BoundOp& op) {
  Task* const tsk = current();
  spin_lock(&tsk->alloc_lock);
  PutHere(MmOf(op));
  spin_unlock(&tsk->alloc_lock);
}
void PutWithIrqsOff(const BoundOp& op) {
  local_irq_disable();
  PutHere(MmOf(op));
  local_irq_enable();
}
void PutInInterrupt(const BoundOp& op) {
  preempt_disable();
  smp_call_function_many(AllCpus(), &PutInHandler, reinterpret_cast<std::uint64_t>(MmOf(op)),
                         /*wait=*/true);
  preempt_enable();
}

// ---- taking on an mm ----------------------------------------------------------------------------

void UseMm(const BoundOp& op) {
  kthread_use_mm(MmOf(op));
  kthread_unuse_mm(MmOf(op));
}
void UseMmWithUser(const BoundOp& op) {
  if (!mmget_not_zero(MmOf(op))) return;
  UseMm(op);
  mmput(MmOf(op));
}

// What switch_mm does, but for the one store that tells a wrap which mm is loaded.
void SwitchWithoutSecondary(Mm* mm) {
  PerCpu& pc = this_cpu();
  const int cpu = smp_processor_id();
  Mm* const listed = READ_ONCE(pc.secondary_mm);
  switch_mm(nullptr, mm);
  WRITE_ONCE(pc.secondary_mm, listed);
  ATOMIC_RMW(mm->mm_cpumask, old.With(cpu));
}

// kthread_use_mm of its own, with one of two ways to switch.
void UseMmWith(Mm* mm, void (*switch_to)(Mm* mm)) {
  Task* const tsk = current();
  mmgrab(mm);
  spin_lock(&tsk->alloc_lock);
  local_irq_disable();
  this_cpu().in_switch = 1;
  Mm* const active_mm = READ_ONCE(tsk->active_mm);
  WRITE_ONCE(tsk->active_mm, mm);
  WRITE_ONCE(tsk->mm, mm);
  Tell({.kind = EventKind::kMmFieldsChanged, .mm = mm});
  switch_to(mm);
  this_cpu().in_switch = 0;
  Tell({.kind = EventKind::kMmSwitched, .mm = mm});
  local_irq_enable();
  spin_unlock(&tsk->alloc_lock);
  mmdrop_lazy_tlb(active_mm);
  kthread_unuse_mm(mm);
}

}  // namespace

void RegisterPlantedReferenceOps() {
  OnObject<Holder>("planted_remember", &Remember);
  OnObject<Holder>("planted_hold", &Hold);
  OnObject<Holder>("planted_release", &Release);
  OnObject<Holder>("planted_get", [](const BoundOp& op) { (void)mmget_not_zero(MmOf(op)); });
  OnObject<Holder>("planted_put", [](const BoundOp& op) { mmput(MmOf(op)); });
  OnObject<Holder>("planted_put_under_spinlock", &PutUnderSpinlock);
  OnObject<Holder>("planted_put_with_irqs_off", &PutWithIrqsOff);
  OnObject<Holder>("planted_put_in_interrupt", &PutInInterrupt);
  OnObject<Holder>("planted_get_without_looking", &GetWithoutLooking);
  OnObject<Holder>("planted_get_and_put", &GetAndPut);
  Plain("planted_put_twice", &PutTwice);
  Plain("planted_put_once", &PutOnce);
  Plain("planted_leak_count", &LeakCount);
  Plain("planted_grab_and_drop", &GrabAndDrop);
  Plain("planted_drop_borrowed", &DropBorrowed);
  OnObject<Holder>("planted_touch_mm", &TouchMm);

  OnObject<Holder>("planted_use_mm", &UseMm);
  OnObject<Holder>("planted_use_mm_with_user", &UseMmWithUser);
  OnObject<Holder>("planted_use_mm_unlisted",
                   [](const BoundOp& op) { UseMmWith(MmOf(op), &SwitchWithoutSecondary); });
  OnObject<Holder>("planted_use_mm_listed", [](const BoundOp& op) {
    UseMmWith(MmOf(op), [](Mm* mm) { switch_mm(nullptr, mm); });
  });
}

}  // namespace shootdown::testing
