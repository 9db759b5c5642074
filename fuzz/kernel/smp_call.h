// Functions run on other CPUs as softint work. Source: Linux 4.19 kernel/smp.c.
#ifndef SHOOTDOWN_FUZZ_KERNEL_SMP_CALL_H_
#define SHOOTDOWN_FUZZ_KERNEL_SMP_CALL_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

inline constexpr int kPilCallFunction = 1;  // PIL_SMP_CALL_FUNC

// Runs fn(info) on every CPU of `mask` that is online but this one, at PIL 14. With `wait`, returns when all have.
// Must be called with IRQs on and preemption off (L1).
void smp_call_function_many(CpuBits mask, void (*fn)(std::uint64_t info), std::uint64_t info,
                            bool wait);

// Those of `mask` that are in cpu_online_mask. A CPU that goes offline stops all others meanwhile
// (stop_machine): they see it there, or gone, and wait here if it is in between.
[[nodiscard]] CpuBits OnlineCpus(CpuBits mask);

// Somebody calls `cpu`, or is about to. No steps: for wait conditions.
[[nodiscard]] bool IsCalled(int cpu);

// Also those that are offline.
[[nodiscard]] CpuBits AllCpus();

// Softint level 1.
void generic_smp_call_function_interrupt();

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_SMP_CALL_H_
