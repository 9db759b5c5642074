// Changes of mappings that stay: madvise, mprotect, mremap, NUMA hinting, and the oom reaper.
// Source: Linux 6.12 mm/madvise.c, mm/mprotect.c, mm/mremap.c, mm/memory.c (do_numa_page),
// mm/migrate.c, mm/oom_kill.c.
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mapped_file.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/reclaim.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// eb66ae030829 (4.19): the page at its new place can be freed as soon as the page table lock is
// dropped, and TLBs still have it at the old one.
enum MremapVersion { kFlushUnderLock, kFlushAfterwards };
VersionSwitch mremap_version("mm.mremap", {"flush_under_lock", "flush_afterwards"},
                             "eb66ae030829 mremap: properly flush TLB before releasing the page");

// 687cb0884a71 (4.15): a gather of the whole mm says that nobody runs on it any more, so there are
// architectures that flush nothing. But threads of a victim may still run.
enum ReaperVersion { kEachVma, kWholeMm };
VersionSwitch reaper_version("mm.oom_reaper", {"each_vma", "whole_mm"},
                             "687cb0884a71 mm, oom_reaper: gather each vma to prevent leaking TLB "
                             "entry");

// 20841405940e (3.13): a PROT_NONE pte needs no flush, unless its own one is still to come.
enum AccessibleVersion { kOrFlushPending, kValidOnly };
VersionSwitch accessible_version("mm.pte_accessible", {"or_flush_pending", "valid_only"},
                                 "20841405940e mm: fix TLB flush race between migration, and "
                                 "change_protection_range");

// 383c4613c67c (6.16): the page table lock is dropped to split a folio, and what reclaim has batched
// meanwhile must be looked at again.
enum SplitVersion { kFlushAgain, kFlushOnce };
VersionSwitch split_version("mm.madvise_split", {"flush_again", "flush_once"},
                            "383c4613c67c mm: close theoretical race where stale TLB entries could "
                            "linger");

VirtPage At(int va) { return VirtPage(static_cast<std::uint8_t>(va)); }

void madvise_dontneed(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_read_lock(mm);
  if ((LockedPages(mm) & VmaRange(first, count)) != 0) {  // -EINVAL
    mmap_read_unlock(mm);
    return;
  }
  MmuGather tlb{.mm = mm, .fullmm = false};
  tlb_gather_mmu(&tlb);
  zap_pte_range(&tlb, first, count);
  tlb_finish_mmu(&tlb);
  mmap_read_unlock(mm);
  GhostPromise(tlb, first, count);
}

// madvise_free_pte_range(), madvise_cold_or_pageout_pte_range(): the first page belongs to a large
// folio, which is split without the lock. Ptes become clean, so that the next store is seen.
void madvise_free(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_read_lock(mm);
  if ((LockedPages(mm) & VmaRange(first, count)) != 0) {  // -EINVAL
    mmap_read_unlock(mm);
    return;
  }
  MmuGather tlb{.mm = mm, .fullmm = false};
  tlb_gather_mmu(&tlb);
  spin_lock(&mm->page_table_lock);
  flush_tlb_batched_pending(mm);
  arch_enter_lazy_mmu_mode();
  for (int va = first.value(); va < first.value() + count; ++va) {
    Cell<Pte>* ptep = &PteOf(mm->pgd, At(va));
    Pte pte = READ_ONCE(*ptep);
    if (FileOf(mm, At(va)) != nullptr) continue;  // anonymous memory only
    if (va == first.value() && pte.valid()) {
      arch_leave_lazy_mmu_mode();
      spin_unlock(&mm->page_table_lock);
      spin_lock(&mm->page_table_lock);
      if (split_version.value() == kFlushAgain) flush_tlb_batched_pending(mm);
      arch_enter_lazy_mmu_mode();
      ptep = &PteOf(mm->pgd, At(va));
      pte = READ_ONCE(*ptep);
    }
    if (pte.valid() && pte.dirty()) {
      pte = ptep_get_and_clear(mm, At(va), /*fullmm=*/false);
      set_pte_at(mm, At(va), pte.Without(Pte::kDirty));
      tlb_remove_tlb_entry(&tlb, At(va));
    }
    GhostNoteChange(&tlb, At(va));
  }
  arch_leave_lazy_mmu_mode();
  spin_unlock(&mm->page_table_lock);
  tlb_finish_mmu(&tlb);
  mmap_read_unlock(mm);
  GhostPromiseNoStores(tlb, first, count);
}

