// Which page table a CPU has loaded, and what lazy CPUs do. Source: Linux 4.20 arch/x86/mm/tlb.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_MMU_CONTEXT_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_MMU_CONTEXT_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::x86 {

// What a kernel thread does with the mm that it borrows.
enum LazyVersion {
  kLazier,      // stays in mm_cpumask; flushes pass it over unless page tables are freed
  kAggressive,  // stays in mm_cpumask; the first flush makes it load init_mm
  kNoIpi,       // leaves mm_cpumask: no flush reaches it
};
[[nodiscard]] LazyVersion lazy_version();

void switch_mm(Mm* prev, Mm* next);
// IRQs off. Goes by what is loaded, whatever the scheduler thinks.
void switch_mm_irqs_off(Mm* next);
void enter_lazy_tlb(Mm* mm, Task* task);

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_MMU_CONTEXT_H_
