#include "fuzz/kernel/mmu_gather.h"

#include <algorithm>

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {
namespace {

// 99baac21e458 (4.13): two that zap one range at a time. The second finds no ptes, so it had nothing to
// flush, and told its caller that the range is gone.
enum NestedVersion { kFlushNested, kFlushOwnOnly, kResetRange };
VersionSwitch nested_version(
    "mm.tlb_finish_mmu", {"flush_nested", "flush_own_only", "reset_freed_tables"},
    "99baac21e458 mm: fix MADV_[FREE|DONTNEED] TLB flush miss problem; "
    "7a30df49f63a mm: mmu_gather: remove __tlb_reset_range() for force flush");

// 16af97dc5a89 (4.13): as a flag, whoever finished first took it away from the others.
enum PendingVersion { kCounter, kFlag };
VersionSwitch pending_version("mm.tlb_flush_pending", {"counter", "flag"},
                              "16af97dc5a89 mm: migrate: prevent racy access to tlb_flush_pending");

// a6f572084fbe (4.19): with mm_users at 1 tables were freed at once. But a lazy CPU holds no mm_users,
// and its walker can still come by.
enum TableVersion { kWithTheBatch, kAtOnceIfSingleUser };
VersionSwitch table_version("mm.tlb_remove_table", {"batch", "at_once_if_single_user"},
                            "a6f572084fbe mm/tlb: Remove tlb_remove_table() non-concurrent condition");

// Not where a change of a pte flushes by itself, before the page table lock is released: nobody ever finds
// an empty pte whose translation is still about.
bool FlushesLater() { return arch().flush_tlb_range != nullptr; }

}  // namespace

void inc_tlb_flush_pending(Mm* mm) {
  if (pending_version.value() == kFlag) {
    WRITE_ONCE(mm->tlb_flush_pending, 1);
    smp_mb();
  } else {
    ATOMIC_RMW(mm->tlb_flush_pending, old + 1);
  }
}

void dec_tlb_flush_pending(Mm* mm) {
  if (pending_version.value() == kFlag) {
    WRITE_ONCE(mm->tlb_flush_pending, 0);
  } else {
    ATOMIC_RMW(mm->tlb_flush_pending, old - 1);
  }
}

bool mm_tlb_flush_pending(Mm* mm) { return READ_ONCE(mm->tlb_flush_pending) != 0; }

void tlb_gather_mmu(MmuGather* tlb) {
  if (FlushesLater()) inc_tlb_flush_pending(tlb->mm);
}

void tlb_remove_tlb_entry(MmuGather* tlb, VirtPage va) {
  tlb->first = std::min<int>(tlb->first, va.value());
  tlb->last = std::max<int>(tlb->last, va.value() + 1);
}

void tlb_remove_page(MmuGather* tlb, Page* page) { tlb->pages[tlb->count++] = page; }

void tlb_remove_table(MmuGather* tlb, Page* table) {
  tlb->freed_tables = true;
  if (table_version.value() == kAtOnceIfSingleUser && READ_ONCE(tlb->mm->mm_users) < 2) {
    put_page(table);
    return;
  }
  tlb_remove_page(tlb, table);
}

void tlb_flush_mmu_tlbonly(MmuGather* tlb) {
  if (arch().deferred_flush && !tlb->freed_tables && tlb->first >= tlb->last) return;
  tlb_flush(tlb);
  tlb->freed_tables = false;
  tlb->first = kVirtPageCount;
  tlb->last = 0;
}

void tlb_finish_mmu(MmuGather* tlb) {
  // Somebody else has cleared ptes of this mm, and not flushed yet: what this one found empty may
  // still be in TLBs, so everything is flushed, as if tables had been freed.
  if (FlushesLater() && nested_version.value() != kFlushOwnOnly &&
      READ_ONCE(tlb->mm->tlb_flush_pending) > 1) {
    tlb->first = 0;
    tlb->last = kVirtPageCount;
    tlb->freed_tables = nested_version.value() == kFlushNested;
  }
  tlb_flush_mmu_tlbonly(tlb);
  for (int i = 0; i < tlb->count; ++i) put_page(tlb->pages[i]);
  tlb->count = 0;
  if (FlushesLater()) dec_tlb_flush_pending(tlb->mm);
}

void GhostNoteChange(MmuGather* tlb, VirtPage va) {
  std::uint64_t& change = tlb->change[va.value()];
  change = tlb->mm->pte_change[va.value()];
  sim::Learn(change);
}

void GhostPromise(const MmuGather& tlb, VirtPage first, int count) {
  GhostPromiseNoStores(tlb, first, count);
  for (int va = first.value(); va < first.value() + count; ++va) {
    std::uint32_t& promised = tlb.mm->promised[va].by_all;
    promised = std::max(promised, static_cast<std::uint32_t>(tlb.change[va]));
  }
}

void GhostPromiseNoStores(const MmuGather& tlb, VirtPage first, int count) {
  for (int va = first.value(); va < first.value() + count; ++va) {
    std::uint32_t& promised = tlb.mm->promised[va].by_stores;
    promised = std::max(promised, static_cast<std::uint32_t>(tlb.change[va]));
  }
}

}  // namespace shootdown::kernel