// change_protection() to PROT_READ.
void mprotect_read(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const std::uint64_t range = VmaRange(first, count) & vma_pages;
  WRITE_ONCE(mm->vma_pages, vma_pages | range << kVmaReadOnlyShift);
  MmuGather tlb{.mm = mm, .fullmm = false};
  tlb_gather_mmu(&tlb);
  spin_lock(&mm->page_table_lock);
  flush_tlb_batched_pending(mm);
  arch_enter_lazy_mmu_mode();
  for (int va = first.value(); va < first.value() + count; ++va) {
    Cell<Pte>* const ptep = &PteOf(mm->pgd, At(va));
    if (READ_ONCE(*ptep).valid()) {
      const Pte pte = ptep_get_and_clear(mm, At(va), /*fullmm=*/false);  // ptep_modify_prot_start
      set_pte_at(mm, At(va), pte.Without(Pte::kWrite));
      tlb_remove_tlb_entry(&tlb, At(va));
    }
    GhostNoteChange(&tlb, At(va));
  }
  arch_leave_lazy_mmu_mode();
  spin_unlock(&mm->page_table_lock);
  tlb_finish_mmu(&tlb);
  mmap_write_unlock(mm);
  GhostPromiseNoStores(tlb, first, count);
}

void mprotect_write(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  // Ptes follow when somebody writes.
  WRITE_ONCE(mm->vma_pages,
             READ_ONCE(mm->vma_pages) & ~(VmaRange(first, count) << kVmaReadOnlyShift));
  mmap_write_unlock(mm);
}

// task_numa_work(): PROT_NONE ptes, so that the next access tells who uses the page.
// Nothing where flushes are not deferred: sparc64 does not select ARCH_SUPPORTS_NUMA_BALANCING, and its
// code knows no PROT_NONE pte.
void change_prot_numa(VirtPage first, int count) {
  if (!arch().deferred_flush) return;
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_read_lock(mm);
  inc_tlb_flush_pending(mm);
  bool changed = false;
  spin_lock(&mm->page_table_lock);
  flush_tlb_batched_pending(mm);
  for (int va = first.value(); va < first.value() + count; ++va) {
    Cell<Pte>* const ptep = &PteOf(mm->pgd, At(va));
    if (!READ_ONCE(*ptep).valid() || FileOf(mm, At(va)) != nullptr) continue;
    const Pte pte = ptep_get_and_clear(mm, At(va), /*fullmm=*/false);
    set_pte_at(mm, At(va), pte.Without(Pte::kValid).With(Pte::kProtNone));
    changed = true;
  }
  spin_unlock(&mm->page_table_lock);
  if (changed) flush_tlb_range(mm, first, count);
  dec_tlb_flush_pending(mm);
  mmap_read_unlock(mm);
}

bool pte_accessible(Mm* mm, Pte pte) {
  if (pte.valid()) return true;
  return accessible_version.value() == kOrFlushPending && mm_tlb_flush_pending(mm);
}

