#include "fuzz/kernel/arch/powerpc64/arch.h"

#include "fuzz/kernel/arch/powerpc64/mmu_context.h"
#include "fuzz/kernel/arch/powerpc64/radix_tlb.h"

namespace shootdown::kernel::powerpc64 {

extern const Arch kArch = {
    .name = "powerpc64",
    .what = "radix MMU: a PID for each mm, mm_cpumask trimmed by IPI, tlbiel or tlbie",
    .boot = [](Kernel& kernel) { InitContext(kernel, kernel.init_mm); },
    .boot_mm = &InitContext,
    .switch_mm = &switch_mm_irqs_off,
    .destroy_context = &destroy_context,
    .clear_mm_cpumask_cpu = &clear_mm_cpumask_cpu,
    .flush_tlb_mm = &radix__flush_tlb_mm,
    .flush_tlb_range = &radix__flush_tlb_range,
    .shoots_lazies = true,
    .context_number = [](const Mm* mm, int /*cpu*/) { return PidOf(mm); },
    .context_valid = [](const Mm* /*mm*/, int /*cpu*/) { return true; },
};

}  // namespace shootdown::kernel::powerpc64
