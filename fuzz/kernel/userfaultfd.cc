// userfaultfd: holds mm_count, and takes mm_users with mmget_not_zero around each request. It changes
// page tables and vmas, but loads nothing into a TLB. Source: Linux 4.19 fs/userfaultfd.c, d2005e3f41.
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// 04f5866e41fb (5.1): whoever has an mm by mmget_not_zero leaves its vmas alone while its core is dumped.
enum StillValidVersion { kChecked, kUnchecked };
VersionSwitch still_valid_version("mm.mmget_still_valid", {"checked", "unchecked"},
                                  "04f5866e41fb coredump: fix race condition between "
                                  "mmget_not_zero()/get_task_mm() and core dumping");

struct UserfaultfdCtx {
  // A vma is split off once: simplified, there is no second struct.
  enum VmaState : std::uint64_t { kNone = 0, kSplitOff, kGivenUp };
  Cell<Mm*> mm;
  Vma* vma = nullptr;  // constant
  Cell<std::uint64_t> vma_state;  // mmap_lock
};

// mmap_lock is held for writing.
bool mmget_still_valid(Mm* mm) {
  return still_valid_version.value() == kUnchecked || READ_ONCE(mm->core_state) == 0;
}

// UFFDIO_REGISTER: a vma of its own for part of a mapping (split_vma).
void userfaultfd_register(UserfaultfdCtx* ctx, VirtPage va) {
  Mm* const mm = READ_ONCE(ctx->mm);
  if (mm == nullptr || !mmget_not_zero(mm)) return;
  mmap_write_lock(mm);
  Vma* const vma = ctx->vma;
  if (mmget_still_valid(mm) && READ_ONCE(ctx->vma_state) == UserfaultfdCtx::kNone &&
      (READ_ONCE(mm->vma_pages) & VmaRange(va, 1)) != 0) {  // else -EINVAL: nothing is mapped there
    WRITE_ONCE(vma->vm_pages, VmaRange(va, 1));
    WRITE_ONCE(vma->vm_next, READ_ONCE(mm->mmap));
    WRITE_ONCE(mm->mmap, vma);
    WRITE_ONCE(ctx->vma_state, UserfaultfdCtx::kSplitOff);
  }
  mmap_write_unlock(mm);
  mmput(mm);
}

// The vma becomes one with its neighbour again, and is freed (vma_merge). mmap_lock is held for writing.
void Unregister(Mm* mm, UserfaultfdCtx* ctx) {
  Vma* const vma = ctx->vma;
  Vma* const next = READ_ONCE(vma->vm_next);
  Cell<Vma*>* link = &mm->mmap;
  while (READ_ONCE(*link) != vma) link = &READ_ONCE(*link)->vm_next;
  WRITE_ONCE(*link, next);
  sim::Machine::Get().Poison(vma, sizeof(Vma));
}

void* UserfaultfdOf(Kernel& kernel, const std::string& name) {
  auto* const ctx = kernel.Object<UserfaultfdCtx>(name);
  if (ctx->vma == nullptr) ctx->vma = kernel.machine().arena().Alloc<Vma>(name + ".vma");
  return ctx;
}

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
  if (mmget_not_zero(mm)) {
    mmap_write_lock(mm);
    if (READ_ONCE(ctx->vma_state) == UserfaultfdCtx::kSplitOff) {
      if (mmget_still_valid(mm)) Unregister(mm, ctx);
      WRITE_ONCE(ctx->vma_state, UserfaultfdCtx::kGivenUp);
    }
    mmap_write_unlock(mm);
    mmput(mm);
  } else {
    WRITE_ONCE(ctx->vma_state, UserfaultfdCtx::kGivenUp);  // gone with the mappings
  }
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
              .object = &UserfaultfdOf,
              .use = OpUse::kOpens});
  RegisterOp({.name = "userfaultfd_register",
              .usage = "userfaultfd_register UFD PAGE",
              .what = "UFFDIO_REGISTER: the page gets a vma of its own",
              .args = {ArgKind::kObject, ArgKind::kPage},
              .run = [](const BoundOp& op) {
                userfaultfd_register(ObjectArg<UserfaultfdCtx>(op, 0), PageArg(op, 1));
              },
              .object = &UserfaultfdOf});
  RegisterOp({.name = "userfaultfd_copy",
              .usage = "userfaultfd_copy UFD PAGE",
              .what = "UFFDIO_COPY: mmget_not_zero, fills the page table, mmput",
              .args = {ArgKind::kObject, ArgKind::kPage},
              .run = [](const BoundOp& op) {
                userfaultfd_copy(ObjectArg<UserfaultfdCtx>(op, 0), PageArg(op, 1));
              },
              .object = &UserfaultfdOf});
  RegisterOp({.name = "userfaultfd_close",
              .usage = "userfaultfd_close UFD",
              .what = "takes back the vma, and drops the reference",
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) {
                userfaultfd_release(ObjectArg<UserfaultfdCtx>(op, 0));
              },
              .object = &UserfaultfdOf,
              .use = OpUse::kCloses});
}

}  // namespace shootdown::kernel
