// Planted: pages, the TSB, batches of flushes. sparc64.
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/arch/sparc64/tsb.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"
#include "tests/fuzz/check/planted_op_kinds.h"

namespace shootdown::testing {
namespace {

using namespace shootdown::kernel;  // NOLINT(google-build-using-namespace): this is kernel code

// Room for a TSB that is not the first.
struct SpareTsb {
  TsbEntry entries[4];
};

Page* MappedPage(VirtPage va) {
  Mm* const mm = READ_ONCE(current()->mm);
  return &Kernel::Get().pages[READ_ONCE(mm->pgd->pte[va.value()]).page()];
}
// Takes a page away that stays allocated.
void ForgetToFlush(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  spin_lock(&mm->page_table_lock);
  (void)ptep_get_and_clear(mm, PageArg(op, 0), /*fullmm=*/true);
  spin_unlock(&mm->page_table_lock);
}
void ClearAndFlush(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  spin_lock(&mm->page_table_lock);
  (void)ptep_get_and_clear(mm, PageArg(op, 0), /*fullmm=*/false);
  spin_unlock(&mm->page_table_lock);
}

// change_protection() to PROT_READ, without its flush.
void ForgetToFlushProtection(const BoundOp& op) {
  Mm* const mm = READ_ONCE(current()->mm);
  spin_lock(&mm->page_table_lock);
  const Pte pte = ptep_get_and_clear(mm, PageArg(op, 0), /*fullmm=*/true);
  set_pte_at(mm, PageArg(op, 0), pte.Without(Pte::kWrite));
  spin_unlock(&mm->page_table_lock);
}

// The same, and the caller is told that nobody stores to it any more.
void PromiseProtection(const BoundOp& op) {
  MmuGather tlb{.mm = READ_ONCE(current()->mm), .fullmm = false};
  ForgetToFlushProtection(op);
  GhostNoteChange(&tlb, PageArg(op, 0));
  GhostPromiseNoStores(tlb, PageArg(op, 0), 1);
}

// Another page takes the place of one that stays allocated.
void ReplacePage(const BoundOp& op, bool flush) {
  Mm* const mm = READ_ONCE(current()->mm);
  Page* const page = alloc_page();
  spin_lock(&mm->page_table_lock);
  (void)ptep_get_and_clear(mm, PageArg(op, 0), /*fullmm=*/!flush);
  set_pte_at(mm, PageArg(op, 0), Pte::Of(page->number, /*writable=*/true));
  spin_unlock(&mm->page_table_lock);
}

void PutMappedPage(const BoundOp& op) { put_page(MappedPage(PageArg(op, 0))); }
void GetAndPutPage(const BoundOp& op) {
  get_page(MappedPage(PageArg(op, 0)));
  put_page(MappedPage(PageArg(op, 0)));
}

void ReloadTsbHandler(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (this_cpu().pgd_paddr == mm->pgd) this_cpu().tsb = READ_ONCE(mm->context.tsb);
}

// tsb_grow, to the same size: a new table, empty, takes the place of the old one, which is freed.
// With `sync`, after all CPUs have reloaded theirs (smp_tsb_sync).
void ReplaceTsb(const BoundOp& op, bool sync) {
  Mm* const mm = READ_ONCE(current()->mm);
  TsbEntry* const old_tsb = READ_ONCE(mm->context.tsb);
  TsbEntry* const new_tsb = ObjectArg<SpareTsb>(op, 0)->entries;
  for (int i = 0; i < 4; ++i) WRITE_ONCE(new_tsb[i].tag, std::uint64_t{TsbEntry::kInvalid});
  const int pil = local_irq_save();
  spin_lock(&mm->context.lock);
  WRITE_ONCE(mm->context.tsb, new_tsb);
  spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
  preempt_disable();
  this_cpu().tsb = new_tsb;
  if (sync) {
    smp_call_function_many(READ_ONCE(mm->mm_cpumask), &ReloadTsbHandler,
                           reinterpret_cast<std::uint64_t>(mm), /*wait=*/true);
  }
  preempt_enable();
  Tell({.kind = EventKind::kTsbFreed, .mm = mm, .object = old_tsb});
  sparc64::tsb_free(old_tsb);
}

void YieldInLazyMode(const BoundOp& /*op*/) {
  arch_enter_lazy_mmu_mode();
  schedule();
  arch_leave_lazy_mmu_mode();
}
void YieldAfterLazyMode(const BoundOp& /*op*/) {
  arch_enter_lazy_mmu_mode();
  arch_leave_lazy_mmu_mode();
  schedule();
}

void ReadBatchHandler(std::uint64_t info) {
  auto* const tb = reinterpret_cast<TlbBatch*>(info);
  (void)READ_ONCE(tb->vaddrs[0]);
  --tb->readers;
}

// smp_flush_tlb_pending of before f36391d2790d, which waits for nobody, and a batch that begins
// anew.
void FlushTwice(bool wait) {
  Mm* const mm = READ_ONCE(current()->mm);
  preempt_disable();
  arch_enter_lazy_mmu_mode();
  sparc64::tlb_batch_add(mm, VirtPage(0), /*fullmm=*/false);
  TlbBatch* const tb = &this_cpu().tlb_batch;
  const CpuBits others = READ_ONCE(mm->mm_cpumask).Without(smp_processor_id());
  tb->readers += static_cast<std::uint64_t>(std::popcount(others.bits));
  smp_call_function_many(others, &ReadBatchHandler, reinterpret_cast<std::uint64_t>(tb), wait);
  tb->tlb_nr = 0;
  sparc64::tlb_batch_add(mm, VirtPage(1), /*fullmm=*/false);
  arch_leave_lazy_mmu_mode();
  preempt_enable();
}

}  // namespace

void RegisterPlantedPageOps() {
  OnPage("planted_put_page", &PutMappedPage);
  OnPage("planted_forget_to_flush", &ForgetToFlush);
  OnPage("planted_clear_and_flush", &ClearAndFlush);
  OnPage("planted_forget_protection", &ForgetToFlushProtection);
  OnPage("planted_promise_protection", &PromiseProtection);
  OnPage("planted_replace_page", [](const BoundOp& op) { ReplacePage(op, /*flush=*/false); });
  OnPage("planted_replace_and_flush", [](const BoundOp& op) { ReplacePage(op, /*flush=*/true); });
  OnPage("planted_get_and_put_page", &GetAndPutPage);
  OnObject<SpareTsb>("planted_replace_tsb",
                     [](const BoundOp& op) { ReplaceTsb(op, /*sync=*/false); });
  OnObject<SpareTsb>("planted_replace_tsb_and_sync",
                     [](const BoundOp& op) { ReplaceTsb(op, /*sync=*/true); });
  Plain("planted_yield_in_lazy_mode", &YieldInLazyMode);
  Plain("planted_yield_after_lazy_mode", &YieldAfterLazyMode);
  Plain("planted_flush_without_wait", [](const BoundOp&) { FlushTwice(/*wait=*/false); });
  Plain("planted_flush_with_wait", [](const BoundOp&) { FlushTwice(/*wait=*/true); });
}

}  // namespace shootdown::testing
