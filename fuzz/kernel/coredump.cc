// A core dump: the task that dumps takes itself for the only one that can change its vmas, and walks them
// without mmap_lock. Source: Linux 5.0 fs/coredump.c coredump_wait(), coredump_finish(); fs/binfmt_elf.c
// elf_core_dump().
// Left out: the kill of the other threads. They are waited for, and have to end by themselves, or to exec; in
// Linux they stop in exit_mm() until the dump is done.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"

namespace shootdown::kernel {
namespace {

// Threads that have the mm, other than `self`. No steps: for a wait condition, which is asked whatever
// CPU takes a step.
bool HasOtherThreads(const Mm* mm, const Task* self) {
  const Kernel& k = Kernel::Get();
  for (int t = 0; t < k.task_count; ++t) {
    const Task& task = k.tasks[t];
    if (&task != self && task.kthread == 0 && task.mm.Peek() == mm) return true;
  }
  return false;
}

void coredump_wait(Mm* mm) {
  mmap_write_lock(mm);
  WRITE_ONCE(mm->core_state, 1);
  mmap_write_unlock(mm);
  const Task* const self = current();
  PollUntil(SHOOTDOWN_SITE("core_state.startup"), sim::WaitKind::kBlocked,
            [mm, self] { return !HasOtherThreads(mm, self); });
}

void elf_core_dump(Mm* mm) {
  (void)READ_ONCE(mm->vma_pages);
  for (const Vma* vma = READ_ONCE(mm->mmap); vma != nullptr; vma = READ_ONCE(vma->vm_next)) {
    (void)READ_ONCE(vma->vm_pages);
  }
}

void do_coredump() {
  Mm* const mm = READ_ONCE(current()->mm);
  coredump_wait(mm);
  elf_core_dump(mm);
  WRITE_ONCE(mm->core_state, 0);  // coredump_finish(): without mmap_lock
  do_exit();
}

}  // namespace

void RegisterCoredumpOps() {
  RegisterOp({.name = "coredump",
              .usage = "coredump",
              .what = "dumps the core of the caller's process, once its other threads are gone, and exits",
              .who = OpSpec::Who::kUser,
              .run = [](const BoundOp&) { do_coredump(); },
              .use = OpUse::kLastOfAll});
}

}  // namespace shootdown::kernel
