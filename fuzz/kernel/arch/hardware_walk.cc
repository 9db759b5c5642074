#include "fuzz/kernel/arch/hardware_walk.h"

#include "fuzz/kernel/access.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {
namespace {

using sim::Machine;

bool Walk(VirtPage va, bool write) {
  Machine& m = Machine::Get();
  const Globals* const globals = Kernel::Get().globals;
  const PageTable* const pgd = this_cpu().pgd_paddr;
  if (pgd == nullptr) return false;
  for (;;) {
    const std::uint64_t broadcasts = globals->broadcasts;
    sim::Learn(broadcasts);
    if (READ_ONCE(pgd->pmd) == 0) return false;
    const Cell<Pte>* const ptep = &pgd->pte[va.value()];
    Pte pte = READ_ONCE(*ptep);
    // RMO: the value may be one from before an invalidation that is complete. Who broadcasts one waits
    // until no walk goes on with what was there before (DSB, ptesync); which store came before which
    // broadcast is not kept, so after the first one a walk takes the value of now.
    if (broadcasts != 0 && (m.log().back().flags & sim::LogEntry::kOld) != 0) {
      pte = ptep->Peek();
      sim::Learn(pte.bits);
    }
    if (!pte.valid() || (write && !pte.writable())) return false;
    // The ghost belongs to the very load above: nothing has run in between.
    const Mm* const mm = this_cpu().hardware_mm;
    const sim::TlbGhost ghost{.owner = static_cast<std::uint32_t>(mm->id),
                              .incarnation = Kernel::Get().pages[pte.page()].incarnation,
                              .pte_change = mm->pte_change[va.value()]};
    sim::Learn(ghost);
    m.Action(SHOOTDOWN_SITE_AS("tlb insert", &FormatVirtPage), sim::StepKind::kTlbInsert,
             va.value());
    if (globals->broadcasts != broadcasts) continue;
    m.tlb().Insert(m.secondary(m.cpu()), va, pte.bits, ghost);
    return true;
  }
}

}  // namespace

bool HardwareWalk(VirtPage va, bool write) {
  Machine& m = Machine::Get();
  m.SetIe(false);
  const bool filled = Walk(va, write);
  m.SetIe(true);
  return filled;
}

}  // namespace shootdown::kernel
