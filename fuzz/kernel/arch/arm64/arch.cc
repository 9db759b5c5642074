// Source: Linux 6.12 arch/arm64/include/asm/mmu_context.h, tlbflush.h.
#include "fuzz/kernel/arch/arm64/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/asid_generations.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/mmu_gather.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::arm64 {
namespace {

void switch_mm(Mm* prev, Mm* next) {
  if (prev != next) asid_generations::check_and_switch_context(next);
}

// 5e10f9887ed8 (5.14): another CPU that has the mm under a new ASID, after a rollover, must see what was
// changed before an ASID is read and invalidated. The other way round its walk may still find the old
// pte, and keeps it under the new ASID. In the code of before, the loads of ASID(mm) stand first.
enum TlbiVersion { kBarrierFirst, kAsidFirst };
VersionSwitch tlbi_version("arm64.tlbi", {"barrier_first", "asid_first"},
                           "5e10f9887ed8 arm64: mm: Fix TLBI vs ASID rollover");

// dsb(ishst); a barrier of stores alone does not exist in the machine's memory model.
Ctx AsidToInvalidate(Mm* mm) {
  if (tlbi_version.value() == kBarrierFirst) smp_mb();
  const Ctx asid = asid_generations::ASID(mm);
  if (tlbi_version.value() == kAsidFirst) smp_mb();
  return asid;
}

void flush_tlb_mm(Mm* mm) {
  const page_table::FlushRecord record(mm);
  tlb::BroadcastContext(AsidToInvalidate(mm));
  record.DoneAll();
}

void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  const page_table::FlushRecord record(mm);
  tlb::BroadcastRange(AsidToInvalidate(mm), first, count);
  record.Done(first, count);
}

// A whole mm that goes needs no flush: its ASID is not given out again before a rollover.
void TlbFlush(MmuGather* tlb) {
  if (!tlb->fullmm) page_table::tlb_flush(tlb);
}

constexpr std::string_view kSwitchAreas[] = {"asid"};

}  // namespace

extern const Arch kArch = {
    .name = "arm64",
    .what = "ASIDs of generations, kept over a rollover while loaded; invalidation by broadcast",
    .switch_areas = kSwitchAreas,
    .boot = &asid_generations::Boot,
    .boot_mm = &asid_generations::InitContext,
    .switch_mm = &switch_mm,
    .destroy_context = &asid_generations::DestroyContext,
    .tlb_flush = &TlbFlush,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .uses_mm_cpumask = false,
    .spare_contexts = 1,  // a rollover reserves one for each CPU
    .context_number = &asid_generations::NumberOf,
    .context_valid = &asid_generations::Valid,
};

}  // namespace shootdown::kernel::arm64
