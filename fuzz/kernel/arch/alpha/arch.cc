// Source: Linux 6.1 and 6.12 arch/alpha/include/asm/mmu_context.h (ev5), tlbflush.h, kernel/smp.c.
// Registers are loaded in switch_mm, where Linux leaves most of it to switch_to; so there is no asn_lock.
#include "fuzz/kernel/arch/alpha/arch.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/percpu_asid.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::alpha {
namespace {

// Up to 6.1: with one user left the caller takes the other CPUs' ASNs away, and tells nobody; told, a
// CPU looks at active_mm. In 6.12.117: told if they have an ASN of the mm, and they look at mm.
enum FlushVersion { kTellOwners, kZeroIfSingleUser };
VersionSwitch flush_version("alpha.flush_tlb", {"tell_owners", "zero_if_single_user"},
                            "Linux 6.12.117 and 6.1 arch/alpha/kernel/smp.c flush_tlb_mm");

void __load_new_mm_context(Mm* mm) {
  percpu_asid::get_new_mmu_context(mm);
  percpu_asid::Load(mm);
  smp_mb();  // call_pal swpctx
}

void switch_mm(Mm* /*prev*/, Mm* next) {
  if (!percpu_asid::asid_valid(next)) percpu_asid::get_new_mmu_context(next);
  percpu_asid::Load(next);
  smp_mb();  // call_pal swpctx
}

void flush_tlb_current(Mm* mm) {
  const percpu_asid::Renumbering renumbering;
  __load_new_mm_context(mm);
}

// tbi: of the ASN that is loaded, whosever it is.
void flush_tlb_current_page(VirtPage va) {
  sim::Machine& m = sim::Machine::Get();
  tlb::LocalPage(m.secondary(m.cpu()), va);
}

void flush_tlb_other(Mm* mm) {
  if (percpu_asid::cpu_context(mm) != 0) percpu_asid::set_cpu_context(mm, smp_processor_id(), 0);
}

// The mm that this CPU is taken to have loaded.
Mm* LoadedMm() {
  return flush_version.value() == kTellOwners ? READ_ONCE(current()->mm)
                                              : READ_ONCE(current()->active_mm);
}

struct FlushPage {
  Mm* mm;
  VirtPage va;
};

void ipi_flush_tlb_mm(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (LoadedMm() == mm) {
    flush_tlb_current(mm);
  } else {
    flush_tlb_other(mm);
  }
}

void ipi_flush_tlb_page(std::uint64_t info) {
  const auto* const data = reinterpret_cast<const FlushPage*>(info);
  if (LoadedMm() == data->mm) {
    flush_tlb_current_page(data->va);
  } else {
    flush_tlb_other(data->mm);
  }
}

bool SomebodyElseHasAnAsn(Mm* mm) {
  smp_mb();  // the ptes are changed before ASNs are looked at
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    if (cpu != smp_processor_id() && percpu_asid::cpu_context_of(mm, cpu) != 0) return true;
  }
  return false;
}

// Here, with interrupts off, and on the other CPUs; or here, and the others' ASNs go.
void FlushOn(Mm* mm, void (*ipi)(std::uint64_t), std::uint64_t info) {
  const int pil = local_irq_save();
  const bool loaded = LoadedMm() == mm;
  if (loaded || flush_version.value() == kTellOwners) ipi(info);
  local_irq_restore(pil);
  if (flush_version.value() == kTellOwners) {
    if (SomebodyElseHasAnAsn(mm)) smp_call_function_many(AllCpus(), ipi, info, /*wait=*/true);
  } else if (loaded && READ_ONCE(mm->mm_users) <= 1) {
    percpu_asid::ZeroOthers(mm);
  } else {
    smp_call_function_many(AllCpus(), ipi, info, /*wait=*/true);
  }
}

void flush_tlb_mm(Mm* mm) {
  preempt_disable();
  const page_table::FlushRecord record(mm);
  FlushOn(mm, &ipi_flush_tlb_mm, reinterpret_cast<std::uint64_t>(mm));
  record.DoneAll();
  preempt_enable();
}

// flush_tlb_page() for one page; a range is always the whole mm.
void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  if (count > 1) return alpha::flush_tlb_mm(mm);
  preempt_disable();
  const page_table::FlushRecord record(mm);
  const FlushPage data{.mm = mm, .va = first};
  FlushOn(mm, &ipi_flush_tlb_page, reinterpret_cast<std::uint64_t>(&data));
  record.Done(first, 1);
  preempt_enable();
}

}  // namespace

extern const Arch kArch = {
    .name = "alpha",
    .what = "an ASN on each CPU; a CPU that is told flushes what it has loaded",
    .boot = &percpu_asid::Boot,
    .boot_mm = &percpu_asid::InitContext,
    .switch_mm = &switch_mm,
    .destroy_context = &percpu_asid::DestroyContext,
    .flush_tlb_mm = &flush_tlb_mm,
    .flush_tlb_range = &flush_tlb_range,
    .uses_mm_cpumask = false,
    .context_number = &percpu_asid::NumberOf,
    .context_valid = &percpu_asid::ValidOn,
};

}  // namespace shootdown::kernel::alpha
