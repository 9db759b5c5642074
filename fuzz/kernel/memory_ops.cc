// Operations on the caller's own memory.
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/user_access.h"

namespace shootdown::kernel {

void RegisterMemoryOps() {
  using Who = OpSpec::Who;
  RegisterOp({.name = "mmap",
              .usage = "mmap PAGE [COUNT]",
              .what = "maps anonymous memory",
              .who = Who::kUser,
              .args = {ArgKind::kPage, ArgKind::kCount},
              .optional = 1,
              .run = [](const BoundOp& op) {
                do_mmap(PageArg(op, 0), static_cast<int>(op.args[1]));
              }});
  RegisterOp({.name = "munmap",
              .usage = "munmap PAGE [COUNT]",
              .what = "unmaps, flushes, and frees the pages",
              .who = Who::kUser,
              .args = {ArgKind::kPage, ArgKind::kCount},
              .optional = 1,
              .run = [](const BoundOp& op) {
                do_munmap(PageArg(op, 0), static_cast<int>(op.args[1]));
              }});
  RegisterOp({.name = "touch",
              .usage = "touch PAGE",
              .what = "loads from user memory",
              .who = Who::kUser,
              .args = {ArgKind::kPage},
              .run = [](const BoundOp& op) { user_access(PageArg(op, 0), UserAccessKind::kRead); }});
  RegisterOp({.name = "write",
              .usage = "write PAGE",
              .what = "stores to user memory",
              .who = Who::kUser,
              .args = {ArgKind::kPage},
              .run = [](const BoundOp& op) { user_access(PageArg(op, 0), UserAccessKind::kWrite); }});
  RegisterOp({.name = "upgrade_page_table",
              .usage = "upgrade_page_table",
              .what = "gives the caller's page table a level more",
              .who = Who::kUser,
              .run = [](const BoundOp&) {
                Mm* const mm = READ_ONCE(current()->mm);
                mmap_write_lock(mm);
                arch().upgrade_page_table(mm);
                mmap_write_unlock(mm);
              },
              .arch = "s390"});
  RegisterOp({.name = "flush_tlb_mm",
              .usage = "flush_tlb_mm",
              .what = "flushes all translations of the caller's mm (smp_flush_tlb_mm on sparc64)",
              .who = Who::kUser,
              .run = [](const BoundOp&) { flush_tlb_mm(READ_ONCE(current()->mm)); }});
}

}  // namespace shootdown::kernel
