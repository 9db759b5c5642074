#include "fuzz/kernel/arch/sparc64/pgtable.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"

namespace shootdown::kernel {
namespace {

void NoteChange(Mm* mm, VirtPage va) {
  mm->pte_change[va.value()] = ++Kernel::Get().globals->pte_changes;
}

}  // namespace

void set_pte_at(Mm* mm, VirtPage va, Pte pte) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  const Pte orig = READ_ONCE(*ptep);
  WRITE_ONCE(*ptep, pte);
  NoteChange(mm, va);
  if (orig.valid()) tlb_batch_add(mm, va, /*fullmm=*/false);
}

Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool fullmm) {
  Cell<Pte>* const ptep = &mm->pgd->pte[va.value()];
  const Pte orig = READ_ONCE(*ptep);
  if (!orig.valid()) return orig;  // zap_pte_range passes over pte_none
  WRITE_ONCE(*ptep, Pte{});
  NoteChange(mm, va);
  tlb_batch_add(mm, va, fullmm);
  return orig;
}

}  // namespace shootdown::kernel
