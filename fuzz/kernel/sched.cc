#include "fuzz/kernel/sched.h"

#include <bit>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/arch/sparc64/smp.h"
#include "fuzz/kernel/cpu_hotplug.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {

using sim::Machine;
using sim::WaitKind;

namespace {

std::uint64_t BitOf(const Task* task) { return std::uint64_t{1} << task->number; }

// The runnable task after `prev` in order of number, around; the idle task if there is none.
Task* pick_next_task(Rq* rq, const Task* prev) {
  const std::uint64_t queue = READ_ONCE(rq->queue);
  if (queue == 0) return &Kernel::Get().idle[smp_processor_id()];
  const std::uint64_t after = prev->idle != 0 ? queue : queue & ~(BitOf(prev) * 2 - 1);
  const int number = std::countr_zero(after != 0 ? after : queue);
  Task* const next = &Kernel::Get().tasks[number];
  WRITE_ONCE(rq->queue, queue & ~BitOf(next));
  return next;
}

// Linux 6.12 kernel/sched/core.c context_switch(). IRQs off, rq->lock held.
void context_switch(Rq* rq, Task* prev, Task* next) {
  Mm* const next_mm = READ_ONCE(next->mm);
  Mm* const prev_active_mm = READ_ONCE(prev->active_mm);
  Mm* const prev_mm = READ_ONCE(prev->mm);
  if (arch().prepare_arch_switch != nullptr) arch().prepare_arch_switch();
  this_cpu().in_switch = 1;
  if (next_mm == nullptr) {
    // To a kernel thread: it borrows the mm (lazy TLB). On sparc64 the hardware stays as it is.
    enter_lazy_tlb(prev_active_mm, next);
    WRITE_ONCE(next->active_mm, prev_active_mm);
    if (prev_mm != nullptr) {
      mmgrab_lazy_tlb(prev_active_mm);
    } else {
      WRITE_ONCE(prev->active_mm, nullptr);  // the reference goes along
    }
  } else {
    switch_mm(prev_active_mm, next_mm);
    if (prev_mm == nullptr) {
      WRITE_ONCE(rq->prev_mm, prev_active_mm);
      WRITE_ONCE(prev->active_mm, nullptr);
    }
  }
  Tell({.kind = EventKind::kMmFieldsChanged, .mm = next_mm});
  if (arch().switch_to != nullptr) arch().switch_to(next);
  // switch_to: `current` changes here.
  this_cpu().switched_from = prev;
  Machine::Get().SwitchThread(next->idle != 0 ? IdleActor(next->number)
                                              : TaskActor(next->number));
  finish_task_switch(this_cpu().switched_from);
}

void move_queued_task(Task* task, int cpu) {
  Rq* const rq = &Kernel::Get().cpus[cpu].rq;
  const int pil = local_irq_save();
  spin_lock(&rq->lock);
  WRITE_ONCE(rq->queue, READ_ONCE(rq->queue) | BitOf(task));
  Task* const curr = READ_ONCE(rq->curr);
  WRITE_ONCE(rq->need_resched, 1);
  spin_unlock(&rq->lock);
  // An idle CPU polls need_resched (TIF_POLLING_NRFLAG): it needs no interrupt.
  if (cpu != smp_processor_id() && curr->idle == 0) smp_send_reschedule(cpu);
  local_irq_restore(pil);
}

}  // namespace

void schedule() {
  const sim::Forgetting scope(SHOOTDOWN_SITE("schedule"));
  do {
    preempt_disable();
    local_irq_disable();
    Rq* const rq = &this_cpu().rq;
    spin_lock(&rq->lock);
    Task* const prev = current();
    WRITE_ONCE(rq->need_resched, 0);
    // A task that is still runnable goes to the end of the queue.
    if (prev->idle == 0 && prev->migrate_to < 0 && READ_ONCE(prev->state) == TaskState::kRunning) {
      WRITE_ONCE(rq->queue, READ_ONCE(rq->queue) | BitOf(prev));
    }
    Task* const next = pick_next_task(rq, prev);
    if (next != prev) {
      WRITE_ONCE(rq->curr, next);
      Tell({.kind = EventKind::kBatchLeft});
      context_switch(rq, prev, next);
    } else {
      spin_unlock(&rq->lock);
      local_irq_enable();
    }
    preempt_enable_no_resched();
  } while (this_cpu().rq.need_resched.PeekOwn() != 0 && current()->idle == 0 &&
           READ_ONCE(current()->state) == TaskState::kRunning);
}

// On the stack of the task that was switched in. Linux 6.12 kernel/sched/core.c.
void finish_task_switch(Task* prev) {
  Rq* const rq = &this_cpu().rq;
  Mm* const mm = READ_ONCE(rq->prev_mm);
  if (mm != nullptr) WRITE_ONCE(rq->prev_mm, nullptr);
  const std::int64_t target = prev->migrate_to;
  this_cpu().in_switch = 0;
  spin_unlock(&rq->lock);
  Tell({.kind = EventKind::kMmSwitched, .mm = this_cpu().hardware_mm});
  local_irq_enable();
  if (mm != nullptr) mmdrop_lazy_tlb(mm);
  if (target >= 0) {
    // Linux has the stopper thread of the old CPU do this.
    prev->migrate_to = -1;
    WRITE_ONCE(prev->cpu, static_cast<std::uint64_t>(target));
    move_queued_task(prev, static_cast<int>(target));
  }
}

