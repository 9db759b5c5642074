#include "fuzz/kernel/arch/sparc64/trim.h"

#include <bit>

#include "fuzz/kernel/arch/sparc64/mmu_context.h"
#include "fuzz/kernel/arch/sparc64/smp.h"
#include "fuzz/kernel/arch/sparc64/tlb.h"
#include "fuzz/kernel/arch/sparc64/window.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel::sparc64 {
namespace {

// Instead of addresses: the whole context goes.
constexpr std::uint64_t kWholeContext = kVirtPageCount + 1;
// One flush in so many of a CPU trims although others use the mm (powerpc 9393544842d6 has 1,073).
constexpr std::uint64_t kTrimEvery = 3;

struct WrongTrim : VersionSwitch {
  WrongTrim(std::string_view name, std::initializer_list<std::string_view> values, std::string_view source)
      : VersionSwitch(name, values, source, "sparc64.flush = ipi_trim") {}
};
bool On(const WrongTrim& s) { return s.value() != 0; }

WrongTrim w1("trim.W1", {"off", "on"},
                 "wrong: the flusher resets mm_cpumask to itself, as before bafb056ce279");
WrongTrim w2("trim.W2", {"off", "on"},
                 "wrong: the handler takes a CPU that runs the mm for the sender (0cef77c7798a)");
WrongTrim w3("trim.W3", {"off", "on"},
                 "wrong: the handler clears the bit of a CPU that runs the mm");
WrongTrim w4("trim.W4", {"off", "on"}, "wrong: the handler is a cross call at trap level 1");
WrongTrim w6("trim.W6", {"off", "on"},
                 "wrong: lazy CPUs stay on the mm, and switch_mm has a short cut for prev == next");
enum LazyCount { kCounted, kNoGrab, kNoDrop, kDoubleDrop };
WrongTrim w7("trim.W7", {"off", "no_grab", "no_drop", "double_drop"},
                 "wrong: the counts of init_mm and of the mm that is left");
WrongTrim w8("trim.W8", {"off", "on"},
                 "wrong: switch_mm to init_mm, which leaves the hardware on the mm");
WrongTrim w9("trim.W9", {"off", "on"}, "wrong: the own bit is cleared by a load and a store");
WrongTrim w10(
    "trim.W10", {"off", "on"},
    "wrong: a CPU that was alone after one trim is taken to be alone at the next flush");
WrongTrim w11("trim.W11", {"off", "on"}, "wrong: the flusher does not wait for the handlers");
WrongTrim w12(
    "trim.W12", {"off", "on"},
    "wrong: no fence between the pte and mm_cpumask, the TSB is flushed without a lock");
WrongTrim w13("trim.W13", {"off", "on"},
                  "wrong: the bit goes before the CPU has left, with interrupts on");
WrongTrim w14("trim.W14", {"off", "on"},
                  "wrong: smp_flush_tlb_mm trims, under ctx_alloc_lock with interrupts off");
WrongTrim w15("trim.W15", {"off", "on"},
                  "wrong: a counter of active CPUs goes down twice for two trims (780de40601aa)");
WrongTrim w16("trim.W16", {"off", "on"}, "wrong: nobody is told if all others are lazy");
WrongTrim w17("trim.W17", {"off", "on"},
                  "wrong: all flushers share one argument (f36391d2790d is alike)");

void TellCleared(Mm* mm, std::uint64_t bits, ClearReason reason) {
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = bits,
        .b = static_cast<std::uint64_t>(reason)});
}

void ClearOwnBit(Mm* mm) {
  const int cpu = smp_processor_id();
  // Without a look whether another flusher's handler has been here first.
  if (On(w15)) ATOMIC_RMW(mm->context.active_cpus, old - 1);
  const CpuBits mask = READ_ONCE(mm->mm_cpumask);
  if (!mask.Has(cpu)) return;
  if (On(w9)) {
    WRITE_ONCE(mm->mm_cpumask, mask.Without(cpu));
  } else {
    ATOMIC_RMW(mm->mm_cpumask, old.Without(cpu));
  }
  TellCleared(mm, CpuBits{}.With(cpu).bits, ClearReason::kSelf);
}

