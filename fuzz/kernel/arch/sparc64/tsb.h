// The TSB: a table of translations in memory, one for each mm, between page table and TLB.
// Source: Linux 4.19 arch/sparc/kernel/tsb.S, arch/sparc/mm/tsb.c, arch/sparc/include/asm/tsb.h.
// Left out: the second TSB for huge pages. tsb_grow.h has growing.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// The slot of `va`. With fewer slots than pages, some pages share one. The tag holds the whole page
// number, where sparc64 holds va >> 22: the index gives the rest there.
[[nodiscard]] TsbEntry* TsbSlot(TsbEntry* tsb, VirtPage va);

// Invalidates the entry of `va`, if it is there.
void flush_tsb_user_page(Mm* mm, VirtPage va);
void flush_tsb_user(Mm* mm, TlbBatch* tb);

// After a pte was set: puts it into the TSB. REQUIRES: the page table lock is held.
void update_mmu_cache(Mm* mm, VirtPage va, Pte pte);

// TL1 parts of the miss handler; PSTATE.IE is 0. The slot's lock bit is set / a translation is
// written, which also unlocks / the lock is given up without one.
void tsb_lock(TsbEntry* slot);
void tsb_write(TsbEntry* slot, VirtPage va, Pte pte, const sim::TlbGhost& ghost);
void tsb_unlock_invalid(TsbEntry* slot);

void tsb_free(TsbEntry* tsb);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TSB_H_
