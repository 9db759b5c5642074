// Source: Linux 6.12 arch/mips/include/asm/mmu_context.h, kernel/smp.c, mm/tlb-r4k.c; without MMIDs.
#include "fuzz/kernel/arch/mips/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/percpu_asid.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::mips {
namespace {

using percpu_asid::cpu_asid;
using percpu_asid::cpu_context;
using percpu_asid::get_new_mmu_context;

// Up to 6.12: if the caller is the mm's only user, other CPUs are not told; their ASIDs of the mm are
// taken away, for whenever they switch to it. One that runs the mm by then keeps the loaded one.
enum FlushVersion { kTellAll, kZeroIfSingleUser };
VersionSwitch flush_version("mips.flush_tlb", {"tell_all", "zero_if_single_user"},
                            "Linux 6.12 arch/mips/kernel/smp.c flush_tlb_mm, flush_tlb_range");

void switch_mm(Mm* prev, Mm* next) {
  const int cpu = smp_processor_id();
  const int pil = local_irq_save();
  if (!percpu_asid::asid_valid(next)) get_new_mmu_context(next);
  percpu_asid::Load(next);
  ATOMIC_RMW(prev->mm_cpumask, old.Without(cpu));
  ATOMIC_RMW(next->mm_cpumask, old.With(cpu));
  local_irq_restore(pil);
}

// An mm that is loaded gets another number at once, any other when it is next switched to.
void drop_mmu_context(Mm* mm) {
  const int pil = local_irq_save();
  if (cpu_context(mm) != 0) {
    const percpu_asid::Renumbering renumbering;
    if (READ_ONCE(mm->mm_cpumask).Has(smp_processor_id())) {
      get_new_mmu_context(mm);
      sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("ASID"), cpu_asid(mm));
    } else {
      percpu_asid::set_cpu_context(mm, smp_processor_id(), 0);
    }
  }
  local_irq_restore(pil);
}

void local_flush_tlb_range(Mm* mm, VirtPage first, int count) {
  if (cpu_context(mm) == 0) return;
  const int pil = local_irq_save();
  if (count <= sim::Machine::Get().config().tlb_entries / 2) {
    tlb::LocalRange(cpu_asid(mm), first, count);
  } else {
    drop_mmu_context(mm);
  }
  local_irq_restore(pil);
}

void flush_tlb_mm_ipi(std::uint64_t info) { drop_mmu_context(reinterpret_cast<Mm*>(info)); }
void flush_tlb_range_ipi(std::uint64_t info) {
  const auto* const fd = reinterpret_cast<const percpu_asid::FlushTlbData*>(info);
  local_flush_tlb_range(fd->mm, fd->first, fd->count);
}

void smp_on_other_tlbs(Mm* mm, void (*ipi)(std::uint64_t), std::uint64_t info) {
  percpu_asid::smp_on_other_tlbs(mm, flush_version.value() == kZeroIfSingleUser, ipi, info);
}

void flush_tlb_mm(Mm* mm) {
  if (READ_ONCE(mm->mm_users) == 0) return;  // exit_mmap: its ASIDs are not given to others
  preempt_disable();
  const page_table::FlushRecord record(mm);
  smp_on_other_tlbs(mm, &flush_tlb_mm_ipi, reinterpret_cast<std::uint64_t>(mm));
  drop_mmu_context(mm);
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
    .name = "mips",
    .what = "an ASID on each CPU; flushes tell all CPUs, or take their ASIDs away",
    .boot = &percpu_asid::Boot,
    .boot_mm = &percpu_asid::InitContext,
    .switch_mm = &switch_mm,
    .destroy_context = &percpu_asid::DestroyContext,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .context_number = &percpu_asid::NumberOf,
    .context_valid = &percpu_asid::ValidOn,
};

}  // namespace shootdown::kernel::mips
