// userfaultfd: holds mm_count, and takes mm_users with mmget_not_zero around each request. It changes
// page tables, but loads nothing into a TLB. Source: Linux 4.19 fs/userfaultfd.c, d2005e3f41.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"

namespace shootdown::kernel {
namespace {

struct UserfaultfdCtx {
  Cell<Mm*> mm;
};

void userfaultfd_create(UserfaultfdCtx* ctx) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmgrab(mm);
  GhostGrab(mm);
  WRITE_ONCE(ctx->mm, mm);
}

void userfaultfd_copy(UserfaultfdCtx* ctx, VirtPage va) {
  Mm* const mm = READ_ONCE(ctx->mm);
  if (mm == nullptr || !mmget_not_zero(mm)) return;  // -ESRCH
  mmap_read_lock(mm);
  (void)mfill_atomic_pte(mm, va);  // -EEXIST is as good
  mmap_read_unlock(mm);
  mmput(mm);
}

void userfaultfd_release(UserfaultfdCtx* ctx) {
  Mm* const mm = READ_ONCE(ctx->mm);
  if (mm == nullptr) return;
  WRITE_ONCE(ctx->mm, nullptr);
  GhostDrop(mm);
  mmdrop(mm);
}

}  // namespace

void RegisterUserfaultfdOps() {
  RegisterOp({.name = "userfaultfd",
              .usage = "userfaultfd UFD",
              .what = "makes a userfaultfd of the caller's mm (mm_count)",
              .who = OpSpec::Who::kUser,
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { userfaultfd_create(ObjectArg<UserfaultfdCtx>(op, 0)); },
              .object = &ObjectOf<UserfaultfdCtx>,
              .use = OpUse::kOpens});
  RegisterOp({.name = "userfaultfd_copy",
              .usage = "userfaultfd_copy UFD PAGE",
              .what = "UFFDIO_COPY: mmget_not_zero, fills the page table, mmput",
              .args = {ArgKind::kObject, ArgKind::kPage},
              .run = [](const BoundOp& op) {
                userfaultfd_copy(ObjectArg<UserfaultfdCtx>(op, 0), PageArg(op, 1));
              },
              .object = &ObjectOf<UserfaultfdCtx>});
  RegisterOp({.name = "userfaultfd_close",
              .usage = "userfaultfd_close UFD",
              .what = "drops the reference",
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) {
                userfaultfd_release(ObjectArg<UserfaultfdCtx>(op, 0));
              },
              .object = &ObjectOf<UserfaultfdCtx>,
              .use = OpUse::kCloses});
}

}  // namespace shootdown::kernel