// move_ptes(). One page table lock stands for that of the old place and that of the new one.
bool move_ptes(Mm* mm, VirtPage from, VirtPage to, int count, MmuGather* tlb) {
  bool moved = false;
  bool all = true;
  spin_lock(&mm->page_table_lock);
  flush_tlb_batched_pending(mm);
  arch_enter_lazy_mmu_mode();
  for (int i = 0; i < count; ++i) {
    const int old_va = from.value() + i;
    Cell<Pte>* const old_ptep = &PteOf(mm->pgd, At(old_va));
    if (READ_ONCE(*old_ptep).present()) {
      if (pte_alloc(mm, At(to.value() + i))) {
        const Pte pte = ptep_get_and_clear(mm, At(old_va), /*fullmm=*/false);
        set_pte_at(mm, At(to.value() + i), pte);
        moved = true;
      } else {
        all = false;
      }
    }
    GhostNoteChange(tlb, At(old_va));
  }
  arch_leave_lazy_mmu_mode();
  if (moved && mremap_version.value() == kFlushUnderLock) flush_tlb_range(mm, from, count);
  spin_unlock(&mm->page_table_lock);
  if (moved && mremap_version.value() == kFlushAfterwards) flush_tlb_range(mm, from, count);
  return all;
}

// 97113eb39fa7 (5.14): a whole table changes its place, and the lock of its ptes goes with it. Who finds a
// page by its mappings may be at work on such a pte, and flushes where it has found it. The lock of the
// mappings keeps them away.
enum MovePmdVersion { kRmapLocked, kRmapUnlocked };
VersionSwitch move_pmd_version("mm.move_normal_pmd", {"rmap_locked", "rmap_unlocked"},
                               "97113eb39fa7 mm/mremap: hold the rmap lock in write mode when moving "
                               "page table entries");

// move_normal_pmd(). False: it is not for this move; nothing has changed. pmd_lock, which nobody else wants
// while mmap_lock is held for writing, is left out.
bool move_normal_pmd(Mm* mm, VirtPage from, VirtPage to, int count, MmuGather* tlb) {
  const bool whole = from.value() % kPtesPerTable == 0 && to.value() % kPtesPerTable == 0 &&
                     count == kPtesPerTable;
  const std::uint64_t files = VmaRange(from, count) << kVmaFileShift;
  if (!arch().deferred_flush || !whole || (READ_ONCE(mm->vma_pages) & files) != 0) return false;
  Cell<std::uint64_t>& old_pmd = PmdOf(mm, from);
  Cell<std::uint64_t>& new_pmd = PmdOf(mm, to);
  if (READ_ONCE(old_pmd) == 0 || READ_ONCE(new_pmd) != 0) return false;
  const bool locked = move_pmd_version.value() == kRmapLocked;
  if (locked) take_rmap_locks(mm);
  flush_tlb_batched_pending(mm);
  const std::uint64_t pmd = READ_ONCE(old_pmd);
  WRITE_ONCE(old_pmd, 0);
  for (int i = 0; i < count; ++i) {
    GhostPteChange(mm, At(from.value() + i));
    GhostNoteChange(tlb, At(from.value() + i));
  }
  WRITE_ONCE(new_pmd, pmd ^ kPmdMoved);
  for (int i = 0; i < count; ++i) GhostPteChange(mm, At(to.value() + i));
  flush_tlb_range(mm, from, count);
  if (locked) drop_rmap_locks(mm);
  return true;
}

// copy_vma(), as far as files go. False, and nothing is linked, if one of them is full.
bool copy_file_vmas(Mm* mm, VirtPage from, VirtPage to, int count) {
  std::uint64_t linked = 0;
  for (int i = 0; i < count; ++i) {
    MappedFile* const file = FileOf(mm, At(from.value() + i));
    if (file == nullptr) continue;
    if (!link_file_vma(file, mm, At(to.value() + i))) {
      unlink_file_vmas(mm, linked);
      return false;
    }
    Cell<MappedFile*>& vm_file = mm->vm_file[to.value() + i];
    WRITE_ONCE(vm_file, file);
    linked |= VmaRange(At(to.value() + i), 1) << kVmaFileShift;
  }
  return true;
}

