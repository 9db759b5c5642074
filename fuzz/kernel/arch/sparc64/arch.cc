#include "fuzz/kernel/arch/sparc64/arch.h"

#include "fuzz/kernel/arch/sparc64/mmu_context.h"
#include "fuzz/kernel/arch/sparc64/old_wrap.h"
#include "fuzz/kernel/arch/sparc64/perf_event.h"
#include "fuzz/kernel/arch/sparc64/pgtable.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/arch/sparc64/tsb.h"
#include "fuzz/kernel/arch/sparc64/tsb_miss.h"
#include "fuzz/kernel/arch/sparc64/window.h"

namespace shootdown::kernel::sparc64 {
namespace {

void Boot(Kernel& /*kernel*/) { InitContextGlobals(); }

void Softint(int level) {
  if (level == kPilContextNewVersion) smp_new_mmu_context_version_client();
}

// tlb_flush() is flush_tlb_pending() of this CPU's batch, which is empty by now: lazy mmu mode was left
// under the page table lock. Linux 6.12 arch/sparc/include/asm/tlb_64.h.
void TlbFlush(MmuGather* /*tlb*/) {
  if (this_cpu().tlb_batch.tlb_nr != 0) flush_tlb_pending();
}

constexpr std::string_view kSwitchAreas[] = {"trim"};

}  // namespace

extern const Arch kArch = {
    .name = "sparc64",
    .what = "software-filled TLB, TSB, context numbers that wrap, mm_cpumask",
    .switch_areas = kSwitchAreas,
    .boot = &Boot,
    .boot_mm = &init_new_context,
    .switch_mm = &switch_mm,
    .prepare_arch_switch = &SpillAllWindows,              // flushw
    .destroy_context = &destroy_context,
    .set_pte_at = &set_pte_at,
    .ptep_get_and_clear = &ptep_get_and_clear,
    .update_mmu_cache = &update_mmu_cache,
    .enter_lazy_mmu_mode = &arch_enter_lazy_mmu_mode,
    .leave_lazy_mmu_mode = &arch_leave_lazy_mmu_mode,
    .tlb_flush = &TlbFlush,
    .flush_tlb_mm = &smp_flush_tlb_mm,
    .softint = &Softint,
    .nmi = &perf_event_nmi_handler,
    .tlb_miss = &dtlb_miss,
    .context_number =
        [](const Mm* mm, int /*cpu*/) { return mm->context.sparc64_ctx_val.Peek().number(); },
    .context_valid =
        [](const Mm* mm, int /*cpu*/) {
          return mm->context.sparc64_ctx_val.Peek().version() ==
                 Kernel::Get().globals->context.tlb_context_cache.Peek().version();
        },
};

}  // namespace shootdown::kernel::sparc64