// This CPU has `mm` loaded, and no task that uses it.
void LeaveLazyMm(Mm* mm) {
  Task* const tsk = current();
  Mm* const init_mm = Kernel::Get().init_mm;
  // A task that has got its next mm already, but not into the hardware, holds no reference here.
  const bool borrowed = READ_ONCE(tsk->active_mm) == mm;
  if (borrowed) {
    if (w7.value() != kNoGrab) mmgrab_lazy_tlb(init_mm);
    WRITE_ONCE(tsk->active_mm, init_mm);
    Tell({.kind = EventKind::kMmFieldsChanged, .mm = init_mm});
  }
  // A call from here may spill a window that an exiting task has left: the bit must still be set.
  SpillWindow();
  if (On(w8)) {
    switch_mm(mm, init_mm);
  } else {
    load_nucleus_mm();
  }
  if (!borrowed) return;
  // Last: the hardware has left. Never the final reference, since the flusher waits with one.
  if (w7.value() != kNoDrop) mmdrop_lazy_tlb(mm);
  if (w7.value() == kDoubleDrop) mmdrop_lazy_tlb(mm);
}

void Demap(Ctx ctx, std::uint64_t nr, const TrimCall* call) {
  if (nr == kWholeContext) {
    __flush_tlb_mm(ctx);
    return;
  }
  for (std::uint64_t i = 0; i < nr; ++i) {
    __flush_tlb_page(ctx, VirtPage(static_cast<std::uint8_t>(READ_ONCE(call->vaddrs[i]))));
  }
}

// Call function work, at PIL 14. Flushes first, whatever else happens: a CPU that keeps its bit
// needs it, and so does one that joined between the flusher's look at the mask and now.
void trim_handler(std::uint64_t info) {
  auto* const call = reinterpret_cast<TrimCall*>(info);
  Task* const tsk = current();
  Mm* const mm = READ_ONCE(call->mm);
  const Ctx ctx(static_cast<std::uint16_t>(READ_ONCE(call->ctx)));
  const std::uint64_t nr = READ_ONCE(call->nr);
  if (On(w2) && READ_ONCE(tsk->mm) == mm) {
    --call->readers;
    return;
  }
  Demap(ctx, nr, call);
  --call->readers;
  Mm* const running = READ_ONCE(tsk->mm);
  if (running == mm && !On(w3)) return;
  if (On(w13)) {
    // The handler gives interrupts back too early: others go on as if this CPU had left.
    ClearOwnBit(mm);
    sim::Machine::Get().SetPil(0);
    local_irq_disable();
  }
  Cell<Mm*>& per_cpu_secondary_mm = this_cpu().secondary_mm;
  if (running == nullptr && READ_ONCE(per_cpu_secondary_mm) == mm && !On(w6)) LeaveLazyMm(mm);
  if (!On(w13)) ClearOwnBit(mm);
}

void xcall_trim(std::uint64_t info, std::uint64_t /*a1*/, std::uint64_t /*a2*/) {
  trim_handler(info);
  auto* const call = reinterpret_cast<TrimCall*>(info);
  ATOMIC_RMW(call->pending, old - 1);
}

// The argument is on the flusher's stack in a kernel: it must not change, nor go, before the last
// handler has read it.
void TellArgument(const TrimCall* call) {
  Tell({.kind = EventKind::kFlushArgument, .object = call, .a = call->readers});
}

