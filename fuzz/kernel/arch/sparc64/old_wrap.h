// How context numbers wrapped until 2017: the CPU that finds none left begins a new version at
// once, and tells the others, by an interrupt that it does not wait for, to get numbers of that
// version. Source: Linux 2.6.24 arch/sparc64/mm/init.c get_new_mmu_context(), kernel/smp.c
// smp_new_mmu_context_version_client(); replaced by a0582f26ec9d.
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_OLD_WRAP_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_OLD_WRAP_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::sparc64 {

inline constexpr int kPilContextNewVersion = 4;  // PIL_SMP_CTX_NEW_VERSION

// With `notify` false nobody is told, as before a0663a79ad4f. REQUIRES: mm->context.lock, IRQs off.
void get_new_mmu_context_before_2017(Mm* mm, bool notify);

// Softint level 4.
void smp_new_mmu_context_version_client();

}  // namespace shootdown::kernel::sparc64

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_OLD_WRAP_H_
