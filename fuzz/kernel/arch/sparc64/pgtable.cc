#include "fuzz/kernel/arch/sparc64/pgtable.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/memory.h"

namespace shootdown::kernel::sparc64 {

void set_pte_at(Mm* mm, VirtPage va, Pte pte) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  const Pte orig = READ_ONCE(*ptep);
  WRITE_ONCE(*ptep, pte);
  GhostPteChange(mm, va);
  if (orig.valid()) tlb_batch_add(mm, va, /*fullmm=*/false);
}

Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool fullmm) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  const Pte orig = READ_ONCE(*ptep);
  if (!orig.valid()) return orig;  // zap_pte_range passes over pte_none
  WRITE_ONCE(*ptep, Pte{});
  GhostPteChange(mm, va);
  tlb_batch_add(mm, va, fullmm);
  return orig;
}

}  // namespace shootdown::kernel::sparc64
