#include "fuzz/kernel/cpu_hotplug.h"

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

using sim::Machine;
using sim::WaitKind;

// bf2c59fce407 (5.8): a dying CPU drops no reference, which may be the last one; when it is dead the CPU
// that controls its end does.
enum DropVersion { kByController, kByDyingCpu };
VersionSwitch drop_version("mm.idle_task_exit", {"controller_drops", "dying_cpu_drops"},
                           "bf2c59fce407 sched/core: Fix illegal RCU from offline CPUs");

// 21641bd9a7a7 (6.13): a CPU leaves the mm that it borrows before it gives up its bits, by which a shootdown
// would find it.
enum LeaveVersion { kBeforeMask, kAfterMask };
VersionSwitch leave_version("mm.hotplug_lazy_tlb", {"leave_before_mask", "leave_after_mask"},
                            "21641bd9a7a7 lazy tlb: fix hotplug exit race with MMU_LAZY_TLB_SHOOTDOWN");

void SetState(PerCpu* cpu, CpuState state) {
  Cell<std::uint64_t>& hotplug = cpu->hotplug;
  WRITE_ONCE(hotplug, static_cast<std::uint64_t>(state));
}

// The hardware goes over to init_mm. IRQs off.
void SwitchToInitMm(Mm* mm) {
  if (mm == Kernel::Get().init_mm) return;
  this_cpu().in_switch = 1;
  switch_mm(mm, Kernel::Get().init_mm);
  this_cpu().in_switch = 0;
}

// sched_force_init_mm()
void sched_force_init_mm() {
  Mm* const mm = READ_ONCE(current()->active_mm);
  if (mm == Kernel::Get().init_mm) return;
  mmgrab_lazy_tlb(Kernel::Get().init_mm);
  WRITE_ONCE(current()->active_mm, Kernel::Get().init_mm);
  SwitchToInitMm(mm);
  mmdrop_lazy_tlb(mm);
}

// __cpu_disable(): this CPU's bit goes from the masks of all that have an mm.
void clear_tasks_mm_cpumask() {
  Kernel& k = Kernel::Get();
  for (int t = 0; t < k.task_count; ++t) {
    Task* const task = &k.tasks[t];
    spin_lock(&task->alloc_lock);
    if (Mm* const mm = READ_ONCE(task->mm); mm != nullptr) {
      if (arch().clear_mm_cpumask_cpu != nullptr) {
        arch().clear_mm_cpumask_cpu(mm);
      } else {
        ATOMIC_RMW(mm->mm_cpumask, old.Without(smp_processor_id()));
      }
    }
    spin_unlock(&task->alloc_lock);
  }
}

void idle_task_exit() {
  Mm* const mm = READ_ONCE(current()->active_mm);
  SwitchToInitMm(mm);
  if (drop_version.value() != kByDyingCpu) return;
  WRITE_ONCE(current()->active_mm, Kernel::Get().init_mm);
  mmdrop_lazy_tlb(mm);
}

void finish_cpu(int cpu) {
  if (drop_version.value() == kByDyingCpu) return;
  Task* const idle = &Kernel::Get().idle[cpu];
  Mm* const mm = READ_ONCE(idle->active_mm);
  if (mm == Kernel::Get().init_mm) return;
  WRITE_ONCE(idle->active_mm, Kernel::Get().init_mm);
  mmdrop_lazy_tlb(mm);
}

// A CPU on which tasks still run is not taken down: the caller waits until they have left.
void cpu_down(int cpu) {
  if (cpu == smp_processor_id()) return;
  PerCpu* const pc = &Kernel::Get().cpus[cpu];
  SetState(pc, CpuState::kGoesDown);
  PollUntil(SHOOTDOWN_SITE("cpu is dead"), WaitKind::kBlocked, [pc] {
    return pc->hotplug.Peek() == static_cast<std::uint64_t>(CpuState::kDead);
  });
  finish_cpu(cpu);
}

}  // namespace

// take_cpu_down(), which stop_machine() runs while all other CPUs do nothing: nobody is in the middle of a
// call then, or begins one. Here others go on, but for calls.
void cpu_die() {
  Machine::Get().WaitUntil(SHOOTDOWN_SITE("stop_machine"), WaitKind::kBlocked,
                           [self = smp_processor_id()] { return !IsCalled(self); });
  this_cpu().stops_all = 1;
  local_irq_disable();
  if (leave_version.value() == kBeforeMask && !LazyTlbRefcounted()) sched_force_init_mm();
  clear_tasks_mm_cpumask();
  this_cpu().offline = 1;
  idle_task_exit();
  this_cpu().stops_all = 0;
  SetState(&this_cpu(), CpuState::kDead);
  // A cross call to mm_cpumask that was under way still arrives, and drops what is not there.
  local_irq_enable();
  for (;;) {
    Machine::Get().WaitUntil(SHOOTDOWN_SITE("dead"), WaitKind::kIdle, [] { return false; });
  }
}

void RegisterHotplugOps() {
  RegisterOp({.name = "cpu_down",
              .usage = "cpu_down CPU",
              .what = "takes another CPU offline, once all tasks have left it",
              .args = {ArgKind::kCpu},
              .run = [](const BoundOp& op) { cpu_down(static_cast<int>(op.args[0])); },
              .use = OpUse::kLeftCpu});  // it waits for tasks that are there
}

}  // namespace shootdown::kernel
