// /proc/pid/mem: a reader in any process that walks page tables with mmget_not_zero around each
// operation. Source: Linux 4.19 fs/proc/base.c mem_open(), mem_rw().
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"

namespace shootdown::kernel {
namespace {

struct ProcMem {
  Cell<Mm*> mm;
};

void mem_open(ProcMem* file, Task* task) {
  Mm* const mm = get_task_mm(task);
  if (mm == nullptr) return;
  mmgrab(mm);
  GhostGrab(mm);
  WRITE_ONCE(file->mm, mm);
  mmput(mm);
}

// access_remote_vm: takes a reference on the page under the page table lock, reads it through the
// kernel's own mapping, drops the reference.
void mem_read(ProcMem* file, VirtPage va) {
  Mm* const mm = READ_ONCE(file->mm);
  if (mm == nullptr || !mmget_not_zero(mm)) return;
  mmap_read_lock(mm);
  Page* page = nullptr;
  spin_lock(&mm->page_table_lock);
  Cell<Pte>* const ptep = &PteOf(mm->pgd, va);
  const Pte pte = READ_ONCE(*ptep);
  if (pte.valid()) {
    page = &Kernel::Get().pages[pte.page()];
    get_page(page);
  }
  spin_unlock(&mm->page_table_lock);
  if (page != nullptr) {
    (void)READ_ONCE(page->contents);
    put_page(page);
  }
  mmap_read_unlock(mm);
  mmput(mm);
}

void mem_release(ProcMem* file) {
  Mm* const mm = READ_ONCE(file->mm);
  if (mm == nullptr) return;
  WRITE_ONCE(file->mm, nullptr);
  GhostDrop(mm);
  mmdrop(mm);
}

}  // namespace

void RegisterProcOps() {
  RegisterOp({.name = "proc_open",
              .usage = "proc_open FILE TASK",
              .what = "opens /proc/TASK/mem: holds mm_count from then on",
              .args = {ArgKind::kObject, ArgKind::kTask},
              .run = [](const BoundOp& op) {
                mem_open(ObjectArg<ProcMem>(op, 0), &Kernel::Get().tasks[op.args[1]]);
              },
              .object = &ObjectOf<ProcMem>,
              .use = OpUse::kOpens});
  RegisterOp({.name = "proc_read",
              .usage = "proc_read FILE PAGE",
              .what = "reads a page: mmget_not_zero, walks the page table, mmput",
              .args = {ArgKind::kObject, ArgKind::kPage},
              .run = [](const BoundOp& op) {
                mem_read(ObjectArg<ProcMem>(op, 0), PageArg(op, 1));
              },
              .object = &ObjectOf<ProcMem>,
              .use = OpUse::kOwner});
  RegisterOp({.name = "proc_close",
              .usage = "proc_close FILE",
              .what = "drops the reference",
              .args = {ArgKind::kObject},
              .run = [](const BoundOp& op) { mem_release(ObjectArg<ProcMem>(op, 0)); },
              .object = &ObjectOf<ProcMem>,
              .use = OpUse::kCloses});
}

}  // namespace shootdown::kernel
