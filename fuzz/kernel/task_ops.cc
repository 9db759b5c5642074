// Operations on tasks: starting, ending, moving, sleeping.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"

namespace shootdown::kernel {
namespace {

struct WaitQueue {
  TaskBits waiters;
  Cell<std::uint64_t> wakeups;
};

// clone(CLONE_VM | CLONE_THREAD): the child shares the caller's mm. Linux 6.12 kernel/fork.c copy_mm.
void do_clone(Task* child) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmget(mm);
  WRITE_ONCE(child->mm, mm);
  WRITE_ONCE(child->active_mm, mm);
  try_to_wake_up(child);
}

void WakeFromInterrupt(std::uint64_t info) {
  auto* const wq = reinterpret_cast<WaitQueue*>(info);
  ATOMIC_RMW(wq->wakeups, old + 1);
  wake_up_all(&wq->waiters);
}

}  // namespace

void RegisterTaskOps() {
  using Who = OpSpec::Who;
  RegisterOp({.name = "clone",
              .usage = "clone TASK",
              .what = "starts a thread of the caller's mm; until then TASK does not exist",
              .who = Who::kUser,
              .args = {ArgKind::kTask},
              .run = [](const BoundOp& op) { do_clone(&Kernel::Get().tasks[op.args[0]]); },
              .use = OpUse::kStarts});
  RegisterOp({.name = "exit",
              .usage = "exit",
              .what = "leaves the mm and dies; the last thread's exit tears the mm down",
              .run = [](const BoundOp&) { do_exit(); },
              .use = OpUse::kLast});
  RegisterOp({.name = "migrate",
              .usage = "migrate CPU",
              .what = "goes on with that CPU",
              .args = {ArgKind::kCpu},
              .run = [](const BoundOp& op) { migrate_to(static_cast<int>(op.args[0])); }});
  RegisterOp({.name = "yield",
              .usage = "yield",
              .what = "lets other tasks of this CPU run",
              .run = [](const BoundOp&) { schedule(); }});
  RegisterOp({.name = "sleep",
              .usage = "sleep QUEUE",
              .what = "sleeps until a wake on that queue; takes one wake-up",
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) {
                auto* const wq = ObjectArg<WaitQueue>(op, 0);
                while (ATOMIC_RMW(wq->wakeups, old != 0 ? old - 1 : old) == 0) {
                  SleepOn(&wq->waiters, SHOOTDOWN_SITE_AS("wait_event", &FormatTasks),
                          [wq] { return wq->wakeups.Peek() != 0; }, /*idle=*/true);
                }
              },
              .object = &ObjectOf<WaitQueue>,
              .use = OpUse::kMayWait});
  RegisterOp({.name = "wake",
              .usage = "wake QUEUE",
              .what = "adds a wake-up and wakes who sleeps on that queue",
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) {
                auto* const wq = ObjectArg<WaitQueue>(op, 0);
                ATOMIC_RMW(wq->wakeups, old + 1);
                wake_up_all(&wq->waiters);
              },
              .object = &ObjectOf<WaitQueue>});
  RegisterOp({.name = "interrupt_wake",
              .usage = "interrupt_wake QUEUE CPU",
              .what = "as wake, from an interrupt that another CPU takes, whenever that is",
              .args = {ArgKind::kObject, ArgKind::kCpu},
              .run = [](const BoundOp& op) {
                preempt_disable();
                smp_call_function_many(CpuBits{}.With(static_cast<int>(op.args[1])), &WakeFromInterrupt,
                                       op.args[0], /*wait=*/false);
                preempt_enable();
              },
              .object = &ObjectOf<WaitQueue>});
}

}  // namespace shootdown::kernel
