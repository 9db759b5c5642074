// ASIDs that all CPUs share, given out in generations. When they are used up, a rollover begins a new
// generation: numbers that CPUs have loaded (active_asids) are reserved, so their mms can keep them, and
// every CPU flushes its own TLB before it next loads a number (tlb_flush_pending).
//
// Source: Linux 6.12 arch/arm64/mm/context.c; arch/riscv/mm/context.c has the same allocator, and so has
// arch/arm/mm/context.c, but for its fast path, which is `asid.fast_path = replace_zero` to this day.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_ASID_GENERATIONS_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_ASID_GENERATIONS_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::asid_generations {

void Boot(Kernel& kernel);
void InitContext(Kernel& kernel, Mm* mm);
void DestroyContext(Mm* mm);

// Gives `mm` an ASID of the current generation if it has none, and loads it. IRQs are off, but where
// kernels before 38cf307c1f20 call it.
void check_and_switch_context(Mm* mm);
// ASID(mm): what tags its entries, whatever the generation.
[[nodiscard]] Ctx ASID(Mm* mm);

// For judges.
[[nodiscard]] Ctx NumberOf(const Mm* mm, int cpu);
[[nodiscard]] bool Valid(const Mm* mm, int cpu);

}  // namespace shootdown::kernel::asid_generations

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_ASID_GENERATIONS_H_
