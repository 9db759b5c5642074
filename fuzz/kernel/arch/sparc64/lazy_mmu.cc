#include "fuzz/kernel/arch/sparc64/lazy_mmu.h"

#include "fuzz/kernel/arch/sparc64/pgtable.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"

namespace shootdown::kernel::sparc64 {

void apply_to_kernel_ptes(KernelPtes* ptes) {
  arch_enter_lazy_mmu_mode();
  // Of init_mm: tlb_batch_add is for user mms alone.
  for (Cell<Pte>& pte : ptes->pte) WRITE_ONCE(pte, Pte::Of(0, /*writable=*/true));
  arch_leave_lazy_mmu_mode();
}

void unmap_one_page(VirtPage va) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_read_lock(mm);
  spin_lock(&mm->page_table_lock);
  const Pte pte = ptep_get_and_clear(mm, va, /*fullmm=*/false);
  spin_unlock(&mm->page_table_lock);
  if (pte.valid()) put_page(&Kernel::Get().pages[pte.page()]);
  mmap_read_unlock(mm);
}

}  // namespace shootdown::kernel::sparc64
