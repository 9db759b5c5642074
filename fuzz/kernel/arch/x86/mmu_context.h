// Which page table a CPU has loaded, what lazy CPUs do, and which CPUs a flush passes over. Source: Linux
// 4.20 arch/x86/mm/tlb.c; 6.12.117 for should_flush_tlb and LOADED_MM_SWITCHING.
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

// Whether a flush that frees no page tables is judged by should_flush_tlb, and a CPU that switches marks it.
[[nodiscard]] bool looks_at_loaded_mm();
// Whether to interrupt a CPU of mm_cpumask. `mm` null: whatever it has loaded.
// REQUIRES: looks_at_loaded_mm().
[[nodiscard]] bool should_flush_tlb(int cpu, Mm* mm);

void switch_mm(Mm* prev, Mm* next);
// IRQs off. Goes by what is loaded, whatever the scheduler thinks.
void switch_mm_irqs_off(Mm* next);
void enter_lazy_tlb(Mm* mm, Task* task);

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_MMU_CONTEXT_H_
