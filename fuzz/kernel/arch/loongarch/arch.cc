// Source: Linux 6.12 arch/loongarch/include/asm/mmu_context.h, kernel/smp.c, mm/tlb.c.
#include "fuzz/kernel/arch/loongarch/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/percpu_asid.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::loongarch {
namespace {

using percpu_asid::cpu_asid;
using percpu_asid::get_new_mmu_context;

// As on mips: the only user takes the other CPUs' ASIDs away, and tells nobody.
enum FlushVersion { kTellMask, kZeroIfSingleUser };
VersionSwitch flush_version("loongarch.flush_tlb", {"tell_mask", "zero_if_single_user"},
                            "Linux 6.12 arch/loongarch/kernel/smp.c flush_tlb_mm, flush_tlb_range");

// mm_cpumask is read after the ptes are changed, but up to 6.12 nothing makes other CPUs see it so: one
// that switches to the mm may read the old pte, and its bit comes too late.
enum FenceVersion { kFence, kNoFence };
VersionSwitch fence_version("loongarch.flush_fence", {"smp_mb", "none"},
                            "Linux 6.12 arch/loongarch/kernel/smp.c flush_tlb_range");

void switch_mm_irqs_off(Mm* /*prev*/, Mm* next) {
  if (!percpu_asid::asid_valid(next)) get_new_mmu_context(next);
  percpu_asid::Load(next);
  ATOMIC_RMW(next->mm_cpumask, old.With(smp_processor_id()));
}

void ClearOwnBit(Mm* mm) {
  ATOMIC_RMW(mm->mm_cpumask, old.Without(smp_processor_id()));
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = CpuBits{}.With(smp_processor_id()).bits,
        .b = static_cast<std::uint64_t>(ClearReason::kSelf)});
}

// An mm that is loaded gets another number at once, any other when it is next switched to. IRQs off.
void drop_mmu_context(Mm* mm) {
  sim::Machine& m = sim::Machine::Get();
  const percpu_asid::Renumbering renumbering;
  if (m.secondary(m.cpu()) == cpu_asid(mm)) {
    Mm* const current_mm = READ_ONCE(current()->mm);
    if (current_mm == nullptr || current_mm == mm) {
      get_new_mmu_context(mm);
      m.WriteSecondary(SHOOTDOWN_SITE("ASID"), cpu_asid(mm));
      return;
    }
  }
  percpu_asid::set_cpu_context(mm, m.cpu(), 0);
  ClearOwnBit(mm);
}

void local_flush_tlb_mm(Mm* mm) {
  const int pil = local_irq_save();
  if (percpu_asid::asid_valid(mm)) {
    drop_mmu_context(mm);
  } else {
    ClearOwnBit(mm);
  }
  local_irq_restore(pil);
}

void local_flush_tlb_range(Mm* mm, VirtPage first, int count) {
  const int pil = local_irq_save();
  if (!percpu_asid::asid_valid(mm)) {
    ClearOwnBit(mm);
  } else if (count <= sim::Machine::Get().config().tlb_entries / 2) {
    tlb::LocalRange(cpu_asid(mm), first, count);
  } else {
    drop_mmu_context(mm);
  }
  local_irq_restore(pil);
}

void flush_tlb_mm_ipi(std::uint64_t info) { local_flush_tlb_mm(reinterpret_cast<Mm*>(info)); }
void flush_tlb_range_ipi(std::uint64_t info) {
  const auto* const fd = reinterpret_cast<const percpu_asid::FlushTlbData*>(info);
  local_flush_tlb_range(fd->mm, fd->first, fd->count);
}

// Calls f(info) on the CPUs of mm_cpumask (on_each_cpu_mask), or takes the others' ASIDs away and calls
// it here.
void FlushOn(Mm* mm, void (*f)(std::uint64_t), std::uint64_t info) {
  if (flush_version.value() == kTellMask || READ_ONCE(mm->mm_users) != 1 ||
      READ_ONCE(current()->mm) != mm) {
    if (fence_version.value() == kFence) smp_mb();
    const CpuBits mask = READ_ONCE(mm->mm_cpumask);
    smp_call_function_many(mask, f, info, /*wait=*/true);
    if (!mask.Has(smp_processor_id())) return;
  } else {
    percpu_asid::ZeroOthers(mm);
  }
  f(info);
}

void flush_tlb_mm(Mm* mm) {
  if (READ_ONCE(mm->mm_users) == 0) return;  // exit_mmap: its ASIDs are not given to others
  preempt_disable();
  const page_table::FlushRecord record(mm);
  FlushOn(mm, &flush_tlb_mm_ipi, reinterpret_cast<std::uint64_t>(mm));
  record.DoneAll();
  preempt_enable();
}

// flush_tlb_page() is the same with one page.
void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  const percpu_asid::FlushTlbData fd{.mm = mm, .first = first, .count = count};
  FlushOn(mm, &flush_tlb_range_ipi, reinterpret_cast<std::uint64_t>(&fd));
  record.Done(first, count);
  preempt_enable();
}

}  // namespace

extern const Arch kArch = {
    .name = "loongarch",
    .what = "an ASID on each CPU; flushes tell mm_cpumask, from which CPUs remove themselves",
    .boot = &percpu_asid::Boot,
    .boot_mm = &percpu_asid::InitContext,
    .switch_mm = &switch_mm_irqs_off,
    .destroy_context = &percpu_asid::DestroyContext,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .context_number = &percpu_asid::NumberOf,
    .context_valid = &percpu_asid::ValidOn,
};

}  // namespace shootdown::kernel::loongarch
