#include "fuzz/kernel/mlock.h"

#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {
namespace {

// 27ae357fa82b (4.17): the reaper passes over locked vmas, and munlock has just made this one an ordinary
// one. So a victim is reaped first, and nobody reaps it after that.
enum MunlockVersion { kAfterReaping, kWhileReaping };
VersionSwitch munlock_version("mm.exit_munlock", {"after_reaping", "while_reaping"},
                              "27ae357fa82b mm, oom: fix concurrent munlock and oom reaper unmap");

VirtPage At(int va) { return VirtPage(static_cast<std::uint8_t>(va)); }

// mlock_fixup(), mm_populate(). Anonymous memory only.
void do_mlock(VirtPage first, int count) {
  Mm* const mm = READ_ONCE(current()->mm);
  mmap_write_lock(mm);
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const std::uint64_t anonymous = vma_pages & ~(vma_pages >> kVmaFileShift) & VmaRange(first, count);
  WRITE_ONCE(mm->vma_pages, vma_pages | anonymous << kVmaLockedShift);
  for (int va = first.value(); va < first.value() + count; ++va) {
    if ((anonymous >> va & 1) != 0) (void)mfill_atomic_pte(mm, At(va));
  }
  spin_lock(&mm->page_table_lock);
  for (int va = first.value(); va < first.value() + count; ++va) {
    if ((anonymous >> va & 1) == 0) continue;
    Cell<Pte>* const ptep = &PteOf(mm->pgd, At(va));
    const Pte pte = READ_ONCE(*ptep);
    if (!pte.present()) continue;
    Page* const page = &Kernel::Get().pages[pte.page()];
    WRITE_ONCE(page->mlocked, 1);
  }
  spin_unlock(&mm->page_table_lock);
  mmap_write_unlock(mm);
}

// Linux 4.16 mm/gup.c follow_page_mask(): what the entry at `va` maps, or null. No lock yet: of a page of a pmd's
// size it takes that one to which the entry leads. If the entry has gone meanwhile, Linux follows NULL instead.
Page* follow_page_mask(Mm* mm, VirtPage va) {
  Cell<Pte>* const pmd = &PteOf(mm->pgd, va);
  const Pte pmdval = READ_ONCE(*pmd);
  return pmdval.present() ? &Kernel::Get().pages[pmdval.page()] : nullptr;
}

// Linux 4.16 mm/mlock.c munlock_vma_pages_range(): the flag goes first, since other vmas may lock the same
// page. The locked page is one of a pmd's size.
void munlock_vma_pages_all(Mm* mm) {
  const std::uint64_t vma_pages = READ_ONCE(mm->vma_pages);
  const std::uint64_t locked = vma_pages >> kVmaLockedShift & 0xff;
  WRITE_ONCE(mm->vma_pages, vma_pages & ~(locked << kVmaLockedShift));
  for (int v = 0; v < kVirtPageCount; ++v) {
    if ((locked >> v & 1) == 0) continue;
    Page* const page = follow_page_mask(mm, VirtPage(static_cast<std::uint8_t>(v)));
    if (page == nullptr) continue;
    const std::uint32_t incarnation = page->incarnation;
    sim::Learn(incarnation);
    ATOMIC_RMW(page->mlocked, std::uint64_t{0});
    GhostPageUse(page, incarnation, SHOOTDOWN_SITE("page->mlocked"));
  }
}

}  // namespace

void exit_munlock(Mm* mm) {
  if (munlock_version.value() == kAfterReaping && (READ_ONCE(mm->flags) & MMF_OOM_VICTIM) != 0) {
    // Without mmap_lock, and beside the reaper. 4.17 and 4.18 kept that away by oom_lock.
    __oom_reap_task_mm(mm);
    ATOMIC_RMW(mm->flags, old | MMF_OOM_SKIP);
    // Whoever has not seen the flag is done when this lock has been had.
    mmap_write_lock(mm);
    mmap_write_unlock(mm);
  }
  munlock_vma_pages_all(mm);
}

void RegisterMlockOps() {
  RegisterOp({.name = "mlock",
              .usage = "mlock PAGE [COUNT]",
              .what = "locks what is mapped there in memory: reclaim and the oom reaper leave it alone",
              .who = OpSpec::Who::kUser,
              .args = {ArgKind::kPage, ArgKind::kCount},
              .optional = 1,
              .run = [](const BoundOp& op) {
                do_mlock(PageArg(op, 0), static_cast<int>(op.args[1]));
              }});
}

}  // namespace shootdown::kernel
