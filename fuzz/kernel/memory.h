// Mapping, faulting, unmapping, and the pages behind.
// Source: Linux 6.12 mm/mmap.c, mm/memory.c, mm/mmu_gather.c, mm/page_alloc.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_MEMORY_H_
#define SHOOTDOWN_FUZZ_KERNEL_MEMORY_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

// [first, first + count) become mapped, empty. An area already mapped stays as it is.
void do_mmap(VirtPage first, int count);
// Unmaps them: clears ptes, flushes, frees the pages. On return no CPU may use them (T3).
void do_munmap(VirtPage first, int count);

// A user access that the MMU could not serve. False: SIGSEGV, or -EFAULT for a kernel thread.
[[nodiscard]] bool handle_mm_fault(Mm* mm, VirtPage va, bool write);

// Tears down all mappings; mm_users is 0.
void exit_mmap(Mm* mm);

// Gives `mm` a zeroed page at `va` if it has none there (userfaultfd's UFFDIO_COPY). False: -EEXIST
// or no vma. REQUIRES: mmap_lock held.
[[nodiscard]] bool mfill_atomic_pte(Mm* mm, VirtPage va);

// Pages whose ptes are gone, until the TLBs are flushed: struct mmu_gather, one batch.
struct MmuGather {
  Mm* mm;
  bool fullmm;  // the whole mm goes
  Page* pages[kVirtPageCount] = {};
  int count = 0;
  // Pages first .. last-1 have changed and are not flushed yet; none if first >= last.
  int first = kVirtPageCount;
  int last = 0;
};

// Ghost G3: the pte of `va` has just changed.
void GhostPteChange(Mm* mm, VirtPage va);

// Null if there is no page left.
[[nodiscard]] Page* alloc_page();
void get_page(Page* page);
void put_page(Page* page);  // the last reference frees it

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_MEMORY_H_
