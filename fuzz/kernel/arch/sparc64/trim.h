// sparc64.flush = ipi_trim: a flush asks the CPUs that have an mm only lazily to leave it, and each
// clears its own bit of mm_cpumask.
//
// No sparc64 kernel has this; trimming was taken out with bafb056ce279. It is the protocol that
// powerpc came to (a665eec0a22e), carried over, and what must hold for it here:
//   P1  whoever changes current->mm, active_mm and the hardware does so with interrupts off
//       (ARCH_WANT_IRQS_OFF_ACTIVATE_MM, 66acd46080bd);
//   P2  the handler is call function work: PIL 14 keeps it out, which it does not do for a cross
//   call; P3  only paths with interrupts on trim, since they wait; P4  a CPU that leaves an mm
//   leaves it in hardware: load_nucleus_mm().
// A bit that is clear is repaired by the next switch_mm, which sparc64 never leaves out. So a CPU
// may clear its own bit once it has left; and nobody else may, whatever mm_users says.
//
// The switches trim.W1 to trim.W17 are ways to get it wrong.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TRIM_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TRIM_H_

#include <span>

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// Has the other CPUs of mm_cpumask(mm) drop `pages` and leave the mm if they can. False: a trim is
// not worth it, or not allowed here; the caller tells them as ever. REQUIRES: preemption off; the
// ptes and the TSB are changed already.
[[nodiscard]] bool FlushAndTrim(Mm* mm, Ctx ctx, std::span<const VirtPage> pages);

// A trim with nothing to flush, from outside of any flush (as powerpc does since 780de40601aa).
// REQUIRES: interrupts on; the caller has mm_users.
void TrimOnly(Mm* mm);

// smp_flush_tlb_mm under ctx_alloc_lock, with interrupts off: trims if trim.W14 says so.
[[nodiscard]] bool FlushMmAndTrim(Mm* mm, Ctx ctx);

// trim.W6: switch_mm has a short cut for prev == next, and lazy CPUs stay on the mm.
[[nodiscard]] bool ShortCutInSwitchMm();
// trim.W12: the TSB is flushed without a lock, so nothing orders the pte and the mask.
[[nodiscard]] bool TsbFlushWithoutLock();
// trim.W15: the bit of this CPU was set, or all bits were cleared.
void CountActiveCpu(Mm* mm);
void ForgetActiveCpus(Mm* mm);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_TRIM_H_