// move_vma(): the new vmas are linked before ptes move, the old ones go afterwards. Nothing moves if
// the new place is in use, or the old one is not mapped throughout.
void do_mremap(VirtPage from, VirtPage to, int count) {
  if (from.value() + count > kVirtPageCount) return;  // -EINVAL
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const std::uint64_t old_range = VmaRange(from, count);
  const std::uint64_t new_range = VmaRange(to, count);
  if ((vma_pages & old_range) != old_range || (vma_pages & new_range) != 0) {
    mmap_write_unlock(mm);
    return;
  }
  const std::uint64_t old_vmas = VmaAll(old_range) & vma_pages;
  const std::uint64_t new_vmas = from.value() < to.value()
                                     ? old_vmas << (to.value() - from.value())
                                     : old_vmas >> (from.value() - to.value());
  if (!copy_file_vmas(mm, from, to, count)) {
    mmap_write_unlock(mm);
    return;
  }
  std::uint64_t now = vma_pages | new_vmas;
  anon_vma_link(mm, new_range & ~(now >> kVmaFileShift));
  MmuGather tlb{.mm = mm, .fullmm = false};
  const bool moved = move_normal_pmd(mm, from, to, count, &tlb) || move_ptes(mm, from, to, count, &tlb);
  now &= ~VmaAll(old_range);
  WRITE_ONCE(mm->vma_pages, now);
  tlb_gather_mmu(&tlb);
  if (!moved) zap_pte_range(&tlb, from, count);  // no memory for a table: simplified, the rest is lost
  anon_vma_unlink(mm, old_range);
  unlink_file_vmas(mm, vma_pages & old_range << kVmaFileShift);
  free_pgtables(&tlb, now);
  tlb_finish_mmu(&tlb);
  mmap_write_unlock(mm);
  GhostPromise(tlb, from, count);
}

// oom_reap_task_mm(). The victim's threads are being killed, and may still run.
void oom_reap(Task* victim) {
  spin_lock(&victim->alloc_lock);
  Mm* const mm = READ_ONCE(victim->mm);
  if (mm != nullptr) {
    mmgrab(mm);  // mark_oom_victim
    GhostGrab(mm);
    ATOMIC_RMW(mm->flags, old | MMF_OOM_VICTIM);
  }
  spin_unlock(&victim->alloc_lock);
  if (mm == nullptr) return;
  mmap_read_lock(mm);
  if ((READ_ONCE(mm->flags) & MMF_OOM_SKIP) == 0) __oom_reap_task_mm(mm);
  mmap_read_unlock(mm);
  GhostDrop(mm);
  mmdrop(mm);
}

OpSpec RangeOp(std::string_view name, std::string_view usage, std::string_view what,
               void (*run)(const BoundOp& op)) {
  return {.name = name,
          .usage = usage,
          .what = what,
          .who = OpSpec::Who::kUser,
          .args = {ArgKind::kPage, ArgKind::kCount},
          .optional = 1,
          .run = run};
}

int Count(const BoundOp& op, std::size_t i) { return static_cast<int>(op.args[i]); }

}  // namespace

// Since a213e5cf71cb (5.18), which took the munlock out of exit_mmap (mlock.h), locked vmas are reaped as well.
void __oom_reap_task_mm(Mm* mm) {
  // 0: exit_mmap has been here.
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const std::uint64_t reapable =
      vma_pages & ~(vma_pages >> kVmaFileShift) & ~(vma_pages >> kVmaLockedShift);
  const bool whole = reaper_version.value() == kWholeMm;
  MmuGather all{.mm = mm, .fullmm = true};
  if (whole) tlb_gather_mmu(&all);
  for (int va = 0; va < kVirtPageCount; ++va) {
    if ((reapable >> va & 1) == 0) continue;
    MmuGather one{.mm = mm, .fullmm = false};
    if (!whole) tlb_gather_mmu(&one);
    zap_pte_range(whole ? &all : &one, At(va), 1);
    if (!whole) tlb_finish_mmu(&one);
  }
  if (whole) tlb_finish_mmu(&all);
}

