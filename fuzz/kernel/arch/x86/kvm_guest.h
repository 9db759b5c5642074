// A guest of KVM: a virtual CPU that the host has preempted needs no flush interrupt. Its flag asks the
// host to flush before it goes on. Source: Linux 5.4 arch/x86/kernel/kvm.c (kvm_flush_tlb_others),
// arch/x86/kvm/x86.c (record_steal_time, kvm_steal_time_set_preempted).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_KVM_GUEST_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_KVM_GUEST_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel::x86 {

// The CPUs of `targets` that still must be interrupted.
[[nodiscard]] CpuBits kvm_flush_tlb_others(CpuBits targets);

}  // namespace shootdown::kernel::x86

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_X86_KVM_GUEST_H_
