#include "fuzz/kernel/mapped_file.h"

#include <bit>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// a4a118f2eead (5.16): leaving a shared page table left nothing to flush in the gather, and the table
// and its pages may go as soon as the file's locks are dropped.
enum UnshareVersion { kFlushUnshared, kForgetUnshared };
VersionSwitch unshare_version("mm.huge_pmd_unshare", {"flush", "forget"},
                              "a4a118f2eead hugetlbfs: flush TLBs correctly after huge_pmd_unshare");

// Linux 6.12 mm/hugetlb.c __unmap_hugepage_range(), huge_pmd_unshare().
void unmap_hugepage(MmuGather* tlb, MappedFile* file, VirtPage va) {
  Mm* const mm = tlb->mm;
  spin_lock(&file->i_mmap_lock);
  spin_lock(&mm->page_table_lock);
  const Pte pte = ptep_get_and_clear(mm, va, /*fullmm=*/false);
  const std::uint64_t sharers = READ_ONCE(file->sharers);
  WRITE_ONCE(file->sharers, sharers - 1);
  const bool unshared = sharers > 1;
  if (pte.present() && (!unshared || unshare_version.value() == kFlushUnshared)) {
    tlb_remove_tlb_entry(tlb, va);
  }
  // The last one frees what the table maps.
  if (!unshared) {
    if (Page* const page = READ_ONCE(file->page); page != nullptr) tlb_remove_page(tlb, page);
    WRITE_ONCE(file->page, nullptr);
  }
  GhostNoteChange(tlb, va);
  spin_unlock(&mm->page_table_lock);
  if (unshared && unshare_version.value() == kFlushUnshared) tlb_flush_mmu_tlbonly(tlb);
  spin_unlock(&file->i_mmap_lock);
}

template <class Use>
void ForEachPage(std::uint64_t files, const Use& use) {
  for (std::uint64_t left = files >> kVmaFileShift & 0xff; left != 0; left &= left - 1) {
    use(VirtPage(static_cast<std::uint8_t>(std::countr_zero(left))));
  }
}

}  // namespace

MappedFile* FileOf(const Mm* mm, VirtPage va) { return mm->vm_file[va.value()].PeekOwn(); }

bool MappingHoldsPage(const MappedFile* file) {
  return file->kind.PeekOwn() == MappedFile::kPageCache;
}

void SetPageDirty(MappedFile* file) { WRITE_ONCE(file->dirty, 1); }

bool HasPfnmap(const Mm* mm, std::uint64_t files) {
  bool found = false;
  ForEachPage(files, [&](VirtPage va) {
    found = found || FileOf(mm, va)->kind.PeekOwn() == MappedFile::kPfnmap;
  });
  return found;
}

bool link_file_vma(MappedFile* file, Mm* mm, VirtPage va) {
  bool linked = false;
  spin_lock(&file->i_mmap_lock);
  for (int i = 0; i < kFileVmaCountMax && !linked; ++i) {
    if (READ_ONCE(file->vma_mm[i]) != nullptr) continue;
    WRITE_ONCE(file->vma_mm[i], mm);
    WRITE_ONCE(file->vma_page[i], va.value());
    linked = true;
  }
  spin_unlock(&file->i_mmap_lock);
  return linked;
}

void unlink_file_vmas(Mm* mm, std::uint64_t files) {
  ForEachPage(files, [mm](VirtPage va) {
    Cell<MappedFile*>& vm_file = mm->vm_file[va.value()];
    MappedFile* const file = READ_ONCE(vm_file);
    spin_lock(&file->i_mmap_lock);
    for (int i = 0; i < kFileVmaCountMax; ++i) {
      if (READ_ONCE(file->vma_mm[i]) != mm || READ_ONCE(file->vma_page[i]) != va.value()) continue;
      WRITE_ONCE(file->vma_mm[i], nullptr);
      break;
    }
    spin_unlock(&file->i_mmap_lock);
    WRITE_ONCE(vm_file, nullptr);
  });
}

void unmap_hugepages(MmuGather* tlb, VirtPage first, int count) {
  for (int v = first.value(); v < first.value() + count; ++v) {
    const VirtPage va(static_cast<std::uint8_t>(v));
    MappedFile* const file = FileOf(tlb->mm, va);
    if (file != nullptr && file->kind.PeekOwn() == MappedFile::kHugetlb) {
      unmap_hugepage(tlb, file, va);
    }
  }
}

// Linux 6.12 mm/memory.c do_shared_fault(), do_wp_page(); the page lock keeps writeback away.
bool do_file_fault(Mm* mm, VirtPage va, bool write) {
  Cell<MappedFile*>& vm_file = mm->vm_file[va.value()];
  MappedFile* const file = READ_ONCE(vm_file);
  if (READ_ONCE(file->kind) == MappedFile::kPfnmap) return false;  // mapped at once: gone for good
  spin_lock(&file->page_lock);
  bool served = false;
  Page* page = READ_ONCE(file->page);
  const bool truncated = READ_ONCE(file->truncated) != 0;
  if (page == nullptr && !truncated) {
    page = alloc_page();
    if (page != nullptr) {
      WRITE_ONCE(file->page, page);
      page->file = file;
      page->stores_written = page->stores;
    }
  }
  if (page != nullptr && !truncated) {
    spin_lock(&mm->page_table_lock);
    if (pte_alloc(mm, va)) {
      Cell<Pte>* const ptep = &PteOf(mm->pgd, va);
      Pte pte = READ_ONCE(*ptep);
      if (!pte.valid()) {
        if (MappingHoldsPage(file)) get_page(page);
        pte = Pte::Of(page->number, write).With(write ? Pte::kDirty : 0);
        set_pte_at(mm, va, pte);
      } else if (write && !pte.writable()) {
        pte = pte.With(Pte::kWrite | Pte::kDirty);  // page_mkwrite
        set_pte_at(mm, va, pte);
      }
      served = true;
    }
    spin_unlock(&mm->page_table_lock);
    if (write && served) SetPageDirty(file);
  }
  spin_unlock(&file->page_lock);
  return served;
}

}  // namespace shootdown::kernel
