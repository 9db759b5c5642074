#include "fuzz/kernel/arch/sparc64/tlb.h"

#include <array>
#include <bit>

#include "fuzz/kernel/arch/sparc64/mmu_context.h"
#include "fuzz/kernel/arch/sparc64/smp.h"
#include "fuzz/kernel/arch/sparc64/trim.h"
#include "fuzz/kernel/arch/sparc64/tsb.h"
#include "fuzz/kernel/arch/sparc64/window.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::sparc64 {
namespace {

// bafb056ce279 (5.10): sparc64: remove mm_cpumask clearing to fix kthread_use_mm race.
// ipi_trim is no kernel's: trim.h.
enum FlushVersion { kNoTrim, kTrimIfSingleUser, kIpiTrim };
VersionSwitch flush_version("sparc64.flush", {"no_trim", "trim_if_single_user", "ipi_trim"},
                            "bafb056ce279 sparc64: remove mm_cpumask clearing");

// A wrap on another CPU makes the context look invalid for a moment, and flush_tlb_pending
// then flushes nothing. Up to 6.12 the test is there; `always` is the repair.
enum PendingVersion { kAlways, kIfCtxValid };
VersionSwitch pending_version("sparc64.flush_pending", {"always", "if_ctx_valid"},
                              "Linux 4.19 arch/sparc/mm/tlb.c flush_tlb_pending");

// a1d416bf9faf (2025): before it, lazy mmu mode relied on a page table lock to keep preemption off,
// and changes of kernel ptes take none.
enum LazyVersion { kPreemptOff, kPreemptOn };
VersionSwitch lazy_version("sparc64.lazy_mmu", {"preempt_off", "preempt_on"},
                           "a1d416bf9faf sparc/mm: disable preemption in lazy mmu mode");

// f36391d2790d (2013): before it, other CPUs read the batch whenever they took the cross call, and the
// flusher went on as soon as it was accepted.
enum CallVersion { kCallWait, kXcall };
VersionSwitch call_version("sparc64.flush_pending_call", {"wait", "xcall"},
                           "f36391d2790d sparc64: Fix race in TLB batch processing");

// Cross call handlers: trap level 1, interrupts off.
void xcall_flush_tlb_page(std::uint64_t ctx, std::uint64_t va, std::uint64_t /*a2*/) {
  __flush_tlb_page(Ctx(static_cast<std::uint16_t>(ctx)), VirtPage(static_cast<std::uint8_t>(va)));
}
void xcall_flush_tlb_mm(std::uint64_t ctx, std::uint64_t /*a1*/, std::uint64_t /*a2*/) {
  __flush_tlb_mm(Ctx(static_cast<std::uint16_t>(ctx)));
}

void FlushVaddrs(Ctx ctx, TlbBatch* tb) {
  for (std::uint64_t i = 0; i < tb->tlb_nr; ++i) {
    __flush_tlb_page(ctx, VirtPage(static_cast<std::uint8_t>(READ_ONCE(tb->vaddrs[i]))));
  }
}

struct PendingInfo {
  TlbBatch* tb;
  Ctx ctx;
};

// Call function handler: reads the sender's batch through the pointer.
void tlb_pending_func(std::uint64_t info) {
  const auto* const t = reinterpret_cast<const PendingInfo*>(info);
  FlushVaddrs(t->ctx, t->tb);
  --t->tb->readers;
}

// Linux 4.19 arch/sparc/mm/tlb.c tlb_batch_add_one(), the part that only notes the page.
void tlb_batch_add_one(TlbBatch* tb, VirtPage va) {
  Tell({.kind = EventKind::kFlushArgument, .object = tb, .a = tb->readers});
  WRITE_ONCE(tb->vaddrs[tb->tlb_nr], va.value());
  ++tb->tlb_nr;
}

// The batch is this CPU's own: copying it takes no step, and sees stores that are still held.
bool TrimPending(Mm* mm, Ctx ctx, const TlbBatch* tb) {
  std::array<VirtPage, kTlbBatchNr> pages{};
  for (std::uint64_t i = 0; i < tb->tlb_nr; ++i) {
    pages[i] = VirtPage(static_cast<std::uint8_t>(tb->vaddrs[i].PeekOwn()));
  }
  return FlushAndTrim(mm, ctx, std::span(pages).first(tb->tlb_nr));
}

// Everything changed up to now and flushed by `flush` is gone from all TLBs afterwards (T2).
void MarkFlushed(Mm* mm, VirtPage va, std::uint64_t change) {
  if (mm->flushed[va.value()] < change) mm->flushed[va.value()] = change;
}

// The same as a cross call at trap level 1, which nobody waits for.
void xcall_flush_tlb_pending(std::uint64_t ctx, std::uint64_t batch, std::uint64_t nr) {
  auto* const tb = reinterpret_cast<TlbBatch*>(batch);
  for (std::uint64_t i = 0; i < nr; ++i) {
    __flush_tlb_page(Ctx(static_cast<std::uint16_t>(ctx)),
                     VirtPage(static_cast<std::uint8_t>(READ_ONCE(tb->vaddrs[i]))));
  }
  --tb->readers;
}

}  // namespace

