// binder: a caller works on the address space of the process that it calls, on a reference from
// mmget_not_zero, and then waits for the reply. That process's file of the device is held by its
// mapping, so it is released where the mappings are torn down. Source: Linux 6.7
// drivers/android/binder_alloc.c, binder.c; kernel/fork.c mmput_async(); fs/file_table.c fput().
// Left out: everything about the messages themselves; nobody ever replies.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/task_work.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// 9a9ab0d96362 (6.8): before, the caller itself could drop the last reference. What that releases
// waits for the caller to return to user mode; and the caller waits for what is to be released.
enum PutVersion { kMmputAsync, kMmput };
VersionSwitch put_version("binder.alloc_put", {"mmput_async", "mmput"},
                          "9a9ab0d96362 binder: fix race between mmput() and do_exit()");

struct BinderProc {
  Cell<Mm*> mm;
  Cell<std::uint64_t> is_dead;
  TaskBits waiters;
};

// binder_deferred_release(): callers get BR_DEAD_REPLY, and binder_alloc_deferred_release() lets go of the mm.
// Here at once; Linux has a workqueue do it.
void binder_release(void* file) {
  auto* const proc = static_cast<BinderProc*>(file);
  WRITE_ONCE(proc->is_dead, 1);
  smp_mb();  // wake_up_all takes the queue's lock
  wake_up_all(&proc->waiters);
  Mm* const mm = READ_ONCE(proc->mm);
  WRITE_ONCE(proc->mm, nullptr);
  GhostDrop(mm);
  mmdrop(mm);
}

void binder_mmap(BinderProc* proc) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmgrab(mm);
  GhostGrab(mm);
  mm->mapped_file = proc;
  mm->release_mapped_file = &binder_release;
  WRITE_ONCE(proc->mm, mm);
}

// The buffer is mapped into the other process; left out, but for the lock.
void binder_update_page_range(Mm* mm) {
  mmap_write_lock(mm);
  mmap_write_unlock(mm);
}

void binder_transaction(BinderProc* proc) {
  Mm* const mm = READ_ONCE(proc->mm);
  if (mm == nullptr || !mmget_not_zero(mm)) return;  // BR_FAILED_REPLY
  binder_update_page_range(mm);
  put_version.value() == kMmputAsync ? mmput_async(mm) : mmput(mm);
  // binder_thread_read
  while (READ_ONCE(proc->is_dead) == 0) {
    SleepOn(&proc->waiters, SHOOTDOWN_SITE_AS("proc->is_dead", &FormatTasks),
            [proc] { return READ_ONCE(proc->is_dead) != 0; });
  }
}

}  // namespace

void RegisterBinderOps() {
  using Who = OpSpec::Who;
  RegisterOp({.name = "binder_mmap",
              .usage = "binder_mmap PROC",
              .what = "in a setup: the caller maps its file of the binder device",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { binder_mmap(ObjectArg<BinderProc>(op, 0)); },
              .object = &ObjectOf<BinderProc>,
              .use = OpUse::kOpens});
  RegisterOp({.name = "binder_transaction",
              .usage = "binder_transaction PROC",
              .what = "calls that process, and waits for a reply or for its end",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { binder_transaction(ObjectArg<BinderProc>(op, 0)); },
              .object = &ObjectOf<BinderProc>,
              .use = OpUse::kAwaits});
  RegisterOp({.name = "mmput_async_fn",
              .usage = "mmput_async_fn",
              .what = "the workqueue that does last mmputs for others",
              .who = Who::kKthread,
              .run = [](const BoundOp&) { mmput_async_fn(); },
              .use = OpUse::kHelps});
}

}  // namespace shootdown::kernel