void preempt_check_resched() {
  Machine& m = Machine::Get();
  Task* const task = current();
  if (task->preempt_count != 0 || task->idle != 0 || m.InInterrupt() || m.pil() != 0 || !m.ie()) {
    return;
  }
  if (this_cpu().rq.need_resched.PeekOwn() == 0) return;
  // preempt_schedule: a task about to sleep is not put to sleep by being preempted. The CPU sees its
  // own store of the state before anybody else does.
  if (task->state.PeekOwn() == TaskState::kSleeping) return;
  schedule();
}

void scheduler_ipi() {
  Rq* const rq = &this_cpu().rq;
  WRITE_ONCE(rq->need_resched, 1);
}

void try_to_wake_up(Task* task) {
  const int pil = local_irq_save();
  int cpu = 0;
  Rq* rq = nullptr;
  for (;;) {  // task_rq_lock: the task may move while the lock is waited for
    cpu = static_cast<int>(READ_ONCE(task->cpu));
    rq = &Kernel::Get().cpus[cpu].rq;
    spin_lock(&rq->lock);
    if (static_cast<int>(READ_ONCE(task->cpu)) == cpu) break;
    spin_unlock(&rq->lock);
  }
  bool kick = false;
  if (READ_ONCE(task->state) == TaskState::kSleeping) {
    WRITE_ONCE(task->state, TaskState::kRunning);
    Task* const curr = READ_ONCE(rq->curr);
    if (curr != task) {  // else it has not got to schedule() yet, and just goes on
      WRITE_ONCE(rq->queue, READ_ONCE(rq->queue) | BitOf(task));
      WRITE_ONCE(rq->need_resched, 1);
      kick = cpu != smp_processor_id() && curr->idle == 0;
    }
  }
  spin_unlock(&rq->lock);
  if (kick) smp_send_reschedule(cpu);
  local_irq_restore(pil);
}

void migrate_to(int cpu) {
  if (cpu == smp_processor_id()) return;
  current()->migrate_to = cpu;
  schedule();
}

void do_task_dead() {
  current()->finished = 1;
  Kernel::Get().NoteDeath(*current());
  // set_special_state: a waker that has seen this task asleep may still be about to make it running,
  // and must not do so after this.
  const int pil = local_irq_save();
  Rq* const rq = &this_cpu().rq;
  spin_lock(&rq->lock);
  WRITE_ONCE(current()->state, TaskState::kDead);
  spin_unlock(&rq->lock);
  local_irq_restore(pil);
  schedule();
  SHOOTDOWN_UNREACHABLE("a dead task was scheduled");
}

void do_idle() {
  sim::Forgetting scope(SHOOTDOWN_SITE("idle"));
  for (;;) {
    scope.Again();
    Rq* const rq = &this_cpu().rq;
    const PerCpu* const pc = &this_cpu();
    Machine::Get().WaitUntil(SHOOTDOWN_SITE("rq->need_resched"), WaitKind::kIdle, [rq, pc] {
      return rq->need_resched.Peek() != 0 || CpuGoesDown(*pc);
    });
    if (CpuGoesDown(*pc) && rq->queue.PeekOwn() == 0) cpu_die();
    schedule();
  }
}

void prepare_to_wait(TaskBits* waiters, const sim::Site& site, bool idle) {
  Task* const task = current();
  task->sleeps_idle = idle ? 1 : 0;
  task->waits_at = &site;
  waiters->Rmw(site, [task](std::uint64_t v) { return v | BitOf(task); });
  WRITE_ONCE(task->state, TaskState::kSleeping);
  smp_mb();  // set_current_state: the condition is looked at after the state is visible
}

void finish_wait(TaskBits* waiters, const sim::Site& site) {
  Task* const task = current();
  WRITE_ONCE(task->state, TaskState::kRunning);
  waiters->Rmw(site, [task](std::uint64_t v) { return v & ~BitOf(task); });
  task->waits_at = nullptr;
}

bool SomebodyCanGoOn(const Rq* rq) {
  const std::uint64_t queue = rq->queue.Peek();
  const Kernel& k = Kernel::Get();
  for (int t = 0; t < k.task_count; ++t) {
    const Task& task = k.tasks[t];
    if ((queue >> t & 1) == 0 || (k.in_setup() ? task.setup_done : task.finished) != 0) continue;
    if (task.polls_for == nullptr || task.polls_for(task.polls_argument)) return true;
  }
  return false;
}

void wake_up_all(TaskBits* waiters) {
  std::uint64_t left = READ_ONCE(*waiters);
  while (left != 0) {
    const int number = std::countr_zero(left);
    left &= left - 1;
    try_to_wake_up(&Kernel::Get().tasks[number]);
  }
}

}  // namespace shootdown::kernel
