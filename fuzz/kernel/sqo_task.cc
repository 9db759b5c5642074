// io_uring with SQPOLL, as of Linux 5.10 and 5.11: for each submission the kernel thread takes mm and files
// from the task that made the ring (sqo_task). A request that waits keeps the files; the ring is one of
// these files; and a ring that is not closed keeps its requests. So a request that nobody cancels keeps
// alive whatever its maker had open.
// Source: Linux 5.11-rc4 fs/io_uring.c __io_sq_thread(), __io_sq_thread_acquire_mm(),
// __io_sq_thread_acquire_files(), io_sq_thread_drop_mm_files(), io_uring_files_cancel(),
// io_ring_ctx_wait_and_kill(); kernel/exit.c.
// Left out: other tasks that have the ring's file. A request reads user memory, and waits for what never comes.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/task_work.h"
#include "fuzz/kernel/user_access.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// d9d05217cb69 (5.11): before, requests could begin when their maker had cancelled all that there were, and
// had not let go of its files yet.
enum DeathVersion { kSqoDead, kSubmitOn };
VersionSwitch death_version("io_uring.sqo_dead", {"stops_submission", "submits_on"},
                            "d9d05217cb69 io_uring: stop SQPOLL submit on creator's death");

constexpr int kSqEntries = 8;

struct SqoRing {
  RwSem uring_lock;  // a mutex: taken for writing alone
  Cell<Task*> sqo_task;
  Cell<std::uint64_t> files;          // of its files_struct: references
  Cell<std::uint64_t> task_has_files; // sqo_task->files is not null; task_lock
  Cell<std::uint64_t> sqo_dead;
  Cell<std::uint64_t> sq_tail;
  Cell<std::uint64_t> sq_head;
  Cell<std::uint64_t> sqes[kSqEntries];  // page
  Cell<std::uint64_t> inflight;          // requests that wait, with a reference to the files each
  Cell<std::uint64_t> dying;
  TaskBits waiters;
};

void mutex_lock(SqoRing* ctx) { DownWriteAt(&ctx->uring_lock, SHOOTDOWN_SITE("ctx->uring_lock")); }
void mutex_unlock(SqoRing* ctx) { UpWriteAt(&ctx->uring_lock, SHOOTDOWN_SITE("ctx->uring_lock")); }

// The last reference closes all files, the ring (io_ring_ctx_wait_and_kill) and pipes among them.
void put_files_struct(SqoRing* ctx) {
  if (ATOMIC_RMW(ctx->files, old - 1) != 1) return;
  WRITE_ONCE(ctx->dying, 1);
  smp_mb();  // wake_up_all takes the queue's lock
  wake_up_all(&ctx->waiters);
}

void io_uring_setup_sqo(SqoRing* ctx) {
  WRITE_ONCE(ctx->sqo_task, current());
  WRITE_ONCE(ctx->task_has_files, 1);
  WRITE_ONCE(ctx->files, 1);
}

void io_uring_submit_sqo(SqoRing* ctx, std::uint64_t page) {
  const std::uint64_t tail = READ_ONCE(ctx->sq_tail);
  if (tail - READ_ONCE(ctx->sq_head) == kSqEntries) return;  // -EBUSY
  Cell<std::uint64_t>& sqe = ctx->sqes[tail % kSqEntries];
  WRITE_ONCE(sqe, page);
  WRITE_ONCE(ctx->sq_tail, tail + 1);
}

// Early in do_exit.
void io_uring_files_cancel(SqoRing* ctx) {
  mutex_lock(ctx);
  if (death_version.value() == kSqoDead) WRITE_ONCE(ctx->sqo_dead, 1);
  const std::uint64_t cancelled = READ_ONCE(ctx->inflight);
  WRITE_ONCE(ctx->inflight, 0);
  mutex_unlock(ctx);
  for (std::uint64_t i = 0; i < cancelled; ++i) put_files_struct(ctx);
}

void exit_files(SqoRing* ctx) {
  Task* const tsk = current();
  spin_lock(&tsk->alloc_lock);
  WRITE_ONCE(ctx->task_has_files, 0);
  spin_unlock(&tsk->alloc_lock);
  put_files_struct(ctx);
}

void do_exit_sqo(SqoRing* ctx) {
  io_uring_files_cancel(ctx);
  exit_mm();
  exit_files(ctx);
  task_work_run();
  do_task_dead();
}

Mm* io_sq_thread_acquire_mm(SqoRing* ctx) {
  Task* const sqo_task = READ_ONCE(ctx->sqo_task);
  if (sqo_task == nullptr) return nullptr;  // a ring that nobody has set up
  spin_lock(&sqo_task->alloc_lock);
  Mm* mm = READ_ONCE(sqo_task->mm);
  if (mm != nullptr && !mmget_not_zero(mm)) mm = nullptr;
  spin_unlock(&sqo_task->alloc_lock);
  return mm;
}

bool io_sq_thread_acquire_files(SqoRing* ctx) {
  Task* const sqo_task = READ_ONCE(ctx->sqo_task);
  spin_lock(&sqo_task->alloc_lock);
  const bool has_files = READ_ONCE(ctx->task_has_files) != 0;
  if (has_files) ATOMIC_RMW(ctx->files, old + 1);
  spin_unlock(&sqo_task->alloc_lock);
  return has_files;
}