void cpumask_copy(Mm* mm, int cpu) {
  const CpuBits before = mm->mm_cpumask.Peek();
  sim::Learn(before.bits);
  WRITE_ONCE(mm->mm_cpumask, CpuBits{}.With(cpu));
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = before.Without(cpu).bits,
        .b = static_cast<std::uint64_t>(ClearReason::kFlusher)});
}

void __flush_tlb_mm(Ctx ctx) {
  sim::Machine& m = sim::Machine::Get();
  m.Action(SHOOTDOWN_SITE_AS("demap context", &sim::FormatNumber, "demap context * in this TLB"),
           sim::StepKind::kDemap, ctx.value());
  m.tlb().DemapContext(ctx);
}

void __flush_tlb_page(Ctx ctx, VirtPage va) {
  sim::Machine& m = sim::Machine::Get();
  m.Action(SHOOTDOWN_SITE_AS("demap page", &FormatVirtPage, "demap page * in this TLB"),
           sim::StepKind::kDemap, va.value());
  m.tlb().DemapPage(ctx, va);
}

void arch_enter_lazy_mmu_mode() {
  SpillAllWindows();
  if (lazy_version.value() == kPreemptOff) preempt_disable();
  this_cpu().tlb_batch.active = 1;
}

void arch_leave_lazy_mmu_mode() {
  TlbBatch* const tb = &this_cpu().tlb_batch;
  if (tb->tlb_nr != 0) flush_tlb_pending();
  tb->active = 0;
  if (lazy_version.value() == kPreemptOff) preempt_enable();
}

void tlb_batch_add(Mm* mm, VirtPage va, bool fullmm) {
  if (fullmm) return;
  preempt_disable();
  TlbBatch* const tb = &this_cpu().tlb_batch;
  if (tb->tlb_nr != 0 && tb->mm != mm) flush_tlb_pending();
  if (tb->active == 0) {
    const std::uint64_t change = mm->pte_change[va.value()];
    sim::Learn(change);
    flush_tsb_user_page(mm, va);
    smp_flush_tlb_page(mm, va);
    MarkFlushed(mm, va, change);
  } else {
    tb->mm = mm;
    tlb_batch_add_one(tb, va);
    if (tb->tlb_nr == kTlbBatchNr) flush_tlb_pending();
  }
  preempt_enable();
}

