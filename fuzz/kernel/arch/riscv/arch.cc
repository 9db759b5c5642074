// Source: Linux 6.12 arch/riscv/mm/context.c, mm/tlbflush.c.
#include "fuzz/kernel/arch/riscv/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/asid_generations.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::riscv {
namespace {

// 82dd33fde026 (6.3): a CPU that leaves an mm keeps entries that are tagged with its ASID, and finds them
// when it comes back. So its bit has to stay.
enum MaskVersion { kKeepBit, kClearBit };
VersionSwitch mask_version("riscv.set_mm", {"keep_bit", "clear_bit"},
                           "82dd33fde026 riscv: asid: Fixup stale TLB entry cause application crash");

void switch_mm(Mm* prev, Mm* next) {
  if (prev == next) return;
  const int cpu = smp_processor_id();
  if (mask_version.value() == kClearBit) ATOMIC_RMW(prev->mm_cpumask, old.Without(cpu));
  ATOMIC_RMW(next->mm_cpumask, old.With(cpu));
  asid_generations::check_and_switch_context(next);
}

struct FlushData {
  Ctx asid;
  VirtPage first;
  int count;
};

void ipi_flush_tlb_asid(std::uint64_t info) { tlb::LocalContext(Ctx(static_cast<std::uint16_t>(info))); }
void ipi_flush_tlb_range(std::uint64_t info) {
  const auto* const fd = reinterpret_cast<const FlushData*>(info);
  tlb::LocalRange(fd->asid, fd->first, fd->count);
}

// on_each_cpu_mask(mm_cpumask(mm), ...).
void OnMask(Mm* mm, void (*f)(std::uint64_t), std::uint64_t info) {
  const CpuBits mask = READ_ONCE(mm->mm_cpumask);
  smp_call_function_many(mask, f, info, /*wait=*/true);
  if (mask.Has(smp_processor_id())) f(info);
}

void flush_tlb_mm(Mm* mm) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  OnMask(mm, &ipi_flush_tlb_asid, asid_generations::ASID(mm).value());
  record.DoneAll();
  preempt_enable();
}

void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  const FlushData fd{.asid = asid_generations::ASID(mm), .first = first, .count = count};
  OnMask(mm, &ipi_flush_tlb_range, reinterpret_cast<std::uint64_t>(&fd));
  record.Done(first, count);
  preempt_enable();
}

constexpr std::string_view kSwitchAreas[] = {"asid"};

}  // namespace

extern const Arch kArch = {
    .name = "riscv",
    .what = "ASIDs of generations as on arm64; flushes tell mm_cpumask",
    .switch_areas = kSwitchAreas,
    .boot = &asid_generations::Boot,
    .boot_mm = &asid_generations::InitContext,
    .switch_mm = &switch_mm,
    .destroy_context = &asid_generations::DestroyContext,
    .ptep_get_and_clear = &page_table::atomic::ptep_get_and_clear,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .spare_contexts = 1,  // a rollover reserves one for each CPU
    .context_number = &asid_generations::NumberOf,
    .context_valid = &asid_generations::Valid,
};

}  // namespace shootdown::kernel::riscv
