// An mm's context, and loading it. Source: Linux 5.9 arch/powerpc/mm/mmu_context.c, mm/book3s64/
// mmu_context.c, include/asm/book3s/64/mmu.h.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_MMU_CONTEXT_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_MMU_CONTEXT_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::powerpc64 {

// mm_context_t. The PID is the mm's from its beginning to its end; no coprocessors are modelled.
struct Context {
  Cell<std::int64_t> active_cpus;  // bits of mm_cpumask that are set
};
[[nodiscard]] inline Context& ContextOf(const Mm* mm) {
  return *static_cast<Context*>(mm->context.other);
}
[[nodiscard]] inline Ctx PidOf(const Mm* mm) { return Ctx(static_cast<std::uint16_t>(mm->id)); }

void InitContext(Kernel& kernel, Mm* mm);
// IRQs off, but where kernels before 38cf307c1f20 call it.
void switch_mm_irqs_off(Mm* prev, Mm* next);
void destroy_context(Mm* mm);

}  // namespace shootdown::kernel::powerpc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_POWERPC64_MMU_CONTEXT_H_
