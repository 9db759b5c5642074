// Source: Linux 2.6.21, 2.6.22, 3.10 and 6.12 arch/arm/include/asm/mmu_context.h, tlbflush.h, mm/context.c.
// Broadcast takes the place of IPIs to mm_cpumask, as on machines with the multiprocessing
// extensions.
#include "fuzz/kernel/arch/arm/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/arm/asid_versions.h"
#include "fuzz/kernel/arch/asid_generations.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::arm {
namespace {

// 8678c1f04277 (2.6.22): a switch from an mm to itself, as when a CPU that has only borrowed it
// comes back, loads nothing; so a number that the mm has got elsewhere must take the CPU's bit
// away. Its message says that a thread which runs while another gets the number is not helped.
// b5466f872852 (3.7) has the mm keep its number then.
enum AsidVersion { kReserveActive, kResetMask, kKeepMask };
VersionSwitch asid_version(
    "arm.asid", {"reserve_active", "reset_mask", "keep_mask"},
    "8678c1f04277 [ARM] Fix ASID version switch; b5466f872852 ARM: mm: remove IPI "
    "broadcasting on ASID rollover");

bool Generations() { return asid_version.value() == kReserveActive; }

void Boot(Kernel& kernel) {
  return Generations() ? asid_generations::Boot(kernel) : asid_versions::Boot(kernel);
}
void BootMm(Kernel& kernel, Mm* mm) {
  return Generations() ? asid_generations::InitContext(kernel, mm)
                       : asid_versions::InitContext(kernel, mm);
}
void DestroyContext(Mm* mm) {
  return Generations() ? asid_generations::DestroyContext(mm) : asid_versions::DestroyContext(mm);
}
Ctx ASID(Mm* mm) { return Generations() ? asid_generations::ASID(mm) : asid_versions::ASID(mm); }

void cpu_switch_mm(Mm* mm) {
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("CONTEXTIDR"), ASID(mm));
  this_cpu().pgd_paddr = mm->pgd;
  this_cpu().hardware_mm = mm;
}

void switch_mm(Mm* prev, Mm* next) {
  const int cpu = smp_processor_id();
  const bool had_bit = ATOMIC_RMW(next->mm_cpumask, old.With(cpu)).Has(cpu);
  if (prev == next && (had_bit || asid_version.value() == kKeepMask)) return;
  if (Generations()) return asid_generations::check_and_switch_context(next);
  asid_versions::check_context(next, asid_version.value() == kResetMask
                                         ? asid_versions::Mask::kResetToThisCpu
                                         : asid_versions::Mask::kKeep);
  cpu_switch_mm(next);
}

void flush_tlb_mm(Mm* mm) {
  const page_table::FlushRecord record(mm);
  smp_mb();  // dsb
  tlb::BroadcastContext(ASID(mm));
  record.DoneAll();
}

void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  const page_table::FlushRecord record(mm);
  smp_mb();  // dsb
  tlb::BroadcastRange(ASID(mm), first, count);
  record.Done(first, count);
}

constexpr std::string_view kSwitchAreas[] = {"asid"};

}  // namespace

extern const Arch kArch = {
    .name = "arm",
    .what =
        "ASIDs of generations as on arm64, or of versions as before 2012; invalidation by "
        "broadcast",
    .switch_areas = kSwitchAreas,
    .boot = &Boot,
    .boot_mm = &BootMm,
    .switch_mm = &switch_mm,
    .destroy_context = &DestroyContext,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .uses_mm_cpumask = false,
    .spare_contexts = 1,  // a rollover reserves one for each CPU
    .context_number =
        [](const Mm* mm, int cpu) {
          return Generations() ? asid_generations::NumberOf(mm, cpu)
                               : asid_versions::NumberOf(mm, cpu);
        },
    .context_valid =
        [](const Mm* mm, int cpu) {
          return Generations() ? asid_generations::Valid(mm, cpu) : asid_versions::Valid(mm, cpu);
        },
};

}  // namespace shootdown::kernel::arm
