// Pages and page tables whose entries are gone, until the TLBs have been flushed: struct mmu_gather.
//
// The order that must hold for each of them: entry cleared, TLBs flushed, last reference dropped.
// Source: Linux 6.12 mm/mmu_gather.c, include/asm-generic/tlb.h; include/linux/mm_types.h for
// tlb_flush_pending.
#ifndef SHOOTDOWN_FUZZ_KERNEL_MMU_GATHER_H_
#define SHOOTDOWN_FUZZ_KERNEL_MMU_GATHER_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

struct MmuGather {
  Mm* mm;
  bool fullmm;  // the whole mm goes
  bool freed_tables = false;
  // Pages first .. last-1 have changed and are not flushed yet; none if first >= last.
  int first = kVirtPageCount;
  int last = 0;
  Page* pages[kVirtPageCount + 2] = {};  // every page, and both leaf tables
  int count = 0;
  std::uint64_t change[kVirtPageCount] = {};  // ghost: what the caller is promised to be rid of
};

// Counted as pending from here to tlb_finish_mmu(), unless a change of a pte flushes by itself: then nobody
// would read the count.
void tlb_gather_mmu(MmuGather* tlb);
void tlb_finish_mmu(MmuGather* tlb);
// The first half of it: TLBs are flushed, nothing is freed.
void tlb_flush_mmu_tlbonly(MmuGather* tlb);

void tlb_remove_tlb_entry(MmuGather* tlb, VirtPage va);
void tlb_remove_page(MmuGather* tlb, Page* page);
void tlb_remove_table(MmuGather* tlb, Page* table);

// mm->tlb_flush_pending. Whoever has seen a change of a pte under its lock sees the count too.
void inc_tlb_flush_pending(Mm* mm);
void dec_tlb_flush_pending(Mm* mm);
[[nodiscard]] bool mm_tlb_flush_pending(Mm* mm);

// Ghost: the last change of the pte of `va` is one that the caller will be promised to be rid of.
void GhostNoteChange(MmuGather* tlb, VirtPage va);
// Ghost: the caller of a system call is told that translations of [first, first + count) up to
// `tlb->change` are gone (T3), or that nobody stores through them any more.
void GhostPromise(const MmuGather& tlb, VirtPage first, int count);
void GhostPromiseNoStores(const MmuGather& tlb, VirtPage first, int count);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_MMU_GATHER_H_
