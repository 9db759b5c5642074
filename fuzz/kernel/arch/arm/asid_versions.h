// ASIDs as arm had them before 2012: one count for all CPUs, whose upper bits are a version. A new
// version flushes all TLBs; an mm gets a number of it when it is next switched to. Nothing is
// reserved: a CPU that runs an mm goes on with the number of before, also while the mm gets another
// elsewhere.
//
// Source: Linux 2.6.21 arch/arm/mm/context.c, include/asm-arm/mmu_context.h.
// Left out: the count is one step, and the flush of all TLBs is a broadcast; Linux counts without a
// lock, and sends IPIs, as it switches with interrupts on. The reserved ASID that is loaded
// meanwhile.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM_ASID_VERSIONS_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM_ASID_VERSIONS_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::arm::asid_versions {

// What a new number does to mm_cpumask(mm).
enum class Mask : std::uint8_t { kKeep, kResetToThisCpu };

void Boot(Kernel& kernel);
void InitContext(Kernel& kernel, Mm* mm);
void DestroyContext(Mm* mm);

// Gives `mm` a number of the current version if it has none.
void check_context(Mm* mm, Mask mask);
[[nodiscard]] Ctx ASID(Mm* mm);

// For judges.
[[nodiscard]] Ctx NumberOf(const Mm* mm, int cpu);
[[nodiscard]] bool Valid(const Mm* mm, int cpu);

}  // namespace shootdown::kernel::arm::asid_versions

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_ARM_ASID_VERSIONS_H_