void flush_tlb_pending() {
  TlbBatch* const tb = &this_cpu().tlb_batch;
  Mm* const mm = tb->mm;
  preempt_disable();
  std::uint64_t change[kVirtPageCount];
  for (int va = 0; va < kVirtPageCount; ++va) {
    change[va] = mm->pte_change[va];
    sim::Learn(change[va]);
  }
  flush_tsb_user(mm, tb);
  if (pending_version.value() == kAlways || CTX_VALID(mm)) {
    if (tb->tlb_nr == 1) {
      smp_flush_tlb_page(mm, VirtPage(static_cast<std::uint8_t>(tb->vaddrs[0].PeekOwn())));
    } else {
      smp_flush_tlb_pending(mm, tb);
    }
  }
  for (std::uint64_t i = 0; i < tb->tlb_nr; ++i) {
    const VirtPage va(static_cast<std::uint8_t>(tb->vaddrs[i].PeekOwn()));
    MarkFlushed(mm, va, change[va.value()]);
  }
  tb->tlb_nr = 0;
  preempt_enable();
}

void smp_flush_tlb_mm(Mm* mm) {
  const Ctx ctx = READ_ONCE(mm->context.sparc64_ctx_val).number();
  preempt_disable();
  // No test of current->mm here, in any version.
  if (flush_version.value() == kTrimIfSingleUser && READ_ONCE(mm->mm_users) == 1) {
    cpumask_copy(mm, smp_processor_id());
  } else if (flush_version.value() != kIpiTrim || !FlushMmAndTrim(mm, ctx)) {
    const CpuBits mask = READ_ONCE(mm->mm_cpumask);
    xcall_deliver(SHOOTDOWN_SITE("xcall_flush_tlb_mm"), &xcall_flush_tlb_mm, ctx.value(), 0, 0,
                  mask);
  }
  __flush_tlb_mm(ctx);
  preempt_enable();
}

void smp_flush_tlb_page(Mm* mm, VirtPage va) {
  const Ctx ctx = READ_ONCE(mm->context.sparc64_ctx_val).number();
  preempt_disable();
  if (flush_version.value() == kTrimIfSingleUser && mm == READ_ONCE(current()->mm) &&
      READ_ONCE(mm->mm_users) == 1) {
    cpumask_copy(mm, smp_processor_id());
  } else if (flush_version.value() != kIpiTrim || !FlushAndTrim(mm, ctx, {&va, 1})) {
    const CpuBits mask = READ_ONCE(mm->mm_cpumask);
    xcall_deliver(SHOOTDOWN_SITE("xcall_flush_tlb_page"), &xcall_flush_tlb_page, ctx.value(),
                  va.value(), 0, mask);
  }
  __flush_tlb_page(ctx, va);
  preempt_enable();
}

void smp_flush_tlb_pending(Mm* mm, TlbBatch* tb) {
  const Ctx ctx = READ_ONCE(mm->context.sparc64_ctx_val).number();
  preempt_disable();
  if (flush_version.value() == kTrimIfSingleUser && mm == READ_ONCE(current()->mm) &&
      READ_ONCE(mm->mm_users) == 1) {
    cpumask_copy(mm, smp_processor_id());
  } else if (flush_version.value() != kIpiTrim || !TrimPending(mm, ctx, tb)) {
    const CpuBits mask = READ_ONCE(mm->mm_cpumask).Without(smp_processor_id());
    if (call_version.value() == kXcall) {
      tb->readers += static_cast<std::uint64_t>(std::popcount(mask.bits));
      xcall_deliver(SHOOTDOWN_SITE("xcall_flush_tlb_pending"), &xcall_flush_tlb_pending, ctx.value(),
                    reinterpret_cast<std::uint64_t>(tb), tb->tlb_nr, mask);
    } else {
      PendingInfo info{.tb = tb, .ctx = ctx};
      tb->readers += static_cast<std::uint64_t>(std::popcount(OnlineCpus(mask).bits));
      smp_call_function_many(mask, &tlb_pending_func, reinterpret_cast<std::uint64_t>(&info),
                             /*wait=*/true);
    }
  }
  FlushVaddrs(ctx, tb);
  preempt_enable();
}

}  // namespace shootdown::kernel::sparc64
