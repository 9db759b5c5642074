// Mapping, faulting, unmapping, and the pages behind.
// Source: Linux 6.12 mm/mmap.c, mm/memory.c, mm/page_alloc.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_MEMORY_H_
#define SHOOTDOWN_FUZZ_KERNEL_MEMORY_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

struct MmuGather;

// mm->vma_pages has eight bits for "has a vma", and as many for each of these.
inline constexpr int kVmaReadOnlyShift = 8;
inline constexpr int kVmaFileShift = 16;   // vm_file says which
inline constexpr int kVmaLockedShift = 24;  // VM_LOCKED
[[nodiscard]] constexpr std::uint64_t VmaRange(VirtPage first, int count) {
  return ((std::uint64_t{1} << count) - 1) << first.value();
}
// All bits of those pages: what unmapping takes away.
[[nodiscard]] constexpr std::uint64_t VmaAll(std::uint64_t range) {
  return range | range << kVmaReadOnlyShift | range << kVmaFileShift | range << kVmaLockedShift;
}
// Pages with VM_LOCKED. No steps: mmap_lock is held, or mm_users is 0.
[[nodiscard]] inline std::uint64_t LockedPages(const Mm* mm) {
  return mm->vma_pages.PeekOwn() >> kVmaLockedShift & 0xff;
}

// Mm::flags.
inline constexpr std::uint64_t MMF_OOM_VICTIM = 1;  // the oom reaper may come
inline constexpr std::uint64_t MMF_OOM_SKIP = 2;    // it need not come any more

// [first, first + count) become mapped, empty. An area already mapped stays as it is.
void do_mmap(VirtPage first, int count);
// Unmaps them: clears ptes, flushes, frees the pages. On return no CPU may use them (T3).
void do_munmap(VirtPage first, int count);

// Clears the ptes of [first, first + count) and gathers their pages. Takes the page table lock.
void zap_pte_range(MmuGather* tlb, VirtPage first, int count);
// Where flushes are deferred: the leaf table of `va`, or 0. The cell holds a Pte's bits.
[[nodiscard]] inline Cell<std::uint64_t>& PmdOf(Mm* mm, VirtPage va) { return PmdIn(mm->pgd, va); }
// Makes sure that there is a leaf table. The page table lock is held. False: out of memory.
[[nodiscard]] bool pte_alloc(Mm* mm, VirtPage va);

// Leaf tables of which `vma_pages` has nothing left. mmap_lock is held for writing, and the vmas are
// unlinked. Only where flushes are deferred: elsewhere a table goes with its mm.
void free_pgtables(MmuGather* tlb, std::uint64_t vma_pages);
// A PROT_NONE pte was met: the page is migrated to where it is used. mmap_lock is held for reading.
[[nodiscard]] bool do_numa_page(Mm* mm, VirtPage va);

// A user access that the MMU could not serve. False: SIGSEGV, or -EFAULT for a kernel thread.
[[nodiscard]] bool handle_mm_fault(Mm* mm, VirtPage va, bool write);

// Tears down all mappings; mm_users is 0.
void exit_mmap(Mm* mm);
// What the oom reaper does to an mm. mmap_lock is held for reading.
void __oom_reap_task_mm(Mm* mm);

// Gives `mm` a zeroed page at `va` if it has none there (userfaultfd's UFFDIO_COPY). False: -EEXIST
// or no vma. REQUIRES: mmap_lock held.
[[nodiscard]] bool mfill_atomic_pte(Mm* mm, VirtPage va);

// Ghost G3: the pte of `va` has just changed.
void GhostPteChange(Mm* mm, VirtPage va);

// A page comes into a vma that may be locked, or goes. The page table lock is held, and takes the place of
// the test of the flag.
void MlockNewPage(const Mm* mm, VirtPage va, Page* page);
void ClearPageMlocked(Page* page);

// Ghost: the struct of a page is used, on the word of an entry that was read when the page had this
// incarnation.
void GhostPageUse(const Page* page, std::uint32_t incarnation, const sim::Site& site);

// Null if there is no page left.
[[nodiscard]] Page* alloc_page();
void get_page(Page* page);
void put_page(Page* page);  // the last reference frees it

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_MEMORY_H_
