#include "fuzz/kernel/memory.h"

#include <algorithm>
#include <bit>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"

namespace shootdown::kernel {
namespace {

std::uint64_t Range(VirtPage first, int count) {
  return ((std::uint64_t{1} << count) - 1) << first.value();
}

// Linux 6.12 mm/memory.c zap_pte_range(). sparc64 flushes when lazy mmu mode is left, and that is
// before the page table lock is dropped.
void zap_pte_range(MmuGather* tlb, VirtPage first, int count) {
  Mm* const mm = tlb->mm;
  spin_lock(&mm->page_table_lock);
  arch_enter_lazy_mmu_mode();
  for (int va = first.value(); va < first.value() + count; ++va) {
    const Pte pte = ptep_get_and_clear(mm, VirtPage(static_cast<std::uint8_t>(va)), tlb->fullmm);
    if (!pte.valid()) continue;
    tlb->pages[tlb->count++] = &Kernel::Get().pages[pte.page()];
    tlb->first = std::min(tlb->first, va);
    tlb->last = std::max(tlb->last, va + 1);
  }
  arch_leave_lazy_mmu_mode();
  Tell({.kind = EventKind::kBatchLeft});
  spin_unlock(&mm->page_table_lock);
}

// Linux 6.12 mm/mmu_gather.c: flush first, then free.
void tlb_finish_mmu(MmuGather* tlb) {
  tlb_flush(tlb);
  for (int i = 0; i < tlb->count; ++i) put_page(tlb->pages[i]);
}

}  // namespace

void GhostPteChange(Mm* mm, VirtPage va) {
  mm->pte_change[va.value()] = ++Kernel::Get().globals->pte_changes;
}

// One zone, one lock, no per-CPU lists: the page freed last is the next one handed out, so a stale
// translation meets its new owner soon.
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
  WRITE_ONCE(page->contents, 0xdead);
  ++page->incarnation;
  Tell({.kind = EventKind::kPageFreed, .object = page});
  WRITE_ONCE(g->free_pages, READ_ONCE(g->free_pages) | std::uint64_t{1} << page->number);
  spin_unlock(&g->zone_lock);
  local_irq_restore(pil);
}

void do_mmap(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  WRITE_ONCE(mm->vma_pages, READ_ONCE(mm->vma_pages) | Range(first, count));
  mmap_write_unlock(mm);
}

void do_munmap(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  WRITE_ONCE(mm->vma_pages, READ_ONCE(mm->vma_pages) & ~Range(first, count));
  MmuGather tlb{.mm = mm, .fullmm = false};
  zap_pte_range(&tlb, first, count);
  tlb_finish_mmu(&tlb);
  // Under the lock, so that another thread's later change is not promised here.
  std::uint64_t change[kVirtPageCount];
  for (int va = 0; va < kVirtPageCount; ++va) change[va] = mm->pte_change[va];
  mmap_write_unlock(mm);
  for (int va = first.value(); va < first.value() + count; ++va) {
    if (mm->promised[va] < change[va]) mm->promised[va] = change[va];
  }
}

bool handle_mm_fault(Mm* mm, VirtPage va, bool write) {
  mmap_read_lock(mm);
  const bool mapped = (READ_ONCE(mm->vma_pages) >> va.value() & 1) != 0;
  bool served = false;
  if (mapped) {
    spin_lock(&mm->page_table_lock);
    if (READ_ONCE(mm->pgd->pmd) == 0) WRITE_ONCE(mm->pgd->pmd, 1);
    Pte pte = READ_ONCE(mm->pgd->pte[va.value()]);
    if (!pte.valid()) {
      if (Page* const page = alloc_page(); page != nullptr) {
        pte = Pte::Of(page->number, /*writable=*/true);
        set_pte_at(mm, va, pte);
      }
    }
    served = pte.valid() && (!write || pte.writable());
    if (served) update_mmu_cache(mm, va, pte);
    spin_unlock(&mm->page_table_lock);
  }
  mmap_read_unlock(mm);
  return served;
}

bool mfill_atomic_pte(Mm* mm, VirtPage va) {
  if ((READ_ONCE(mm->vma_pages) >> va.value() & 1) == 0) return false;
  Page* const page = alloc_page();
  if (page == nullptr) return false;
  spin_lock(&mm->page_table_lock);
  if (READ_ONCE(mm->pgd->pmd) == 0) WRITE_ONCE(mm->pgd->pmd, 1);
  const bool empty = !READ_ONCE(mm->pgd->pte[va.value()]).valid();
  if (empty) set_pte_at(mm, va, Pte::Of(page->number, /*writable=*/true));
  spin_unlock(&mm->page_table_lock);
  if (!empty) put_page(page);
  return empty;
}

// Linux 6.12 mm/mmap.c exit_mmap(): a full-mm gather, which on sparc64 flushes no TLB at all: the
// context number is not given out again without a flush.
void exit_mmap(Mm* mm) {
  mmap_read_lock(mm);
  MmuGather tlb{.mm = mm, .fullmm = true};
  zap_pte_range(&tlb, VirtPage(0), kVirtPageCount);
  mmap_read_unlock(mm);
  mmap_write_lock(mm);
  WRITE_ONCE(mm->pgd->pmd, 0);  // free_pgtables
  tlb_finish_mmu(&tlb);
  WRITE_ONCE(mm->vma_pages, 0);
  mmap_write_unlock(mm);
}

}  // namespace shootdown::kernel
