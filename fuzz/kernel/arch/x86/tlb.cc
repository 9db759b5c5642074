#include "fuzz/kernel/arch/x86/tlb.h"

#include <algorithm>

#include "fuzz/kernel/arch/x86/kvm_guest.h"
#include "fuzz/kernel/arch/x86/mmu_context.h"
#include "fuzz/kernel/arch/x86/state.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::x86 {
namespace {

// 71b3c126e611 (4.5): between the change of a pte and the look at mm_cpumask a full fence, also where
// the flusher does not run on the mm. Since 4.14 the count of flushes is that fence.
enum BarrierVersion { kCountIsBarrier, kNoBarrier };
VersionSwitch barrier_version("x86.flush_barrier", {"tlb_gen", "none"},
                              "71b3c126e611 x86/mm: Add barriers and document switch_mm()-vs-flush "
                              "synchronization");

struct FlushTlbInfo {
  Mm* mm;  // null: whatever is loaded
  int first;
  int last;
  std::uint64_t new_tlb_gen;
  [[nodiscard]] bool everything() const { return first == 0 && last == kVirtPageCount; }
};

std::uint64_t inc_mm_tlb_gen(Mm* mm) {
  Cell<std::uint64_t>& tlb_gen = context(mm).tlb_gen;
  if (barrier_version.value() == kNoBarrier) {
    const std::uint64_t next = READ_ONCE(tlb_gen) + 1;
    WRITE_ONCE(tlb_gen, next);
    return next;
  }
  return ATOMIC_RMW(tlb_gen, old + 1) + 1;
}

// INVLPG drops paging-structure caches as well (Intel SDM volume 3A, 4.10.4.1).
void invlpg(VirtPage va) {
  sim::Machine& m = sim::Machine::Get();
  m.Action(SHOOTDOWN_SITE_AS("invlpg", &FormatVirtPage, "invlpg of page *"),
           sim::StepKind::kDemap, va.value());
  m.tlb().DemapPage(m.secondary(m.cpu()), va);
  for (CachedPmd& pmd : cpu_tlbstate().pmds) pmd = CachedPmd();
}

void local_flush_tlb() {
  sim::Machine& m = sim::Machine::Get();
  m.Action(SHOOTDOWN_SITE_AS("write CR3", &sim::FormatNumber,
                             "write CR3, which empties this TLB"),
           sim::StepKind::kDemap, m.secondary(m.cpu()).value());
  DropTranslations();
}

// IRQs off.
void flush_tlb_func_common(const FlushTlbInfo& f) {
  Mm* const init_mm = Kernel::Get().init_mm;
  TlbState& state = cpu_tlbstate();
  Mm* const loaded_mm = READ_ONCE(state.loaded_mm);
  if (loaded_mm == init_mm) return;
  const std::uint64_t mm_tlb_gen = READ_ONCE(context(loaded_mm).tlb_gen);
  if (READ_ONCE(state.is_lazy) != 0) {
    // No flush in that version: a kernel thread that flushes the mm it has borrowed.
    if (lazy_version() != kNoIpi) switch_mm_irqs_off(init_mm);
    return;
  }
  if (state.tlb_gen == mm_tlb_gen) return;  // another flush has taken this one along
  if (!f.everything() && f.new_tlb_gen == state.tlb_gen + 1 && f.new_tlb_gen == mm_tlb_gen) {
    for (int va = f.first; va < f.last; ++va) invlpg(VirtPage(static_cast<std::uint8_t>(va)));
  } else {
    local_flush_tlb();
  }
  state.tlb_gen = mm_tlb_gen;
}

// Call function handler. The sender waits, so its request stays.
void flush_tlb_func_remote(std::uint64_t info) {
  const auto* const f = reinterpret_cast<const FlushTlbInfo*>(info);
  if (f->mm != nullptr && f->mm != READ_ONCE(cpu_tlbstate().loaded_mm)) return;
  flush_tlb_func_common(*f);
}

void FlushHere(const FlushTlbInfo& f) {
  const int pil = local_irq_save();
  flush_tlb_func_common(f);
  local_irq_restore(pil);
}

void native_flush_tlb_others(CpuBits mask, const FlushTlbInfo& info, bool freed_tables) {
  CpuBits targets = mask.Without(smp_processor_id());
  if (!freed_tables && lazy_version() == kLazier) {
    for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
      if (!targets.Has(cpu)) continue;
      // tlb_is_not_lazy: what a lazy CPU has is useless until it looks at the generation.
      const bool flush = looks_at_loaded_mm() ? should_flush_tlb(cpu, info.mm)
                                              : READ_ONCE(cpu_tlbstate(cpu).is_lazy) == 0;
      if (!flush) targets = targets.Without(cpu);
    }
  }
  targets = kvm_flush_tlb_others(targets);
  smp_call_function_many(targets, &flush_tlb_func_remote, reinterpret_cast<std::uint64_t>(&info),
                         /*wait=*/true);
}

}  // namespace

void DropTranslations() {
  sim::Machine::Get().tlb().DemapAll();
  for (CachedPmd& pmd : cpu_tlbstate().pmds) pmd = CachedPmd();
}

void flush_tlb_mm_range(Mm* mm, int first, int last, bool freed_tables) {
  preempt_disable();
  std::uint64_t change[kVirtPageCount];
  std::copy_n(mm->pte_change, kVirtPageCount, change);
  for (const std::uint64_t number : change) sim::Learn(number);
  const FlushTlbInfo info{
      .mm = mm, .first = first, .last = last, .new_tlb_gen = inc_mm_tlb_gen(mm)};
  if (mm == READ_ONCE(cpu_tlbstate().loaded_mm)) FlushHere(info);
  const CpuBits mask = READ_ONCE(mm->mm_cpumask);
  if (mask.Without(smp_processor_id()).bits != 0) native_flush_tlb_others(mask, info, freed_tables);
  // Everything changed before is gone from all TLBs now (T2).
  for (int va = first; va < last; ++va) mm->flushed[va] = std::max(mm->flushed[va], change[va]);
  preempt_enable();
}

void flush_tlb_mm(Mm* mm) { flush_tlb_mm_range(mm, 0, kVirtPageCount, /*freed_tables=*/true); }

void flush_tlb_range(Mm* mm, VirtPage first, int count) {
  flush_tlb_mm_range(mm, first.value(), first.value() + count, /*freed_tables=*/false);
}

void tlb_flush(MmuGather* tlb) {
  const bool all = tlb->fullmm || tlb->first >= tlb->last;
  flush_tlb_mm_range(tlb->mm, all ? 0 : tlb->first, all ? kVirtPageCount : tlb->last,
                     tlb->freed_tables);
}

void arch_tlbbatch_add_mm(CpuBits* batch, Mm* mm) {
  (void)inc_mm_tlb_gen(mm);
  batch->bits |= READ_ONCE(mm->mm_cpumask).bits;
}

void arch_tlbbatch_flush(CpuBits* batch) {
  preempt_disable();
  const FlushTlbInfo info{.mm = nullptr, .first = 0, .last = kVirtPageCount, .new_tlb_gen = 0};
  if (batch->Has(smp_processor_id())) FlushHere(info);
  if (batch->Without(smp_processor_id()).bits != 0) {
    native_flush_tlb_others(*batch, info, /*freed_tables=*/false);
  }
  *batch = CpuBits{};
  preempt_enable();
}

}  // namespace shootdown::kernel::x86
