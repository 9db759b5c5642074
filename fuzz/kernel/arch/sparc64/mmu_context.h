// Context numbers, and what a CPU has loaded. Source: Linux 4.19 arch/sparc/include/asm/
// mmu_context_64.h, arch/sparc/mm/init_64.c (get_new_mmu_context, mmu_context_wrap); the new wrap
// of 2017, a0582f26ec9d.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_MMU_CONTEXT_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_MMU_CONTEXT_H_

#include <optional>

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

// CTX_VALID(): plain loads, usually without a lock.
[[nodiscard]] bool CTX_VALID(Mm* mm);

// Also activate_mm. Always executed for a switch to a user mm, also if it is the one before.
void switch_mm(Mm* old_mm, Mm* mm);

// What switch_mm to init_mm does not do: leaves the user mm in hardware too. Context 0, no page table,
// a TSB that always misses. The number stays reserved until SECONDARY has left it: first the
// hardware, then per_cpu_secondary_mm. REQUIRES: IRQs off.
void load_nucleus_mm();

// The first number that is not in `used` (mmu_context_bmap), from behind `last` and around; nullopt if there is
// none. No steps.
[[nodiscard]] std::optional<int> FreeContextNumber(std::uint64_t used, Ctx last);
// REQUIRES: mm->context.lock held, IRQs off.
void get_new_mmu_context(Mm* mm);
void destroy_context(Mm* mm);

// Before the first run. No steps.
void InitContextGlobals();
void init_new_context(Kernel& kernel, Mm* mm);

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_MMU_CONTEXT_H_