void CallTrim(Mm* mm, Ctx ctx, std::span<const VirtPage> pages, bool whole_context,
              CpuBits others) {
  TrimCall* const call = On(w17) ? &Kernel::Get().cpus[0].trim_call : &this_cpu().trim_call;
  TellArgument(call);
  WRITE_ONCE(call->mm, mm);
  WRITE_ONCE(call->ctx, ctx.value());
  for (std::size_t i = 0; i < pages.size(); ++i) WRITE_ONCE(call->vaddrs[i], pages[i].value());
  WRITE_ONCE(call->nr, whole_context ? kWholeContext : pages.size());
  const auto info = reinterpret_cast<std::uint64_t>(call);
  if (On(w4)) {
    const auto count = static_cast<std::uint64_t>(std::popcount(others.bits));
    call->readers += count;
    WRITE_ONCE(call->pending, count);
    xcall_deliver(SHOOTDOWN_SITE("xcall_trim"), &xcall_trim, info, 0, 0, others);
    sim::Machine::Get().WaitUntil(SHOOTDOWN_SITE("call->pending"), sim::WaitKind::kBlocked,
                                  [call] { return call->pending.Peek() == 0; });
  } else {
    call->readers += static_cast<std::uint64_t>(std::popcount(OnlineCpus(others).bits));
    smp_call_function_many(others, &trim_handler, info, /*wait=*/!On(w11));
  }
  TellArgument(call);
  if (On(w1)) cpumask_copy(mm, smp_processor_id());
  if (On(w10)) {
    const CpuBits left = READ_ONCE(mm->mm_cpumask);
    this_cpu().alone_on = left == CpuBits{}.With(smp_processor_id()) ? mm : nullptr;
  }
}

// Lazy, as far as the flusher can see: no task of `cpus` that runs has the mm as its own.
bool AllLazy(const Mm* mm, CpuBits cpus) {
  for (std::uint64_t left = cpus.bits; left != 0; left &= left - 1) {
    Rq* const rq = &Kernel::Get().cpus[std::countr_zero(left)].rq;
    Task* const curr = READ_ONCE(rq->curr);
    if (READ_ONCE(curr->mm) == mm) return false;
  }
  return true;
}

// A hint, no more: whatever it says, nothing may go wrong.
bool TrimPays(const Mm* mm) {
  if (mm == READ_ONCE(current()->mm) && READ_ONCE(mm->mm_users) <= 1) return true;
  return ++this_cpu().flushes % kTrimEvery == 0;
}

bool IrqsOn() {
  const sim::Machine& m = sim::Machine::Get();
  return m.pil() == 0 && m.ie() && !m.InInterrupt();
}

}  // namespace

bool FlushAndTrim(Mm* mm, Ctx ctx, std::span<const VirtPage> pages) {
  const int self = smp_processor_id();
  // Orders the cleared ptes before the look at the mask; switch_mm has the other half, a set bit
  // before the first translation. The lock of the TSB flush gives it already.
  if (!On(w12)) smp_mb();
  const CpuBits mask = READ_ONCE(mm->mm_cpumask);
  const CpuBits others = mask.Without(self);
  if (others.bits == 0) return true;
  if (On(w10) && this_cpu().alone_on == mm) return true;
  if (On(w15) && mask.Has(self) && READ_ONCE(mm->context.active_cpus) <= 1) return true;
  if (On(w16) && AllLazy(mm, others)) return true;
  if (!IrqsOn() || !TrimPays(mm)) return false;
  CallTrim(mm, ctx, pages, /*whole_context=*/false, others);
  return true;
}

void TrimOnly(Mm* mm) {
  preempt_disable();
  const Ctx ctx = READ_ONCE(mm->context.sparc64_ctx_val).number();
  const CpuBits others = READ_ONCE(mm->mm_cpumask).Without(smp_processor_id());
  if (others.bits != 0) CallTrim(mm, ctx, {}, /*whole_context=*/false, others);
  preempt_enable();
}

bool FlushMmAndTrim(Mm* mm, Ctx ctx) {
  if (!On(w14)) return false;
  const CpuBits others = READ_ONCE(mm->mm_cpumask).Without(smp_processor_id());
  CallTrim(mm, ctx, {}, /*whole_context=*/true, others);
  return true;
}

bool ShortCutInSwitchMm() { return On(w6); }
bool TsbFlushWithoutLock() { return On(w12); }

void CountActiveCpu(Mm* mm) {
  if (On(w15)) ATOMIC_RMW(mm->context.active_cpus, old + 1);
}
void ForgetActiveCpus(Mm* mm) {
  if (On(w15)) WRITE_ONCE(mm->context.active_cpus, 0);
}

}  // namespace shootdown::kernel::sparc64
