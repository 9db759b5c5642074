// Changing page table entries: on sparc64 every change of a live entry asks for a flush.
// Source: Linux 4.19 arch/sparc/include/asm/pgtable_64.h (__set_pte_at, maybe_tlb_batch_add).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_PGTABLE_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_PGTABLE_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// Not atomic: the page table lock keeps others out. REQUIRES: it is held.
void set_pte_at(Mm* mm, VirtPage va, Pte pte);
[[nodiscard]] Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool fullmm);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_PGTABLE_H_