// Linux 6.12 mm/migrate.c: clearing the pte, copying and setting the new one take place under one hold
// of the page table lock here. The mmap_lock is held for reading.
bool do_numa_page(Mm* mm, VirtPage va) {
  Page* const page = alloc_page();
  Page* old_page = nullptr;
  spin_lock(&mm->page_table_lock);
  Cell<Pte>* const ptep = &PteOf(mm->pgd, va);
  Pte pte = READ_ONCE(*ptep);
  if (pte.present() && !pte.valid()) {
    if (page == nullptr) {
      set_pte_at(mm, va, pte.Without(Pte::kProtNone).With(Pte::kValid));
    } else {
      old_page = &Kernel::Get().pages[pte.page()];
      pte = ptep_get_and_clear(mm, va, /*fullmm=*/false);
      if (pte_accessible(mm, pte)) flush_tlb_range(mm, va, 1);
      WRITE_ONCE(page->contents, READ_ONCE(old_page->contents));
      MlockNewPage(mm, va, page);
      ClearPageMlocked(old_page);
      set_pte_at(mm, va, Pte::Of(page->number, pte.writable()));
    }
  }
  spin_unlock(&mm->page_table_lock);
  if (old_page != nullptr) {
    put_page(old_page);
  } else if (page != nullptr) {
    put_page(page);
  }
  return true;
}

void RegisterProtectOps() {
  RegisterOp(RangeOp("madvise", "madvise PAGE [COUNT]", "MADV_DONTNEED: drops the pages, keeps the mapping",
                     [](const BoundOp& op) { madvise_dontneed(PageArg(op, 0), Count(op, 1)); }));
  RegisterOp(RangeOp("madvise_free", "madvise_free PAGE [COUNT]",
                     "MADV_FREE: splits the first page's folio, and makes all pages clean",
                     [](const BoundOp& op) { madvise_free(PageArg(op, 0), Count(op, 1)); }));
  RegisterOp(RangeOp("mprotect", "mprotect PAGE [COUNT]", "makes the mapping read-only",
                     [](const BoundOp& op) { mprotect_read(PageArg(op, 0), Count(op, 1)); }));
  RegisterOp(RangeOp("mprotect_write", "mprotect_write PAGE [COUNT]", "makes the mapping writable again",
                     [](const BoundOp& op) { mprotect_write(PageArg(op, 0), Count(op, 1)); }));
  // Other architectures of this model take a pte that is present and not valid for none.
  OpSpec numa_hint = RangeOp("numa_hint", "numa_hint PAGE [COUNT]",
                             "makes ptes PROT_NONE: the next access migrates the page",
                             [](const BoundOp& op) { change_prot_numa(PageArg(op, 0), Count(op, 1)); });
  numa_hint.arch = "x86_64";
  RegisterOp(numa_hint);
  RegisterOp({.name = "mremap",
              .usage = "mremap PAGE TO [COUNT]",
              .what = "moves the mapping of COUNT pages, and their pages, to TO",
              .who = OpSpec::Who::kUser,
              .args = {ArgKind::kPage, ArgKind::kPage, ArgKind::kCount},
              .optional = 1,
              .run = [](const BoundOp& op) {
                do_mremap(PageArg(op, 0), PageArg(op, 1), Count(op, 2));
              }});
  RegisterOp({.name = "oom_reap",
              .usage = "oom_reap TASK",
              .what = "frees the anonymous pages of TASK's process, whose threads may still run",
              .args = {ArgKind::kTask},
              .run = [](const BoundOp& op) { oom_reap(&Kernel::Get().tasks[op.args[0]]); }});
}

}  // namespace shootdown::kernel
