#include "fuzz/kernel/arch/percpu_asid.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/smp_call.h"

namespace shootdown::kernel::percpu_asid {
namespace {

struct Slot {
  Cell<std::uint64_t> context;
  std::uint64_t latest = 0;  // ghost: the value stored last, also if it is in a store buffer still
};

// cpu_data[cpu].asid_cache: version, and the number given out last. The CPU's own.
struct Cpu {
  std::uint64_t asid_cache = 0;
};

Slot& SlotOf(const Mm* mm, int cpu) { return static_cast<Slot*>(mm->context.other)[cpu]; }
std::uint64_t& asid_cache() { return static_cast<Cpu*>(this_cpu().arch_data)->asid_cache; }

// Numbers are the low bits; context_count is a power of two.
std::uint64_t AsidMask() {
  return static_cast<std::uint64_t>(sim::Machine::Get().config().context_count) - 1;
}
Ctx NumberIn(std::uint64_t context) {
  return Ctx(static_cast<std::uint16_t>(context & AsidMask()));
}
bool OfVersion(std::uint64_t context, std::uint64_t cache) {
  return ((context ^ cache) & ~AsidMask()) == 0;
}

}  // namespace

void Boot(Kernel& kernel) {
  sim::Machine& m = kernel.machine();
  auto* const cpus = m.arena().Alloc<Cpu>("cpu_data", static_cast<std::size_t>(m.cpu_count()));
  for (int c = 0; c < m.cpu_count(); ++c) {
    cpus[c].asid_cache = AsidMask() + 1;  // the first version; 0 is none
    kernel.cpus[c].arch_data = &cpus[c];
  }
  InitContext(kernel, kernel.init_mm);
}

void InitContext(Kernel& kernel, Mm* mm) {
  sim::Machine& m = kernel.machine();
  mm->context.other = m.arena().Alloc<Slot>("mm" + std::to_string(mm->id) + ".context",
                                            static_cast<std::size_t>(m.cpu_count()));
}

void DestroyContext(Mm* mm) {
  sim::Machine& m = sim::Machine::Get();
  for (int c = 0; c < m.cpu_count(); ++c) {
    m.Poison(&SlotOf(mm, c).context, sizeof(SlotOf(mm, c).context));
  }
}

std::uint64_t cpu_context(Mm* mm) { return cpu_context_of(mm, smp_processor_id()); }

std::uint64_t cpu_context_of(Mm* mm, int cpu) {
  const auto& [cpu_context, latest] = SlotOf(mm, cpu);
  return READ_ONCE(cpu_context);
}

void set_cpu_context(Mm* mm, int cpu, std::uint64_t value) {
  auto& [cpu_context, latest] = SlotOf(mm, cpu);
  WRITE_ONCE(cpu_context, value);
  latest = value;
}

Ctx cpu_asid(Mm* mm) { return NumberIn(cpu_context(mm)); }

bool asid_valid(Mm* mm) { return OfVersion(cpu_context(mm), asid_cache()); }

void get_new_mmu_context(Mm* mm) {
  const std::uint64_t asid = ++asid_cache();
  if ((asid & AsidMask()) == 0) tlb::LocalAll();
  set_cpu_context(mm, smp_processor_id(), asid);
}

void ZeroOthers(Mm* mm) {
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    if (cpu != smp_processor_id() && cpu_context_of(mm, cpu) != 0) set_cpu_context(mm, cpu, 0);
  }
}

void smp_on_other_tlbs(Mm* mm, bool zero_if_single_user, void (*ipi)(std::uint64_t),
                       std::uint64_t info) {
  if (zero_if_single_user && READ_ONCE(mm->mm_users) == 1 && READ_ONCE(current()->mm) == mm) {
    ZeroOthers(mm);
  } else {
    smp_call_function_many(AllCpus(), ipi, info, /*wait=*/true);
  }
}

void Load(Mm* mm) {
  const Ctx asid = cpu_asid(mm);
  sim::Machine::Get().WriteSecondary(SHOOTDOWN_SITE("ASID"), asid);
  this_cpu().pgd_paddr = mm->pgd;
  this_cpu().hardware_mm = mm;
}

Ctx NumberOf(const Mm* mm, int cpu) { return NumberIn(SlotOf(mm, cpu).latest); }

bool ValidOn(const Mm* mm, int cpu) {
  return OfVersion(SlotOf(mm, cpu).latest,
                   static_cast<const Cpu*>(Kernel::Get().cpus[cpu].arch_data)->asid_cache);
}

}  // namespace shootdown::kernel::percpu_asid
