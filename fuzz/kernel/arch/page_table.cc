#include "fuzz/kernel/arch/page_table.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::page_table {

void set_pte_at(Mm* mm, VirtPage va, Pte pte) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  WRITE_ONCE(*ptep, pte);
  GhostPteChange(mm, va);
}

Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool /*fullmm*/) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  const Pte orig = READ_ONCE(*ptep);
  if (!orig.valid()) return orig;  // zap_pte_range passes over pte_none
  WRITE_ONCE(*ptep, Pte{});
  GhostPteChange(mm, va);
  return orig;
}

Pte atomic::ptep_get_and_clear(Mm* mm, VirtPage va, bool /*fullmm*/) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  const Pte orig = READ_ONCE(*ptep);
  if (!orig.valid()) return orig;
  ATOMIC_RMW(*ptep, Pte{});
  GhostPteChange(mm, va);
  return orig;
}

void tlb_flush(MmuGather* tlb) {
  if (tlb->fullmm) {
    flush_tlb_mm(tlb->mm);
  } else if (tlb->first < tlb->last) {
    flush_tlb_range(tlb->mm, VirtPage(static_cast<std::uint8_t>(tlb->first)), tlb->last - tlb->first);
  }
}

FlushRecord::FlushRecord(Mm* mm) : mm_(mm) {
  for (int va = 0; va < kVirtPageCount; ++va) {
    change_[va] = mm->pte_change[va];
    sim::Learn(change_[va]);
  }
}

void FlushRecord::Done(VirtPage first, int count) const {
  for (int va = first.value(); va < first.value() + count; ++va) {
    if (mm_->flushed[va] < change_[va]) mm_->flushed[va] = change_[va];
  }
}

}  // namespace shootdown::kernel::page_table
