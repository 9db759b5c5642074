// Reclaim and compaction: pages are found by their mappings (rmap) and taken away from mms that know nothing
// of it. Reclaim flushes TLBs once for many.
// Source: Linux 6.12 mm/rmap.c (try_to_unmap_one, set_tlb_ubc_flush_pending, should_defer_flush,
// flush_tlb_batched_pending, try_to_unmap_flush), mm/vmscan.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_RECLAIM_H_
#define SHOOTDOWN_FUZZ_KERNEL_RECLAIM_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

// Pages of `mm` (a bit each) get a vma, or lose it: so that reclaim finds their mappings. Nothing
// happens where flushes are not deferred: reclaim is not modelled there.
void anon_vma_link(Mm* mm, std::uint64_t pages);
void anon_vma_unlink(Mm* mm, std::uint64_t pages);

// Nobody finds pages of `mm` by their mappings meanwhile.
void take_rmap_locks(Mm* mm);
void drop_rmap_locks(Mm* mm);

// For whoever takes "no pte" for "no translation". The page table lock is held.
void flush_tlb_batched_pending(Mm* mm);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_RECLAIM_H_
