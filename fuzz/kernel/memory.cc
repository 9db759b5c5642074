#include "fuzz/kernel/memory.h"

#include <bit>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mapped_file.h"
#include "fuzz/kernel/mlock.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/kernel/reclaim.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// 1cf35d47712d (3.15): a page whose dirty pte is gone is marked dirty at once. Until the TLBs are flushed
// others can still write to it through them, so writeback must not come between.
enum DirtyVersion { kFlushUnderLock, kFlushLater };
VersionSwitch dirty_version("mm.zap_dirty", {"flush_under_lock", "flush_later"},
                            "1cf35d47712d mm: split 'tlb_flush_mmu()' into tlb flushing and memory "
                            "freeing parts");

// b67fbebd4cf9 (5.19): pages of a VM_PFNMAP mapping have no reference that this gather could hold, and
// the driver frees them once it finds no vma any more. So TLBs are flushed before the vma is unlinked.
enum EndVmaVersion { kFlushPfnmap, kDeferPfnmap };
VersionSwitch end_vma_version("mm.tlb_end_vma", {"flush_pfnmap", "defer_pfnmap"},
                              "b67fbebd4cf9 mmu_gather: Force tlb-flush VM_PFNMAP vmas");

// What becomes of one page that a pte of a zapped range mapped. True: flush before the lock goes.
bool ZapPage(MmuGather* tlb, VirtPage va, Pte pte) {
  Mm* const mm = tlb->mm;
  tlb_remove_tlb_entry(tlb, va);
  Page* const page = &Kernel::Get().pages[pte.page()];
  MappedFile* const file = FileOf(mm, va);
  if (file == nullptr) {
    ClearPageMlocked(page);
    tlb_remove_page(tlb, page);
    return false;
  }
  if (!MappingHoldsPage(file)) return false;
  tlb_remove_page(tlb, page);
  if (!pte.dirty()) return false;
  SetPageDirty(file);
  return dirty_version.value() == kFlushUnderLock;
}

// The vmas of [first, first + count) in turn. Linux 6.12 include/asm-generic/tlb.h tlb_end_vma().
void unmap_vmas(MmuGather* tlb, std::uint64_t vma_pages, VirtPage first, int count) {
  const bool files = (vma_pages & VmaRange(first, count) << kVmaFileShift) != 0;
  if (files) unmap_hugepages(tlb, first, count);
  zap_pte_range(tlb, first, count);
  if (tlb->fullmm) return;  // nobody runs on the mm any more
  if (files && end_vma_version.value() == kFlushPfnmap &&
      HasPfnmap(tlb->mm, vma_pages & VmaRange(first, count) << kVmaFileShift)) {
    tlb_flush_mmu_tlbonly(tlb);
  }
}

// mmap_lock is held for reading.
bool do_anonymous_fault(Mm* mm, VirtPage va, bool write, bool may_write) {
  spin_lock(&mm->page_table_lock);
  Pte pte{};
  if (pte_alloc(mm, va)) {
    Cell<Pte>* const ptep = &PteOf(mm->pgd, va);
    pte = READ_ONCE(*ptep);
    if (pte.present() && !pte.valid()) {
      spin_unlock(&mm->page_table_lock);
      return do_numa_page(mm, va);
    }
    if (!pte.valid()) {
      if (Page* const page = alloc_page(); page != nullptr) {
        pte = Pte::Of(page->number, may_write);
        MlockNewPage(mm, va, page);
        set_pte_at(mm, va, pte);
      }
    } else if (write && !pte.writable() && may_write) {
      // Writable again after it was made read-only: nobody has a stronger translation to be flushed.
      pte = pte.With(Pte::kWrite);
      set_pte_at(mm, va, pte);
    }
  }
  const bool served = pte.valid() && (!write || pte.writable());
  if (served) update_mmu_cache(mm, va, pte);
  spin_unlock(&mm->page_table_lock);
  return served;
}

}  // namespace

bool pte_alloc(Mm* mm, VirtPage va) {
  if (!arch().deferred_flush) {
    if (READ_ONCE(mm->pgd->pmd) == 0) WRITE_ONCE(mm->pgd->pmd, 1);
    return true;
  }
  Cell<std::uint64_t>& pmd = PmdOf(mm, va);
  if (READ_ONCE(pmd) != 0) return true;
  Page* const table = alloc_page();
  if (table == nullptr) return false;
  // Its ptes are those that the other half's table does not have.
  const VirtPage other_half(static_cast<std::uint8_t>((va.value() + kPtesPerTable) % kVirtPageCount));
  const std::uint64_t moved = PmdOf(mm, other_half).PeekOwn() & kPmdMoved;
  WRITE_ONCE(pmd, Pte::Of(table->number, /*writable=*/true).bits | moved);
  return true;
}