// What the thread has of the ring's maker, with a reference each.
struct MmFiles {
  Mm* mm = nullptr;
  bool files = false;
};

MmFiles io_sq_thread_acquire_mm_files(SqoRing* ctx) {
  MmFiles has;
  has.mm = io_sq_thread_acquire_mm(ctx);
  if (has.mm == nullptr) return has;  // -EFAULT
  kthread_use_mm(has.mm);
  has.files = io_sq_thread_acquire_files(ctx);  // else -EOWNERDEAD
  return has;
}

void io_sq_thread_drop_mm_files(SqoRing* ctx, const MmFiles& has) {
  if (has.mm != nullptr) {
    kthread_unuse_mm(has.mm);
    mmput(has.mm);
  }
  if (has.files) put_files_struct(ctx);
}

MmFiles io_submit_sqe(SqoRing* ctx, VirtPage page) {
  const MmFiles has = io_sq_thread_acquire_mm_files(ctx);
  if (has.mm == nullptr || !has.files) return has;
  user_access(page, UserAccessKind::kRead);
  ATOMIC_RMW(ctx->files, old + 1);  // io_grab_identity(): the request's own reference
  WRITE_ONCE(ctx->inflight, READ_ONCE(ctx->inflight) + 1);
  return has;
}

void io_sq_thread_sqo(SqoRing* ctx) {
  for (;;) {
    const std::uint64_t head = READ_ONCE(ctx->sq_head);
    const std::uint64_t tail = READ_ONCE(ctx->sq_tail);
    if (tail == head) {
      if (READ_ONCE(ctx->dying) != 0) return;
      // sq_head is this thread's own: memory may not have its last store yet.
      PollUntil(SHOOTDOWN_SITE("ctx->sq_tail"), sim::WaitKind::kIdle, [ctx, tail] {
        return ctx->sq_tail.Peek() != tail || ctx->dying.Peek() != 0;
      });
      continue;
    }
    MmFiles has;
    mutex_lock(ctx);
    if (READ_ONCE(ctx->sqo_dead) == 0) {
      const Cell<std::uint64_t>& sqe = ctx->sqes[head % kSqEntries];
      has = io_submit_sqe(ctx, VirtPage(static_cast<std::uint8_t>(READ_ONCE(sqe))));
    }
    WRITE_ONCE(ctx->sq_head, head + 1);
    mutex_unlock(ctx);
    io_sq_thread_drop_mm_files(ctx, has);
  }
}

// Reads from a pipe to which the ring's maker has the other end.
void read_pipe(SqoRing* ctx) {
  while (READ_ONCE(ctx->files) != 0) {
    SleepOn(&ctx->waiters, SHOOTDOWN_SITE_AS("pipe->writers", &FormatTasks),
            [ctx] { return READ_ONCE(ctx->files) == 0; });
  }
}

OpSpec OnRing(std::string_view name, std::string_view usage, std::string_view what, OpSpec::Who who,
              OpUse use, void (*run)(const BoundOp& op)) {
  return {.name = name,
          .usage = usage,
          .what = what,
          .who = who,
          .args = {ArgKind::kObject},
          .run = run,
          .object = &ObjectOf<SqoRing>,
          .use = use};
}

}  // namespace

void RegisterSqoTaskOps() {
  using Who = OpSpec::Who;
  RegisterOp(OnRing("io_uring_setup_sqo", "io_uring_setup_sqo RING",
                    "makes a ring whose kernel thread works with the caller's mm and files, while it has any",
                    Who::kUser, OpUse::kOpens,
                    [](const BoundOp& op) { io_uring_setup_sqo(ObjectArg<SqoRing>(op, 0)); }));
  OpSpec submit = OnRing("io_uring_submit_sqo", "io_uring_submit_sqo RING PAGE",
                         "asks the kernel thread to read user memory, and then to wait for what never comes",
                         Who::kUser, OpUse::kOwner, [](const BoundOp& op) {
                           io_uring_submit_sqo(ObjectArg<SqoRing>(op, 0), op.args[1]);
                         });
  submit.args.push_back(ArgKind::kPage);
  RegisterOp(submit);
  RegisterOp(OnRing("exit_sqo", "exit_sqo RING", "exit of the ring's maker: cancels its requests, and closes its files",
                    Who::kUser, OpUse::kCloses,
                    [](const BoundOp& op) { do_exit_sqo(ObjectArg<SqoRing>(op, 0)); }));
  RegisterOp(OnRing("io_sq_thread_sqo", "io_sq_thread_sqo RING", "serves such a ring", Who::kKthread, OpUse::kServes,
                    [](const BoundOp& op) { io_sq_thread_sqo(ObjectArg<SqoRing>(op, 0)); }));
  RegisterOp(OnRing("read_pipe", "read_pipe RING",
                    "reads from a pipe until the ring's maker, who has the other end, has closed its files",
                    Who::kAny, OpUse::kAwaits,
                    [](const BoundOp& op) { read_pipe(ObjectArg<SqoRing>(op, 0)); }));
}

}  // namespace shootdown::kernel
