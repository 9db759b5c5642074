// Who uses lazy mmu mode besides zap_pte_range, and who changes a pte outside of it.
// Source: Linux 6.12 mm/memory.c apply_to_pte_range(), mm/pgtable-generic.c ptep_clear_flush().
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_LAZY_MMU_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_LAZY_MMU_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

struct KernelPtes {
  Cell<Pte> pte[2];
};

// Changes kernel ptes (vmalloc, vmap_pfn): in lazy mmu mode, and without a page table lock.
void apply_to_kernel_ptes(KernelPtes* ptes);

// Takes page `va` away from the current task's mm, as reclaim and migration do with a single page:
// the mapping stays.
void unmap_one_page(VirtPage va);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_LAZY_MMU_H_
