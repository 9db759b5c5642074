// Source: Linux 6.12 arch/sparc/mm/srmmu.c, include/asm/switch_to_32.h. An mm keeps its context number
// for life; Linux takes one from another mm when there are no more.
#include "fuzz/kernel/arch/sparc32/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::sparc32 {
namespace {

// Up to 6.12 the only user of an mm makes mm_cpumask its own bit, after the other CPUs have flushed.
enum FlushVersion { kKeepMask, kTrimIfSingleUser };
VersionSwitch flush_version("sparc32.flush_tlb_mm", {"keep_mask", "trim_if_single_user"},
                            "Linux 6.12 arch/sparc/mm/srmmu.c smp_flush_tlb_mm");

// Up to 6.12 a bit is set by switch_to(), for the mm that the next task has. kthread_use_mm() comes to an
// mm without switch_to().
enum MaskVersion { kInSwitchMm, kInSwitchTo };
VersionSwitch mask_version("sparc32.mm_cpumask", {"set_in_switch_mm", "set_in_switch_to"},
                           "Linux 6.12 arch/sparc/include/asm/switch_to_32.h switch_to");

Ctx NumberOf(const Mm* mm) { return Ctx(static_cast<std::uint16_t>(mm->id)); }

void SetOwnBit(Mm* mm) { ATOMIC_RMW(mm->mm_cpumask, old.With(smp_processor_id())); }

void switch_mm(Mm* /*prev*/, Mm* next) {
  if (mask_version.value() == kInSwitchMm) SetOwnBit(next);
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("srmmu_set_context"), NumberOf(next));
  this_cpu().pgd_paddr = next->pgd;
  this_cpu().hardware_mm = next;
}

void switch_to(Task* next) {
  if (mask_version.value() == kInSwitchTo) SetOwnBit(READ_ONCE(next->active_mm));
}

struct FlushData {
  Mm* mm;
  VirtPage first;
  int count;
};

void local_flush_tlb_mm(std::uint64_t info) {
  tlb::LocalContext(NumberOf(reinterpret_cast<const Mm*>(info)));
}
void local_flush_tlb_range(std::uint64_t info) {
  const auto* const fd = reinterpret_cast<const FlushData*>(info);
  tlb::LocalRange(NumberOf(fd->mm), fd->first, fd->count);
}

// xc1(), xc3(): a cross call of the highest level, and the sender waits until it has been executed. Here
// it is an ordinary call function. All CPUs are told if mm_cpumask has any other; nobody else looks who.
// True: they were.
bool CrossCall(Mm* mm, void (*f)(std::uint64_t), std::uint64_t info) {
  const CpuBits others = READ_ONCE(mm->mm_cpumask).Without(smp_processor_id());
  if (others.bits == 0) return false;
  smp_call_function_many(AllCpus(), f, info, /*wait=*/true);
  return true;
}

void smp_flush_tlb_mm(Mm* mm) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  const auto info = reinterpret_cast<std::uint64_t>(mm);
  if (CrossCall(mm, &local_flush_tlb_mm, info) && flush_version.value() == kTrimIfSingleUser &&
      READ_ONCE(mm->mm_users) == 1 && READ_ONCE(current()->active_mm) == mm) {
    const CpuBits before = mm->mm_cpumask.Peek();
    sim::Learn(before.bits);
    WRITE_ONCE(mm->mm_cpumask, CpuBits{}.With(smp_processor_id()));
    Tell({.kind = EventKind::kMaskCleared,
          .mm = mm,
          .a = before.Without(smp_processor_id()).bits,
          .b = static_cast<std::uint64_t>(ClearReason::kFlusher)});
  }
  local_flush_tlb_mm(info);
  record.DoneAll();
  preempt_enable();
}

// smp_flush_tlb_page() is the same with one page.
void smp_flush_tlb_range(Mm* mm, VirtPage first, int count) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  const FlushData fd{.mm = mm, .first = first, .count = count};
  (void)CrossCall(mm, &local_flush_tlb_range, reinterpret_cast<std::uint64_t>(&fd));
  local_flush_tlb_range(reinterpret_cast<std::uint64_t>(&fd));
  record.Done(first, count);
  preempt_enable();
}

}  // namespace

extern const Arch kArch = {
    .name = "sparc32",
    .what = "SRMMU: one context number an mm; flushes tell all CPUs or none, and may trim mm_cpumask",
    .boot = [](Kernel& /*kernel*/) {},
    .boot_mm = [](Kernel& /*kernel*/, Mm* /*mm*/) {},
    .switch_mm = &switch_mm,
    .switch_to = &switch_to,
    .destroy_context = [](Mm* /*mm*/) {},
    .ptep_get_and_clear = &page_table::atomic::ptep_get_and_clear,
    .flush_tlb_mm = &smp_flush_tlb_mm,
    .flush_tlb_range = &smp_flush_tlb_range,
    .context_number = [](const Mm* mm, int /*cpu*/) { return NumberOf(mm); },
    .context_valid = [](const Mm* /*mm*/, int /*cpu*/) { return true; },
};

}  // namespace shootdown::kernel::sparc32
