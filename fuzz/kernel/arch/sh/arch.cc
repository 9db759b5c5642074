// Source: Linux 6.12 arch/sh/include/asm/mmu_context.h, kernel/smp.c, mm/tlbflush_32.c.
#include "fuzz/kernel/arch/sh/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/percpu_asid.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::sh {
namespace {

using percpu_asid::cpu_context;
using percpu_asid::set_cpu_context;

constexpr std::uint64_t kNoContext = 0;

// As on mips: the only user takes the other CPUs' ASIDs away, and tells nobody.
enum FlushVersion { kTellAll, kZeroIfSingleUser };
VersionSwitch flush_version("sh.flush_tlb", {"tell_all", "zero_if_single_user"},
                            "Linux 6.12 arch/sh/kernel/smp.c flush_tlb_mm, flush_tlb_range");

// A CPU that borrows an mm loses its ASID by a flush, and keeps the old one loaded. Up to 6.12 a switch
// from the mm to itself, back from lazy TLB, does not look.
enum SwitchVersion { kCheckContext, kTrustPrev };
VersionSwitch switch_version("sh.switch_mm", {"check_context", "trust_prev"},
                             "Linux 6.12 arch/sh/include/asm/mmu_context.h switch_mm");

void activate_context(Mm* mm) {
  if (!percpu_asid::asid_valid(mm)) percpu_asid::get_new_mmu_context(mm);
  percpu_asid::Load(mm);
}

void switch_mm(Mm* prev, Mm* next) {
  const CpuBits before = ATOMIC_RMW(next->mm_cpumask, old.With(smp_processor_id()));
  if (prev != next || !before.Has(smp_processor_id()) || switch_version.value() == kCheckContext) {
    activate_context(next);
  }
}

// The mm's entries here are never used again: it gets another number, at once if it runs.
void DropContext(Mm* mm) {
  const percpu_asid::Renumbering renumbering;
  set_cpu_context(mm, smp_processor_id(), kNoContext);
  if (READ_ONCE(current()->mm) == mm) activate_context(mm);
}

void local_flush_tlb_mm(Mm* mm) {
  if (cpu_context(mm) == kNoContext) return;
  const int pil = local_irq_save();
  DropContext(mm);
  local_irq_restore(pil);
}

void local_flush_tlb_range(Mm* mm, VirtPage first, int count) {
  if (cpu_context(mm) == kNoContext) return;
  const int pil = local_irq_save();
  if (count > sim::Machine::Get().config().tlb_entries / 4) {
    DropContext(mm);
  } else {
    tlb::LocalRange(percpu_asid::cpu_asid(mm), first, count);
  }
  local_irq_restore(pil);
}

void flush_tlb_mm_ipi(std::uint64_t info) { local_flush_tlb_mm(reinterpret_cast<Mm*>(info)); }
void flush_tlb_range_ipi(std::uint64_t info) {
  const auto* const fd = reinterpret_cast<const percpu_asid::FlushTlbData*>(info);
  local_flush_tlb_range(fd->mm, fd->first, fd->count);
}

void smp_on_other_tlbs(Mm* mm, void (*ipi)(std::uint64_t), std::uint64_t info) {
  percpu_asid::smp_on_other_tlbs(mm, flush_version.value() == kZeroIfSingleUser, ipi, info);
}

void flush_tlb_mm(Mm* mm) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  smp_on_other_tlbs(mm, &flush_tlb_mm_ipi, reinterpret_cast<std::uint64_t>(mm));
  local_flush_tlb_mm(mm);
  record.DoneAll();
  preempt_enable();
}

// flush_tlb_page() is the same with one page.
void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  const percpu_asid::FlushTlbData fd{.mm = mm, .first = first, .count = count};
  smp_on_other_tlbs(mm, &flush_tlb_range_ipi, reinterpret_cast<std::uint64_t>(&fd));
  local_flush_tlb_range(mm, first, count);
  record.Done(first, count);
  preempt_enable();
}

}  // namespace

extern const Arch kArch = {
    .name = "sh",
    .what = "an ASID on each CPU; a switch from an mm to itself may trust what is loaded",
    .boot = &percpu_asid::Boot,
    .boot_mm = &percpu_asid::InitContext,
    .switch_mm = &switch_mm,
    .destroy_context = &percpu_asid::DestroyContext,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .context_number = &percpu_asid::NumberOf,
    .context_valid = &percpu_asid::ValidOn,
};

}  // namespace shootdown::kernel::sh