void free_pgtables(MmuGather* tlb, std::uint64_t vma_pages) {
  if (!arch().deferred_flush) return;
  Mm* const mm = tlb->mm;
  for (const int va : {0, kPtesPerTable}) {
    if ((vma_pages & VmaRange(VirtPage(static_cast<std::uint8_t>(va)), kPtesPerTable)) != 0) {
      continue;
    }
    Cell<std::uint64_t>& pmd = PmdOf(mm, VirtPage(static_cast<std::uint8_t>(va)));
    const Pte table{READ_ONCE(pmd)};
    if (!table.valid()) continue;
    WRITE_ONCE(pmd, 0);
    tlb_remove_table(tlb, &Kernel::Get().pages[table.page()]);
  }
}

// Linux 6.12 mm/memory.c zap_pte_range(). sparc64 flushes when lazy mmu mode is left, and that is
// before the page table lock is dropped.
void zap_pte_range(MmuGather* tlb, VirtPage first, int count) {
  Mm* const mm = tlb->mm;
  bool force_flush = false;
  spin_lock(&mm->page_table_lock);
  flush_tlb_batched_pending(mm);
  arch_enter_lazy_mmu_mode();
  for (int v = first.value(); v < first.value() + count; ++v) {
    const VirtPage va(static_cast<std::uint8_t>(v));
    const Pte pte = ptep_get_and_clear(mm, va, tlb->fullmm);
    if (pte.present() && ZapPage(tlb, va, pte)) force_flush = true;
    GhostNoteChange(tlb, va);
  }
  arch_leave_lazy_mmu_mode();
  Tell({.kind = EventKind::kBatchLeft});
  if (force_flush) tlb_flush_mmu_tlbonly(tlb);
  spin_unlock(&mm->page_table_lock);
}

void GhostPteChange(Mm* mm, VirtPage va) {
  mm->pte_change[va.value()] = ++Kernel::Get().globals->pte_changes;
  Tell({.kind = EventKind::kPteChanged,
        .mm = mm,
        .virt = va.value(),
        .a = mm->pte_change[va.value()]});
}

void MlockNewPage(const Mm* mm, VirtPage va, Page* page) {
  if ((LockedPages(mm) >> va.value() & 1) != 0) WRITE_ONCE(page->mlocked, 1);
}

void ClearPageMlocked(Page* page) {
  if (page->mlocked.PeekOwn() != 0) WRITE_ONCE(page->mlocked, 0);
}

void GhostPageUse(const Page* page, std::uint32_t incarnation, const sim::Site& site) {
  if (page->incarnation == incarnation) return;
  Tell({.kind = EventKind::kFreedTouched, .a = sim::Arena::IndexOf(page), .site = &site});
}

// One zone, one lock, no per-CPU lists. The free page of the lowest number comes first, so that runs which
// free in another order end in one state; few pages make a stale translation meet its new owner soon.
Page* alloc_page() {
  Globals* const g = Kernel::Get().globals;
  const int pil = local_irq_save();
  spin_lock(&g->zone_lock);
  const std::uint64_t free_pages = READ_ONCE(g->free_pages);
  Page* page = nullptr;
  if (free_pages != 0) {
    page = &Kernel::Get().pages[std::countr_zero(free_pages)];
    WRITE_ONCE(g->free_pages, free_pages & (free_pages - 1));
    WRITE_ONCE(page->refcount, 1);
  }
  spin_unlock(&g->zone_lock);
  local_irq_restore(pil);
  return page;
}

void get_page(Page* page) { ATOMIC_RMW(page->refcount, old + 1); }

void put_page(Page* page) {
  if (ATOMIC_RMW(page->refcount, old - 1) != 1) return;
  Globals* const g = Kernel::Get().globals;
  const int pil = local_irq_save();
  spin_lock(&g->zone_lock);
  // The allocator writes to the page (poisoning, its list): what a stale reader would see.
  page->contents.Store(SHOOTDOWN_SITE_AS("page->contents", &FormatHex), 0xdead);
  ++page->incarnation;
  Tell({.kind = EventKind::kPageFreed, .object = page});
  WRITE_ONCE(g->free_pages, READ_ONCE(g->free_pages) | std::uint64_t{1} << page->number);
  spin_unlock(&g->zone_lock);
  local_irq_restore(pil);
}

