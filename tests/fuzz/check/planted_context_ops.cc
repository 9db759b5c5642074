// Planted: context numbers, and mm_cpumask. sparc64.

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/arch/sparc64/mmu_context.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"
#include "tests/fuzz/check/planted_op_kinds.h"

namespace shootdown::testing {
namespace {

using namespace shootdown::kernel;  // NOLINT(google-build-using-namespace): this is kernel code
using sim::Machine;

// ---- context numbers ----------------------------------------------------------------------------

void Load(Ctx ctx) {
  Machine& m = Machine::Get();
  m.SetIe(false);
  m.WriteSecondary(SHOOTDOWN_SITE("SECONDARY"), ctx);
  m.SetIe(true);
}

// The caller's mm gets the number of H's mm.
void TakeNumber(const BoundOp& op, bool flush) {
  Mm* const mm = READ_ONCE(current()->mm);
  const CtxValue ctx = READ_ONCE(MmOf(op)->context.sparc64_ctx_val);
  WRITE_ONCE(mm->context.sparc64_ctx_val, ctx);
  Load(ctx.number());
  if (flush) sparc64::__flush_tlb_mm(ctx.number());
}

void ReloadHandler(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (READ_ONCE(current()->mm) != mm) return;
  const Ctx number = READ_ONCE(mm->context.sparc64_ctx_val).number();
  Load(number);
  sparc64::__flush_tlb_mm(number);
  ATOMIC_RMW(mm->mm_cpumask, old.With(smp_processor_id()));
}

// The caller's mm gets a number that nobody has; with `tell`, the CPUs that run it are told.
void Renumber(bool tell) {
  Mm* const mm = READ_ONCE(current()->mm);
  const int pil = local_irq_save();
  this_cpu().in_switch = 1;
  spin_lock(&mm->context.lock);
  const CtxValue before = READ_ONCE(mm->context.sparc64_ctx_val);
  WRITE_ONCE(mm->context.sparc64_ctx_val, CtxValue{before.number().value()});  // version 0
  sparc64::get_new_mmu_context(mm);
  ReloadHandler(reinterpret_cast<std::uint64_t>(mm));
  this_cpu().in_switch = 0;
  spin_unlock(&mm->context.lock);
  local_irq_restore(pil);
  if (!tell) return;
  preempt_disable();
  smp_call_function_many(AllCpus(), &ReloadHandler, reinterpret_cast<std::uint64_t>(mm),
                         /*wait=*/true);
  preempt_enable();
}

// A wrap that takes along nobody (`revive` false), or everybody whom a CPU has loaded.
void Wrap(bool revive) {
  Kernel& k = Kernel::Get();
  ContextAllocator& context = k.globals->context;
  const int pil = local_irq_save();
  spin_lock(&context.ctx_alloc_lock);
  const CtxValue next{READ_ONCE(context.tlb_context_cache).version() + CtxValue::kFirstVersion};
  WRITE_ONCE(context.mmu_context_bmap, 1);
  WRITE_ONCE(context.tlb_context_cache, next);
  smp_mb();
  for (int cpu = 0; revive && cpu < k.machine().cpu_count(); ++cpu) {
    Mm* const mm = READ_ONCE(k.cpus[cpu].secondary_mm);
    if (mm == k.init_mm) continue;
    const Ctx number = READ_ONCE(mm->context.sparc64_ctx_val).number();
    WRITE_ONCE(context.mmu_context_bmap,
               READ_ONCE(context.mmu_context_bmap) | std::uint64_t{1} << number.value());
    WRITE_ONCE(mm->context.sparc64_ctx_val, CtxValue{next.bits | number.value()});
  }
  spin_unlock(&context.ctx_alloc_lock);
  local_irq_restore(pil);
}

void FreeNumberZero(const BoundOp& /*op*/) {
  ContextAllocator& context = Kernel::Get().globals->context;
  const int pil = local_irq_save();
  spin_lock(&context.ctx_alloc_lock);
  WRITE_ONCE(context.mmu_context_bmap, READ_ONCE(context.mmu_context_bmap) & ~std::uint64_t{1});
  spin_unlock(&context.ctx_alloc_lock);
  local_irq_restore(pil);
}

// The end of get_new_mmu_context, without the bitmap.
void RenumberUnmarked(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  ContextAllocator& context = Kernel::Get().globals->context;
  const int pil = local_irq_save();
  spin_lock(&context.ctx_alloc_lock);
  const CtxValue value{READ_ONCE(context.tlb_context_cache).bits + 1};
  WRITE_ONCE(context.tlb_context_cache, value);
  WRITE_ONCE(mm->context.sparc64_ctx_val, value);
  Tell({.kind = EventKind::kContextAssigned, .mm = mm});
  spin_unlock(&context.ctx_alloc_lock);
  local_irq_restore(pil);
}

// ---- mm_cpumask ---------------------------------------------------------------------------------

void SetMask(CpuBits bits, ClearReason reason) {
  Mm* const mm = READ_ONCE(current()->mm);
  const CpuBits before = READ_ONCE(mm->mm_cpumask);
  WRITE_ONCE(mm->mm_cpumask, bits);
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = before.bits & ~bits.bits,
        .b = static_cast<std::uint64_t>(reason)});
}

void WipeMask(const BoundOp& /*op*/) {
  SetMask(CpuBits{}.With(smp_processor_id()), ClearReason::kFlusher);
}

// A store of which no judge hears.
void WipeMaskSilently(const BoundOp& /*op*/) {
  Mm* const mm = READ_ONCE(current()->mm);
  WRITE_ONCE(mm->mm_cpumask, CpuBits{}.With(smp_processor_id()));
}

// As a lazy CPU would leave the mask: its own bit, interrupts off.
void LeaveMask(const BoundOp& op) {
  Mm* const mm = MmOf(op);
  const int cpu = smp_processor_id();
  local_irq_disable();
  const CpuBits before = ATOMIC_RMW(mm->mm_cpumask, old.Without(cpu));
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = before.bits & CpuBits{}.With(cpu).bits,
        .b = static_cast<std::uint64_t>(ClearReason::kSelf)});
  local_irq_enable();
}

}  // namespace

void RegisterPlantedContextOps() {
  OnObject<Holder>("planted_take_number",
                   [](const BoundOp& op) { TakeNumber(op, /*flush=*/false); });
  OnObject<Holder>("planted_take_number_and_flush",
                   [](const BoundOp& op) { TakeNumber(op, /*flush=*/true); });
  Plain("planted_renumber", [](const BoundOp&) { Renumber(/*tell=*/false); });
  Plain("planted_renumber_and_tell", [](const BoundOp&) { Renumber(/*tell=*/true); });
  Plain("planted_renumber_unmarked", &RenumberUnmarked);
  Plain("planted_wrap_alone", [](const BoundOp&) { Wrap(/*revive=*/false); });
  Plain("planted_wrap", [](const BoundOp&) { Wrap(/*revive=*/true); });
  Plain("planted_free_number_zero", &FreeNumberZero);

  Plain("planted_wipe_mask", &WipeMask);
  Plain("planted_wipe_mask_silently", &WipeMaskSilently);
  OnObject<Holder>("planted_leave_mask", &LeaveMask);
}

}  // namespace shootdown::testing
