#include "fuzz/kernel/arch/x86/xen.h"

#include "fuzz/kernel/access.h"
#include "fuzz/kernel/arch/x86/mmu_context.h"
#include "fuzz/kernel/arch/x86/state.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/smp_call.h"

namespace shootdown::kernel {
namespace x86 {
namespace {

// IRQs off. leave_mm() is the switch to init_mm.
void drop_mm_ref_this_cpu(std::uint64_t info) {
  if (READ_ONCE(cpu_tlbstate().loaded_mm) != reinterpret_cast<Mm*>(info)) return;
  switch_mm_irqs_off(Kernel::Get().init_mm);
}

void xen_drop_mm_ref(Mm* mm) {
  const auto info = reinterpret_cast<std::uint64_t>(mm);
  const int pil = local_irq_save();
  drop_mm_ref_this_cpu(info);
  local_irq_restore(pil);
  CpuBits mask;
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    if (READ_ONCE(cpu_tlbstate(cpu).xen_current_cr3) == mm) mask = mask.With(cpu);
  }
  smp_call_function_many(mask, &drop_mm_ref_this_cpu, info, /*wait=*/true);
}

// One hypercall: Xen looks at all CPUs at once.
void xen_pgd_unpin(Mm* mm) {
  sim::Machine::Get().Action(SHOOTDOWN_SITE("MMUEXT_UNPIN_TABLE"), sim::StepKind::kContextWrite,
                             mm->id);
  context(mm).xen_unpinned = 1;
  const Kernel& k = Kernel::Get();
  for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
    if (k.cpus[cpu].hardware_mm != mm) continue;
    Tell({.kind = EventKind::kHypercallRefused, .mm = mm, .a = static_cast<std::uint64_t>(cpu)});
  }
}

}  // namespace

void xen_exit_mmap(Mm* mm) {
  if (globals().xen_pv == 0) return;
  preempt_disable();
  xen_drop_mm_ref(mm);
  preempt_enable();
  spin_lock(&mm->page_table_lock);
  xen_pgd_unpin(mm);
  spin_unlock(&mm->page_table_lock);
}

void xen_write_cr3(Mm* mm) {
  if (globals().xen_pv == 0) return;
  if (context(mm).xen_unpinned != 0) {
    Tell({.kind = EventKind::kHypercallRefused,
          .mm = mm,
          .a = static_cast<std::uint64_t>(smp_processor_id())});
  }
  Cell<Mm*>& xen_current_cr3 = cpu_tlbstate().xen_current_cr3;
  WRITE_ONCE(xen_current_cr3, mm);
}

}  // namespace x86

void RegisterXenOps() {
  RegisterOp({.name = "xen_pv_guest",
              .usage = "xen_pv_guest",
              .what = "x86_64, in a setup: the kernel is a paravirtual guest of Xen",
              .run =
                  [](const BoundOp&) {
                    x86::globals().xen_pv = 1;
                    const Kernel& k = Kernel::Get();
                    for (int cpu = 0; cpu < sim::Machine::Get().cpu_count(); ++cpu) {
                      Cell<Mm*>& xen_current_cr3 = x86::cpu_tlbstate(cpu).xen_current_cr3;
                      WRITE_ONCE(xen_current_cr3, k.cpus[cpu].hardware_mm);
                    }
                  },
              .arch = "x86_64",
              .use = OpUse::kBoot});
}

}  // namespace shootdown::kernel
