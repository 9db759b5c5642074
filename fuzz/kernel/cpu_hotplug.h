// Taking a CPU down. Its tasks have left it before, so its idle task does all that the CPU itself has to
// do (in Linux also a stopper thread). It does not come back.
// Source: Linux 6.12 kernel/cpu.c takedown_cpu(), finish_cpu(); kernel/sched/core.c idle_task_exit().
#ifndef SHOOTDOWN_FUZZ_KERNEL_CPU_HOTPLUG_H_
#define SHOOTDOWN_FUZZ_KERNEL_CPU_HOTPLUG_H_

#include "fuzz/kernel/kernel.h"

namespace shootdown::kernel {

enum class CpuState : std::uint64_t { kOnline = 0, kGoesDown = 1, kDead = 2 };

// Somebody wants it to. No step: the idle loop polls.
[[nodiscard]] inline bool CpuGoesDown(const PerCpu& cpu) {
  return cpu.hotplug.Peek() == static_cast<std::uint64_t>(CpuState::kGoesDown);
}

// The rest of an idle task's life.
[[noreturn]] void cpu_die();

}  // namespace shootdown::kernel

#endif  // SHOOTDOWN_FUZZ_KERNEL_CPU_HOTPLUG_H_
