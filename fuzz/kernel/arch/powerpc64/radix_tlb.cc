#include "fuzz/kernel/arch/powerpc64/radix_tlb.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/page_table.h"
#include "fuzz/kernel/arch/powerpc64/mmu_context.h"
#include "fuzz/kernel/arch/tlb_invalidate.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel::powerpc64 {
namespace {

using page_table::FlushRecord;

// a665eec0a22e (5.9): each CPU that is asked to leave an mm takes its own bit away, and keeps it if it
// runs the mm. Before, as of 0cef77c7798a (4.19), a CPU that ran the mm did nothing, since only the
// sender could be such a one, and the sender made the mask its own bit.
enum LazyExit { kCpuClearsItsBit, kSenderResetsMask };
VersionSwitch lazy_exit("powerpc64.exit_flush_lazy_tlbs",
                        {"cpu_clears_its_bit", "sender_resets_mask"},
                        "a665eec0a22e powerpc/64s/radix: Fix mm_cpumask trimming race vs kthread_use_mm");

// dfaed3e1fa70 (6.4): a CPU that leaves the mm it borrows, asked by nobody, does so with interrupts off,
// as an IPI always does. But it gives up its bit with interrupts on again: asked by an IPI between the look
// at its bit and the count, it is counted twice.
enum OwnExit { kIrqsOff, kIrqsOffToSwitch, kIrqsOn };
VersionSwitch own_exit("powerpc64.exit_lazy_flush_tlb", {"irqs_off", "irqs_off_to_switch", "irqs_on"},
                       "dfaed3e1fa70 powerpc/64s/radix: Fix exit lazy tlb mm switch with irqs enabled");

void TellMaskCleared(Mm* mm, CpuBits gone, ClearReason reason) {
  Tell({.kind = EventKind::kMaskCleared,
        .mm = mm,
        .a = gone.bits,
        .b = static_cast<std::uint64_t>(reason)});
}

bool mm_is_thread_local(Mm* mm) {
  auto& active_cpus = ContextOf(mm).active_cpus;
  if (READ_ONCE(active_cpus) > 1) return false;
  return READ_ONCE(mm->mm_cpumask).Has(smp_processor_id());
}

bool mm_is_singlethreaded(Mm* mm) {
  return READ_ONCE(mm->mm_users) <= 1 && READ_ONCE(current()->mm) == mm;
}

// The borrower of `mm` that runs here goes over to init_mm. active_mm changes before the hardware, as since
// a665eec0a22e; from the handler of an IPI nobody can see which comes first.
void LeaveMm(Mm* mm) {
  Task* const tsk = current();
  this_cpu().in_switch = 1;
  mmgrab_lazy_tlb(Kernel::Get().init_mm);
  WRITE_ONCE(tsk->active_mm, Kernel::Get().init_mm);
  Tell({.kind = EventKind::kMmFieldsChanged, .mm = mm});
  switch_mm_irqs_off(mm, Kernel::Get().init_mm);
  this_cpu().in_switch = 0;
  mmdrop_lazy_tlb(mm);
}

// This CPU is no longer one that may have entries of `mm`. Others may have told it so meanwhile.
void ClearOwnBit(Mm* mm) {
  const int cpu = smp_processor_id();
  if (!READ_ONCE(mm->mm_cpumask).Has(cpu)) return;
  auto& active_cpus = ContextOf(mm).active_cpus;
  ATOMIC_RMW(active_cpus, old - 1);
  ATOMIC_RMW(mm->mm_cpumask, old.Without(cpu));
  TellMaskCleared(mm, CpuBits{}.With(cpu), ClearReason::kSelf);
}

void do_exit_flush_lazy_tlb(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (lazy_exit.value() == kSenderResetsMask) {
    if (READ_ONCE(current()->mm) == mm) return;
    if (READ_ONCE(current()->active_mm) == mm) LeaveMm(mm);
  } else if (READ_ONCE(current()->mm) != mm) {
    if (READ_ONCE(current()->active_mm) == mm) LeaveMm(mm);
    ClearOwnBit(mm);
  }
  tlb::LocalContext(PidOf(mm));
}

void exit_flush_lazy_tlbs(Mm* mm) {
  const CpuBits mask = READ_ONCE(mm->mm_cpumask);
  smp_call_function_many(mask, &do_exit_flush_lazy_tlb, reinterpret_cast<std::uint64_t>(mm),
                         /*wait=*/true);
  if (lazy_exit.value() != kSenderResetsMask) return;
  // mm_reset_thread_local(): plain stores.
  auto& active_cpus = ContextOf(mm).active_cpus;
  WRITE_ONCE(active_cpus, 1);
  const CpuBits before = mm->mm_cpumask.Peek();
  sim::Learn(before.bits);
  WRITE_ONCE(mm->mm_cpumask, CpuBits{}.With(smp_processor_id()));
  TellMaskCleared(mm, before.Without(smp_processor_id()), ClearReason::kFlusher);
}

// 9393544842d6, 780de40601aa (5.12): the only CPU that has the mm borrows it, as in exit_mmap; it had
// better leave it. Linux does so once in a thousand flushes.
void ExitOwn(Mm* mm) {
  const bool irqs_on = own_exit.value() == kIrqsOn;
  const int pil = irqs_on ? 0 : local_irq_save();
  if (READ_ONCE(current()->active_mm) == mm) LeaveMm(mm);
  if (own_exit.value() == kIrqsOffToSwitch) local_irq_restore(pil);
  ClearOwnBit(mm);
  if (own_exit.value() == kIrqsOff) local_irq_restore(pil);
}

// True if a flush of this CPU's TLB is enough (tlbiel). Preemption is off. Linux 6.12
// flush_type_needed().
bool FlushIsLocal(Mm* mm) {
  smp_mb();  // the ptes are changed before mm_cpumask is looked at; pairs with switch_mm's fence
  if (mm_is_thread_local(mm)) {
    if (READ_ONCE(current()->mm) == nullptr && lazy_exit.value() != kSenderResetsMask) ExitOwn(mm);
    return true;
  }
  if (!mm_is_singlethreaded(mm)) return false;
  exit_flush_lazy_tlbs(mm);
  return true;
}

}  // namespace

void clear_mm_cpumask_cpu(Mm* mm) { ClearOwnBit(mm); }

void radix__flush_tlb_mm(Mm* mm) {
  preempt_disable();
  const FlushRecord record(mm);
  if (FlushIsLocal(mm)) {
    tlb::LocalContext(PidOf(mm));
  } else {
    tlb::BroadcastContext(PidOf(mm));
  }
  record.DoneAll();
  preempt_enable();
}

void radix__flush_tlb_range(Mm* mm, VirtPage first, int count) {
  preempt_disable();
  const FlushRecord record(mm);
  if (FlushIsLocal(mm)) {
    tlb::LocalRange(PidOf(mm), first, count);
  } else {
    tlb::BroadcastRange(PidOf(mm), first, count);
  }
  record.Done(first, count);
  preempt_enable();
}

}  // namespace shootdown::kernel::powerpc64
