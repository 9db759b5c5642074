// exec: a task goes on with a new mm; also a kernel thread that starts a user mode helper.
// Source: Linux 6.12 fs/exec.c exec_mmap(), kernel/fork.c mm_alloc(); kernel/umh.c.
// Left out: the argument pages and the program; a new mm is empty, and each can be made once. And
// membarrier_exec_mmap(), whose fence comes right after that of task_lock.
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// d53c3dfb23c4 (5.9) reads active_mm and changes it with interrupts off. Before, task_lock kept
// preemption out, but for PREEMPT_RT, whose task_lock does not: `preemptible`. ->mm came first then, so
// that a task preempted between the two is no kernel thread any more, and its active_mm stays.
enum ExecVersion { kIrqsOff, kPreemptible };
VersionSwitch exec_version("mm.exec_mmap", {"irqs_off", "preemptible"},
                           "d53c3dfb23c4 mm: fix exec activate_mm vs TLB shootdown and lazy tlb "
                           "switching race");

// Interrupts stay off until the hardware is on the new mm (ARCH_WANT_IRQS_OFF_ACTIVATE_MM). sparc64
// does not ask for that, but could: switch_mm takes irqsave locks alone.
void exec_mmap(Mm* mm) {
  Task* const tsk = current();
  Mm* const old_mm = READ_ONCE(tsk->mm);
  const bool irqs_off = exec_version.value() == kIrqsOff;
  if (old_mm != nullptr) mmap_read_lock(old_mm);
  if (irqs_off) {
    spin_lock(&tsk->alloc_lock);
    local_irq_disable();
    this_cpu().in_switch = 1;
  }
  Mm* const active_mm = READ_ONCE(tsk->active_mm);
  if (!irqs_off) WRITE_ONCE(tsk->mm, mm);
  WRITE_ONCE(tsk->active_mm, mm);
  if (irqs_off) WRITE_ONCE(tsk->mm, mm);
  Tell({.kind = EventKind::kMmFieldsChanged, .mm = mm});
  if (!irqs_off) preempt_disable();
  this_cpu().in_switch = 1;
  switch_mm(active_mm, mm);
  this_cpu().in_switch = 0;
  Tell({.kind = EventKind::kMmSwitched, .mm = mm});
  if (irqs_off) {
    local_irq_enable();
    spin_unlock(&tsk->alloc_lock);
  } else {
    preempt_enable();
  }
  if (old_mm != nullptr) {
    mmap_read_unlock(old_mm);
    mmput(old_mm);
  } else {
    mmdrop_lazy_tlb(active_mm);
  }
}

void do_execve(Mm* mm) {
  if (mm->alive != 0) return;  // somebody has made this one already
  mm->alive = 1;
  GhostGrab(mm);
  WRITE_ONCE(mm->mm_users, 1);
  WRITE_ONCE(mm->mm_count, 1);
  exec_mmap(mm);
  current()->kthread = 0;  // PF_KTHREAD: begin_new_exec clears it
}

}  // namespace

void RegisterExecOps() {
  RegisterOp({.name = "exec",
              .usage = "exec PROCESS",
              .what = "goes on as PROCESS, with a new, empty mm; also for a kernel thread",
              .args = {ArgKind::kImage},
              .run = [](const BoundOp& op) { do_execve(&Kernel::Get().mms[op.args[0] + 1]); },
              .use = OpUse::kLast});
}

}  // namespace shootdown::kernel
