// Shared mappings of something that has pages of its own: a file in the page cache, a driver's buffer
// (VM_PFNMAP), a hugetlb file whose page table processes share. What all have in common is that the
// owner finds the mappings (i_mmap) and takes its page away from them, without their mmap_lock.
//
// Only where flushes are deferred. Source: Linux 6.12 mm/memory.c (unmap_mapping_range, do_shared_fault,
// remap_pfn_range), mm/truncate.c, mm/rmap.c (page_vma_mkclean_one), mm/page-writeback.c, mm/hugetlb.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_MAPPED_FILE_H_
#define SHOOTDOWN_FUZZ_KERNEL_MAPPED_FILE_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

struct MmuGather;

inline constexpr int kFileVmaCountMax = 4;

// One page; simplified: the rwsem i_mmap_rwsem and the page lock are spinlocks.
struct MappedFile {
  enum Kind : std::uint64_t { kUnused = 0, kPageCache, kPfnmap, kHugetlb };
  SpinLock i_mmap_lock;
  SpinLock page_lock;
  Cell<std::uint64_t> kind;
  Cell<Page*> page;
  Cell<std::uint64_t> dirty;
  Cell<std::uint64_t> truncated;
  Cell<std::uint64_t> sharers;  // hugetlb: of the shared page table
  Cell<Mm*> vma_mm[kFileVmaCountMax];  // null: no vma there
  Cell<std::uint64_t> vma_page[kFileVmaCountMax];
};

// The file that `va` of `mm` maps, or null. No steps: the vma is the caller's.
[[nodiscard]] MappedFile* FileOf(const Mm* mm, VirtPage va);
// True if mappings own a reference to the page: not for VM_PFNMAP and a shared page table.
[[nodiscard]] bool MappingHoldsPage(const MappedFile* file);
void SetPageDirty(MappedFile* file);

// `files`: the bits of mm->vma_pages that say which pages map files.
[[nodiscard]] bool HasPfnmap(const Mm* mm, std::uint64_t files);
void unlink_file_vmas(Mm* mm, std::uint64_t files);
// False, and nothing is linked, if the file has as many vmas as there is room for (-ENOMEM).
[[nodiscard]] bool link_file_vma(MappedFile* file, Mm* mm, VirtPage va);

// Takes the hugetlb pages of [first, first + count) away.
void unmap_hugepages(MmuGather* tlb, VirtPage first, int count);

// mmap_lock is held for reading.
[[nodiscard]] bool do_file_fault(Mm* mm, VirtPage va, bool write);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_MAPPED_FILE_H_
