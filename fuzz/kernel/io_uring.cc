// io_uring with SQPOLL, as of Linux 5.1 to 5.11: a kernel thread takes submissions of a process, with
// an mm_users reference from mmget_not_zero, and loads its mm.
// Source: Linux 5.4 fs/io_uring.c io_sq_thread(), io_sq_offload_start().
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/user_access.h"

namespace shootdown::kernel {
namespace {

constexpr int kSqEntries = 8;

struct IoRing {
  Cell<Mm*> sqo_mm;
  Cell<std::uint64_t> sq_tail;
  Cell<std::uint64_t> sq_head;
  Cell<std::uint64_t> sqes[kSqEntries];  // page, and 256 for a write
  Cell<std::uint64_t> dying;
  Cell<std::uint64_t> thread_gone;
};

void io_uring_setup(IoRing* ctx) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmgrab(mm);
  GhostGrab(mm);
  WRITE_ONCE(ctx->sqo_mm, mm);
}

// `count` requests for the same page. The thread polls, so nobody is woken.
void io_uring_submit(IoRing* ctx, std::uint64_t access, std::uint64_t page, std::uint64_t count) {
  std::uint64_t tail = READ_ONCE(ctx->sq_tail);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t room = tail - READ_ONCE(ctx->sq_head);
    if (room == kSqEntries) break;  // the ring is full: -EBUSY
    Cell<std::uint64_t>& sqe = ctx->sqes[tail % kSqEntries];
    WRITE_ONCE(sqe, access * 256 + page);
    ++tail;
  }
  WRITE_ONCE(ctx->sq_tail, tail);
}

// The process is done with the ring; the thread ends, and the ring lets go of the mm.
void io_uring_close(IoRing* ctx) {
  WRITE_ONCE(ctx->dying, 1);
  PollUntil(SHOOTDOWN_SITE("ctx->thread_gone"), sim::WaitKind::kBlocked,
            [ctx] { return ctx->thread_gone.Peek() != 0; });
  Mm* const mm = READ_ONCE(ctx->sqo_mm);
  if (mm == nullptr) return;  // nobody has set it up
  GhostDrop(mm);
  mmdrop(mm);
}

// Linux tells sq_head once, when it has taken all of them (io_commit_sqring).
void io_submit_sqes(IoRing* ctx, std::uint64_t tail) {
  for (std::uint64_t head = READ_ONCE(ctx->sq_head); head != tail; ++head) {
    const Cell<std::uint64_t>& sqe = ctx->sqes[head % kSqEntries];
    const std::uint64_t request = READ_ONCE(sqe);
    user_access(VirtPage(static_cast<std::uint8_t>(request % 256)),
                request >= 256 ? UserAccessKind::kWrite : UserAccessKind::kRead);
    WRITE_ONCE(ctx->sq_head, head + 1);
  }
}

void io_sq_thread(IoRing* ctx) {
  Mm* cur_mm = nullptr;
  for (;;) {
    const std::uint64_t tail = READ_ONCE(ctx->sq_tail);
    if (tail == READ_ONCE(ctx->sq_head)) {
      // Nothing to do: the mm is given back before the thread polls on.
      if (cur_mm != nullptr) {
        kthread_unuse_mm(cur_mm);
        mmput(cur_mm);
        cur_mm = nullptr;
        continue;
      }
      if (READ_ONCE(ctx->dying) != 0) break;
      // sq_head is this thread's own: memory may not have its last store yet.
      PollUntil(SHOOTDOWN_SITE("ctx->sq_tail"), sim::WaitKind::kIdle, [ctx, tail] {
        return ctx->sq_tail.Peek() != tail || ctx->dying.Peek() != 0;
      });
      continue;
    }
    if (cur_mm == nullptr) {
      Mm* const mm = READ_ONCE(ctx->sqo_mm);
      // -EFAULT for all of them; a ring without an mm is one that nobody has set up.
      if (mm == nullptr || !mmget_not_zero(mm)) {
        WRITE_ONCE(ctx->sq_head, tail);
        continue;
      }
      kthread_use_mm(mm);
      cur_mm = mm;
    }
    io_submit_sqes(ctx, tail);
  }
  WRITE_ONCE(ctx->thread_gone, 1);
}

}  // namespace

void RegisterIoUringOps() {
  using Who = OpSpec::Who;
  RegisterOp({.name = "io_uring_setup",
              .usage = "io_uring_setup RING",
              .what = "makes a ring whose kernel thread works on the caller's mm (mm_count)",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { io_uring_setup(ObjectArg<IoRing>(op, 0)); },
              .object = &ObjectOf<IoRing>,
              .use = OpUse::kOpens});
  RegisterOp({.name = "io_uring_submit",
              .usage = "io_uring_submit RING read|write PAGE [COUNT]",
              .what = "asks the kernel thread to access user memory",
              .who = Who::kUser,
              .args = {ArgKind::kObject, ArgKind::kAccess, ArgKind::kPage, ArgKind::kCount},
              .optional = 1,
              .run = [](const BoundOp& op) {
                io_uring_submit(ObjectArg<IoRing>(op, 0), op.args[1], op.args[2], op.args[3]);
              },
              .object = &ObjectOf<IoRing>,
              .use = OpUse::kOwner});
  RegisterOp({.name = "io_uring_close",
              .usage = "io_uring_close RING",
              .what = "ends the ring's kernel thread and drops the ring's reference",
              .who = Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { io_uring_close(ObjectArg<IoRing>(op, 0)); },
              .object = &ObjectOf<IoRing>,
              .use = OpUse::kCloses});
  RegisterOp({.name = "io_sq_thread",
              .usage = "io_sq_thread RING",
              .what = "serves a ring: mmget_not_zero, kthread_use_mm, the accesses, unuse, mmput",
              .who = Who::kKthread,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { io_sq_thread(ObjectArg<IoRing>(op, 0)); },
              .object = &ObjectOf<IoRing>,
              .use = OpUse::kServes});
}

}  // namespace shootdown::kernel
