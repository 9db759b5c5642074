// Cross calls. Source: Linux 4.19 arch/sparc/kernel/smp_64.c (spitfire_xcall_helper,
// hypervisor_xcall_deliver, xcall_deliver, smp_send_reschedule).
#ifndef SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_SMP_H_
#define SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_SMP_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

// Sends to all CPUs of `mask` but this one. Returns when every target has accepted: the handlers may
// run later, unless the machine is an ideal one (MondoDone::kExecuted).
void xcall_deliver(const sim::Site& site, void (*handler)(std::uint64_t, std::uint64_t, std::uint64_t),
                   std::uint64_t a0, std::uint64_t a1, std::uint64_t a2, CpuBits mask);

void smp_send_reschedule(int cpu);
// Makes `cpu` look at its call function queue.
void arch_send_call_function_ipi(int cpu);

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_ARCH_SPARC64_SMP_H_
