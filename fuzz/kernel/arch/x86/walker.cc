#include "fuzz/kernel/arch/x86/walker.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/x86/state.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::x86 {
namespace {

using sim::Machine;
using sim::StepKind;
using sim::TlbGhost;

int HalfOf(VirtPage va) { return va.value() / kPtesPerTable; }

// The walker is about to read ptes of that table (T8).
void TellTableRead(const CachedPmd& pmd, VirtPage va) {
  Tell({.kind = EventKind::kTableWalk,
        .mm = this_cpu().hardware_mm,
        .object = pmd.table,
        .virt = va.value(),
        .a = pmd.incarnation});
}

CachedPmd PmdOfTable(Pte entry) {
  Page* const table = &Kernel::Get().pages[entry.page()];
  return {.valid = 1, .entry = entry.bits, .table = table, .incarnation = table->incarnation};
}

// What is known of a pte at the moment at which it is read.
TlbGhost GhostOf(VirtPage va, Pte pte) {
  const Mm* const mm = this_cpu().hardware_mm;
  return {.owner = static_cast<std::uint32_t>(mm->id),
          .incarnation = Kernel::Get().pages[pte.page()].incarnation,
          .pte_change = mm->pte_change[va.value()]};
}

void Fill(VirtPage va, Pte pte, const TlbGhost& ghost) {
  Machine& m = Machine::Get();
  m.tlb().Insert(m.secondary(m.cpu()), va, pte.bits, ghost);
}

// Interrupts are off: an instruction and its walk are one, and a flush comes before or after.
bool WalkNow(VirtPage va, bool write) {
  PageTable* const pgd = this_cpu().pgd_paddr;
  if (pgd == nullptr) return false;
  CachedPmd& pmd = cpu_tlbstate().pmds[HalfOf(va)];
  if (pmd.valid == 0) {
    const Pte entry{READ_ONCE(PmdIn(pgd, va))};
    if (!entry.valid()) return false;
    pmd = PmdOfTable(entry);
  }
  TellTableRead(pmd, va);
  Cell<Pte>& ptep = PteIn(pgd, va, pmd.entry);
  Pte pte = READ_ONCE(ptep);
  if (!pte.valid() || (write && !pte.writable())) return false;
  const TlbGhost ghost = GhostOf(va, pte);
  sim::Learn(ghost);
  if (write && !pte.dirty()) {
    // Set in the pte itself, in one with the test that it is still the same.
    const Pte before = ATOMIC_RMW(ptep, old == pte ? old.With(Pte::kDirty) : old);
    if (before != pte) return false;
    pte = pte.With(Pte::kDirty);
  }
  Machine::Get().Action(SHOOTDOWN_SITE_AS("tlb insert", &FormatVirtPage), StepKind::kTlbInsert,
                        va.value());
  Fill(va, pte, ghost);
  return true;
}

}  // namespace

bool page_walk(VirtPage va, bool write) {
  Machine& m = Machine::Get();
  m.SetIe(false);
  const bool filled = WalkNow(va, write);
  m.SetIe(true);
  return filled;
}

bool CanWalk(VirtPage va) {
  PageTable* const pgd = this_cpu().pgd_paddr;
  if (pgd == nullptr || va.value() >= kVirtPageCount) return false;
  // The walk of an instruction is under way, or the host has the CPU.
  if (!Machine::Get().ie()) return false;
  const CachedPmd& pmd = cpu_tlbstate().pmds[HalfOf(va)];
  // Also through what the CPU remembers, and the page table has no more.
  const std::uint64_t linked = PmdIn(pgd, va).Peek();
  if (linked == 0) return pmd.valid != 0;
  if (!PteIn(pgd, va, pmd.valid != 0 ? pmd.entry : linked).Peek().valid()) return false;
  Machine& m = Machine::Get();
  return m.tlb().Lookup(m.secondary(m.cpu()), va) == nullptr;
}

void Walk(VirtPage va) {
  PageTable* const pgd = this_cpu().pgd_paddr;
  CachedPmd& pmd = cpu_tlbstate().pmds[HalfOf(va)];
  if (pmd.valid == 0) pmd = PmdOfTable(Pte{PmdIn(pgd, va).Peek()});
  TellTableRead(pmd, va);
  const Pte pte = PteIn(pgd, va, pmd.entry).Peek();
  if (pte.valid()) Fill(va, pte, GhostOf(va, pte));
}

}  // namespace shootdown::kernel::x86