void do_mmap(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  const std::uint64_t range = VmaRange(first, count);
  anon_vma_link(mm, range);
  WRITE_ONCE(mm->vma_pages, READ_ONCE(mm->vma_pages) | range);
  mmap_write_unlock(mm);
}

// Linux 6.12 mm/vma.c: the vmas go first, then ptes, then what finds the vmas by their pages.
void do_munmap(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const std::uint64_t range = VmaRange(first, count);
  WRITE_ONCE(mm->vma_pages, vma_pages & ~VmaAll(range));
  MmuGather tlb{.mm = mm, .fullmm = false};
  tlb_gather_mmu(&tlb);
  unmap_vmas(&tlb, vma_pages, first, count);
  anon_vma_unlink(mm, range);
  unlink_file_vmas(mm, vma_pages & range << kVmaFileShift);
  free_pgtables(&tlb, vma_pages & ~range);
  tlb_finish_mmu(&tlb);
  mmap_write_unlock(mm);
  GhostPromise(tlb, first, count);
}

bool handle_mm_fault(Mm* mm, VirtPage va, bool write) {
  mmap_read_lock(mm);
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const bool mapped = (vma_pages >> va.value() & 1) != 0;
  const bool read_only = (vma_pages >> kVmaReadOnlyShift >> va.value() & 1) != 0;
  const bool file = (vma_pages >> kVmaFileShift >> va.value() & 1) != 0;
  bool served = false;
  if (mapped && !(write && read_only)) {
    served = file ? do_file_fault(mm, va, write) : do_anonymous_fault(mm, va, write, !read_only);
  }
  mmap_read_unlock(mm);
  return served;
}

bool mfill_atomic_pte(Mm* mm, VirtPage va) {
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  if ((vma_pages >> va.value() & 1) == 0) return false;
  if ((vma_pages >> kVmaFileShift >> va.value() & 1) != 0) return false;
  const bool read_only = (vma_pages >> kVmaReadOnlyShift >> va.value() & 1) != 0;
  Page* const page = alloc_page();
  if (page == nullptr) return false;
  spin_lock(&mm->page_table_lock);
  bool empty = pte_alloc(mm, va);
  if (empty) {
    Cell<Pte>* const ptep = &PteOf(mm->pgd, va);
    empty = !READ_ONCE(*ptep).present();
  }
  if (empty) {
    MlockNewPage(mm, va, page);
    const Pte pte = Pte::Of(page->number, !read_only);
    set_pte_at(mm, va, pte);
    update_mmu_cache(mm, va, pte);
  }
  spin_unlock(&mm->page_table_lock);
  if (!empty) put_page(page);
  return empty;
}

// Linux 6.12 mm/mmap.c exit_mmap(): a full-mm gather, which on sparc64 flushes no TLB at all: the
// context number is not given out again without a flush. Up to 5.17 locked pages had to be unlocked
// before.
void exit_mmap(Mm* mm) {
  if (LockedPages(mm) != 0) exit_munlock(mm);
  mmap_read_lock(mm);
  if (arch().exit_mmap != nullptr) arch().exit_mmap(mm);
  MmuGather tlb{.mm = mm, .fullmm = true};
  tlb_gather_mmu(&tlb);
  const bool deferred = arch().deferred_flush;
  const std::uint64_t vma_pages = deferred ? READ_ONCE(mm->vma_pages) : 0;
  unmap_vmas(&tlb, vma_pages, VirtPage(0), kVirtPageCount);
  mmap_read_unlock(mm);
  mmap_write_lock(mm);
  if (deferred) {
    const std::uint64_t all = VmaRange(VirtPage(0), kVirtPageCount);
    anon_vma_unlink(mm, all);
    unlink_file_vmas(mm, vma_pages & all << kVmaFileShift);
    free_pgtables(&tlb, 0);
  } else {
    WRITE_ONCE(mm->pgd->pmd, 0);
  }
  tlb_finish_mmu(&tlb);
  WRITE_ONCE(mm->vma_pages, 0);
  mmap_write_unlock(mm);
}

}  // namespace shootdown::kernel
