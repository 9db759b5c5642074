#include "fuzz/kernel/reclaim.h"

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mapped_file.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// 3ea277194daa (4.13): mprotect and others found no pte, flushed nothing, and told their callers that
// the old permission is gone.
enum BatchedVersion { kFlushBatched, kIgnoreBatched };
VersionSwitch batched_version("mm.tlb_flush_batched", {"flush_pending", "ignore_pending"},
                              "3ea277194daa mm, mprotect: flush TLB if potentially racing with a "
                              "parallel reclaim leaving stale TLB entries");

constexpr int kFlushedShift = 16;
constexpr std::uint64_t kPendingMask = 0xffff;

AnonVma* AnonVmaOf(const Mm* mm) { return &Kernel::Get().globals->anon_vma[mm->id]; }

// Nobody else could have a translation: then a flush now is as cheap.
bool should_defer_flush(Mm* mm) {
  return arch().tlbbatch_add_mm != nullptr &&
         READ_ONCE(mm->mm_cpumask).Without(smp_processor_id()).bits != 0;
}

void set_tlb_ubc_flush_pending(Mm* mm, CpuBits* batch) {
  arch().tlbbatch_add_mm(batch, mm);
  // So few generations in a run that the halves never wrap.
  ATOMIC_RMW(mm->tlb_flush_batched, old + 1);
}

// Linux 6.12 mm/rmap.c
std::uint64_t mm_find_pmd(Mm* mm, VirtPage va) {
  const Cell<std::uint64_t>* const pmd = &PmdOf(mm, va);
  return READ_ONCE(*pmd);
}

// The page of `mm` at `va`, taken out of its page table; null if it is not there to be taken.
Page* try_to_unmap(Mm* mm, VirtPage va, CpuBits* batch) {
  AnonVma* const anon_vma = AnonVmaOf(mm);
  Page* page = nullptr;
  spin_lock(&anon_vma->lock);
  // As long as the vma is linked the mm is alive: exit_mmap unlinks it under this lock.
  if ((READ_ONCE(anon_vma->pages) >> va.value() & 1) != 0 && mm_find_pmd(mm, va) != 0) {
    spin_lock(&mm->page_table_lock);
    Cell<Pte>* const ptep = &PteOf(mm->pgd, va);
    const Pte pte = READ_ONCE(*ptep);
    // A locked page is not evictable.
    Page* const mapped = pte.valid() ? &Kernel::Get().pages[pte.page()] : nullptr;
    if (mapped != nullptr && READ_ONCE(mapped->mlocked) == 0) {
      page = mapped;
      const bool defer = should_defer_flush(mm);
      (void)ptep_get_and_clear(mm, va, /*fullmm=*/false);
      if (defer) {
        set_tlb_ubc_flush_pending(mm, batch);
      } else {
        flush_tlb_range(mm, va, 1);
      }
    }
    spin_unlock(&mm->page_table_lock);
  }
  spin_unlock(&anon_vma->lock);
  return page;
}

// Linux 6.12 mm/vmscan.c shrink_folio_list(), for one page: flushed before it is freed.
void reclaim(Mm* mm, VirtPage va) {
  CpuBits batch;
  Page* const page = try_to_unmap(mm, va, &batch);
  if (page == nullptr) return;
  if (batch.bits != 0) arch().tlbbatch_flush(&batch);
  put_page(page);
}

// Linux 5.14 mm/rmap.c try_to_migrate_one(), mm/migrate.c remove_migration_pte(): the page goes on
// elsewhere. Clearing the pte, copying and setting the new one take place under one hold of its lock here.
void compact(Mm* mm, VirtPage va) {
  Page* const page = alloc_page();
  if (page == nullptr) return;
  Page* left = page;  // what nobody has in the end
  AnonVma* const anon_vma = AnonVmaOf(mm);
  spin_lock(&anon_vma->lock);
  const bool has_vma = (READ_ONCE(anon_vma->pages) >> va.value() & 1) != 0;
  // page_vma_mapped_walk(): first where the pte is, and then its lock.
  if (const std::uint64_t pmd = has_vma ? mm_find_pmd(mm, va) : 0; pmd != 0) {
    Cell<Pte>& ptep = PteIn(mm->pgd, va, pmd);
    spin_lock(&mm->page_table_lock);
    Pte pte = READ_ONCE(ptep);
    Page* const old_page = &Kernel::Get().pages[pte.page()];
    if (pte.valid() && READ_ONCE(old_page->mlocked) == 0) {
      pte = ATOMIC_RMW(ptep, Pte{});  // ptep_clear_flush
      GhostPteChange(mm, va);
      flush_tlb_range(mm, va, 1);
      WRITE_ONCE(page->contents, READ_ONCE(old_page->contents));
      WRITE_ONCE(ptep, Pte::Of(page->number, pte.writable()));
      GhostPteChange(mm, va);
      left = old_page;
    }
    spin_unlock(&mm->page_table_lock);
  }
  spin_unlock(&anon_vma->lock);
  put_page(left);
}

// An operation on a page of a task's process, wherever that task is.
template <void (*kRun)(Mm* mm, VirtPage va)>
OpSpec OnProcess(std::string_view name, std::string_view usage, std::string_view what) {
  return {.name = name,
          .usage = usage,
          .what = what,
          .args = {ArgKind::kTask, ArgKind::kPage},
          .run = [](const BoundOp& op) {
            Kernel& k = Kernel::Get();
            const int process = k.boot[op.args[0]].process;
            if (process >= 0) kRun(&k.mms[process + 1], PageArg(op, 1));
          },
          .arch = "x86_64"};
}

}  // namespace

void take_rmap_locks(Mm* mm) { spin_lock(&AnonVmaOf(mm)->lock); }
void drop_rmap_locks(Mm* mm) { spin_unlock(&AnonVmaOf(mm)->lock); }

void anon_vma_link(Mm* mm, std::uint64_t pages) {
  if (!arch().deferred_flush) return;
  AnonVma* const anon_vma = AnonVmaOf(mm);
  spin_lock(&anon_vma->lock);
  WRITE_ONCE(anon_vma->pages, READ_ONCE(anon_vma->pages) | pages);
  spin_unlock(&anon_vma->lock);
}

void anon_vma_unlink(Mm* mm, std::uint64_t pages) {
  if (!arch().deferred_flush) return;
  AnonVma* const anon_vma = AnonVmaOf(mm);
  spin_lock(&anon_vma->lock);
  WRITE_ONCE(anon_vma->pages, READ_ONCE(anon_vma->pages) & ~pages);
  spin_unlock(&anon_vma->lock);
}

void flush_tlb_batched_pending(Mm* mm) {
  if (arch().tlbbatch_add_mm == nullptr || batched_version.value() == kIgnoreBatched) return;
  const std::uint64_t batch = READ_ONCE(mm->tlb_flush_batched);
  const std::uint64_t pending = batch & kPendingMask;
  if (pending == batch >> kFlushedShift) return;
  flush_tlb_mm(mm);
  // Unless a further page has become pending meanwhile.
  ATOMIC_RMW(mm->tlb_flush_batched, old == batch ? pending | pending << kFlushedShift : old);
}

void RegisterReclaimOps() {
  RegisterOp(OnProcess<&reclaim>("reclaim", "reclaim TASK PAGE",
                                 "kswapd takes an anonymous page from the process of TASK, and frees it"));
  RegisterOp(OnProcess<&compact>("compact", "compact TASK PAGE",
                                 "moves an anonymous page of the process of TASK to another place in memory"));
}

}  // namespace shootdown::kernel
