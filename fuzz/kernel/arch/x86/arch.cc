#include "fuzz/kernel/arch/x86/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/x86/mmu_context.h"
#include "fuzz/kernel/arch/x86/state.h"
#include "fuzz/kernel/arch/x86/tlb.h"
#include "fuzz/kernel/arch/x86/walker.h"
#include "fuzz/kernel/arch/x86/xen.h"
#include "fuzz/kernel/memory.h"

namespace shootdown::kernel::x86 {
namespace {

// native_set_pte(): a plain store.
void set_pte_at(Mm* mm, VirtPage va, Pte pte) {
  Cell<Pte>& ptep = PteOf(mm->pgd, va);
  WRITE_ONCE(ptep, pte);
  GhostPteChange(mm, va);
}

// native_ptep_get_and_clear() is an xchg, as hardware may set the dirty bit at any time;
// ptep_get_and_clear_full() is two plain accesses if the whole mm goes.
// Linux 4.20 arch/x86/include/asm/pgtable.h.
Pte ptep_get_and_clear(Mm* mm, VirtPage va, bool fullmm) {
  Cell<Pte>& ptep = PteOf(mm->pgd, va);
  Pte pte = READ_ONCE(ptep);
  if (!pte.present()) return pte;  // zap_pte_range passes over pte_none
  if (fullmm) {
    WRITE_ONCE(ptep, Pte{});
  } else {
    pte = ATOMIC_RMW(ptep, Pte{});
  }
  GhostPteChange(mm, va);
  return pte;
}

constexpr std::string_view kSwitchAreas[] = {"x86", "kvm"};

}  // namespace

extern const Arch kArch = {
    .name = "x86_64",
    .what = "hardware page walks, deferred flushes by interrupt, lazy TLB with generations",
    .switch_areas = kSwitchAreas,
    .boot = &BootState,
    .boot_mm = &BootMm,
    .switch_mm = &switch_mm,
    .enter_lazy_tlb = &enter_lazy_tlb,
    .destroy_context = &destroy_context,
    .exit_mmap = &xen_exit_mmap,
    .set_pte_at = &set_pte_at,
    .ptep_get_and_clear = &ptep_get_and_clear,
    .tlb_flush = &tlb_flush,
    .flush_tlb_mm = &flush_tlb_mm,
    .deferred_flush = true,
    .flush_tlb_range = &flush_tlb_range,
    .tlbbatch_add_mm = &arch_tlbbatch_add_mm,
    .tlbbatch_flush = &arch_tlbbatch_flush,
    .tlb_miss = &page_walk,
    .store_needs = Pte::kValid | Pte::kWrite | Pte::kDirty,
    .can_walk = &CanWalk,
    .walk = &Walk,
    .context_number = [](const Mm* mm, int /*cpu*/) { return ContextNumber(mm); },
    .context_valid = [](const Mm* /*mm*/, int /*cpu*/) { return true; },
};

}  // namespace shootdown::kernel::x86
