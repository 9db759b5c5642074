#include "fuzz/kernel/arch/sparc64/tsb_miss.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/sparc64/tsb.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::sparc64 {
namespace {

using sim::Machine;
using sim::StepKind;
using sim::TlbGhost;

// The handler reads the pte before it locks the TSB slot, so a flush of the TSB can come
// between, and the stale pte stays in the table. `lock_then_walk` is the repair.
enum FillVersion { kLockThenWalk, kWalkThenLock };
VersionSwitch fill_version("sparc64.tsb_fill", {"lock_then_walk", "walk_then_lock"},
                           "Linux 4.19 arch/sparc/kernel/tsb.S tsb_miss_page_table_walk");

void tsb_dtlb_load(VirtPage va, Pte pte, const TlbGhost& ghost) {
  Machine& m = Machine::Get();
  m.Action(SHOOTDOWN_SITE_AS("tlb insert", &FormatVirtPage), StepKind::kTlbInsert, va.value());
  m.tlb().Insert(m.secondary(m.cpu()), va, pte.bits, ghost);
}

// Physical loads from the CPU's own page table pointer: trap_block[cpu].pgd_paddr.
Pte tsb_miss_page_table_walk(VirtPage va, TlbGhost* ghost) {
  PageTable* const pgd = this_cpu().pgd_paddr;
  if (pgd == nullptr || READ_ONCE(pgd->pmd) == 0) return Pte{};
  const Cell<Pte>* const ptep = &pgd->pte[va.value()];
  const Pte pte = READ_ONCE(*ptep);
  // The ghost belongs to the very load above: nothing has run in between.
  const Mm* const mm = this_cpu().hardware_mm;
  *ghost = {.owner = static_cast<std::uint32_t>(mm->id),
            .incarnation = pte.valid() ? Kernel::Get().pages[pte.page()].incarnation : 0,
            .pte_change = mm->pte_change[va.value()]};
  sim::Learn(*ghost);
  return pte;
}

// TL1, PSTATE.IE = 0. False: no valid pte, a full fault follows.
bool tsb_miss(VirtPage va, bool write) {
  TsbEntry* const tsb = this_cpu().tsb;
  if (tsb == nullptr) return false;
  TsbEntry* const slot = TsbSlot(tsb, va);
  // One 16-byte load takes tag and pte together.
  const std::uint64_t tag = slot->tag.Load(SHOOTDOWN_SITE_AS("slot->tag", &FormatTsbTag));
  const Pte cached = slot->pte.PeekOwn();
  const TlbGhost cached_ghost = slot->ghost;
  sim::Learn(cached_ghost);
  if (tag == va.value() && cached.valid() && (!write || cached.writable())) {
    tsb_dtlb_load(va, cached, cached_ghost);
    return true;
  }
  TlbGhost ghost;
  if (fill_version.value() == kWalkThenLock) {
    const Pte pte = tsb_miss_page_table_walk(va, &ghost);
    if (!pte.valid() || (write && !pte.writable())) return false;
    tsb_lock(slot);
    tsb_write(slot, va, pte, ghost);
    tsb_dtlb_load(va, pte, ghost);
    return true;
  }
  tsb_lock(slot);
  const Pte pte = tsb_miss_page_table_walk(va, &ghost);
  if (!pte.valid() || (write && !pte.writable())) {
    tsb_unlock_invalid(slot);
    return false;
  }
  // The TLB is loaded while the slot is locked: a flush of the slot waits for both.
  tsb_write(slot, va, pte, ghost);
  tsb_dtlb_load(va, pte, ghost);
  return true;
}

}  // namespace

bool dtlb_miss(VirtPage va, bool write) {
  Machine& m = Machine::Get();
  const bool ie = m.ie();  // 0 in a window trap
  sim::Learn(ie ? 1 : 0);
  m.SetIe(false);
  const bool filled = tsb_miss(va, write);
  m.SetIe(ie);  // retry: a cross call that came meanwhile is taken first
  return filled;
}

}  // namespace shootdown::kernel::sparc64
