// Tasks on CPUs: sleeping, waking, switching, migrating, and the mm that goes along.
// Source: Linux 6.12 kernel/sched/core.c (schedule, context_switch, finish_task_switch,
// try_to_wake_up). What is simplified: fuzz/kernel/README.md.
#ifndef SHOOTDOWN_FUZZ_KERNEL_SCHED_H_
#define SHOOTDOWN_FUZZ_KERNEL_SCHED_H_

#include <cstdint>

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

void schedule();
// If a reschedule is due and nothing forbids it.
void preempt_check_resched();
void finish_task_switch(Task* prev);
void try_to_wake_up(Task* task);
void scheduler_ipi();
// The current task goes on with CPU `cpu` (sched_setaffinity to that one CPU).
void migrate_to(int cpu);
// The current task never runs again.
[[noreturn]] void do_task_dead();

// The idle loop of a CPU.
[[noreturn]] void do_idle();

// Sleeps on the wait queue `waiters` (a bit for each task) unless `ready()` holds. Returns after a
// wake-up, which may be for somebody else: callers look again. `ready` takes its own steps.
void prepare_to_wait(TaskBits* waiters, const sim::Site& site, bool idle);
void finish_wait(TaskBits* waiters, const sim::Site& site);
template <class Ready>
void SleepOn(TaskBits* waiters, const sim::Site& site, Ready ready, bool idle = false) {
  prepare_to_wait(waiters, site, idle);
  if (!ready()) schedule();
  finish_wait(waiters, site);
}
// Wakes every task asleep on `waiters`.
void wake_up_all(TaskBits* waiters);

// True if a task in this queue has something to do now.
[[nodiscard]] bool SomebodyCanGoOn(const Rq* rq);
// The current task polls until pred() is true, and lets other tasks of its CPU run meanwhile
// (cond_resched). `pred` reads memory with Peek only.
template <class Pred>
void PollUntil(const sim::Site& site, sim::WaitKind kind, const Pred& pred) {
  Task* const task = current();
  task->polls_argument = &pred;
  task->waits_at = &site;
  task->polls_blocked = kind == sim::WaitKind::kBlocked ? 1 : 0;
  task->polls_for = [](const void* p) { return (*static_cast<const Pred*>(p))(); };
  for (;;) {
    const Rq* const rq = &this_cpu().rq;
    sim::Machine::Get().WaitUntil(site, kind, [&] { return pred() || SomebodyCanGoOn(rq); });
    if (pred()) break;
    schedule();
  }
  task->polls_for = nullptr;
  task->waits_at = nullptr;
}

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_SCHED_H_
