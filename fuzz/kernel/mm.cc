#include "fuzz/kernel/mm.h"

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/memory.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/task_work.h"
#include "fuzz/kernel/version.h"

namespace shootdown::kernel {
namespace {

// 38cf307c1f20 (5.9) made the fields and the hardware change with interrupts off.
enum UseMmVersion { kUseMm612, kUseMm419 };
VersionSwitch use_mm_version("mm.kthread_use_mm", {"v6_12", "v4_19"},
                             "38cf307c1f20 mm: fix kthread_use_mm() vs TLB invalidate");

// With a trimming handler that looks at current->mm (arch/sparc64/trim.h).
VersionSwitch trim_w5("trim.W5", {"off", "on"},
                      "wrong: kthread_use_mm publishes ->mm after the switch, interrupts on",
                      "sparc64.flush = ipi_trim");

// 2655421ae69f (6.4): borrowers hold no reference; the last mmdrop has them leave the mm, and finds them
// by mm_cpumask. Only where each of them has its bit: powerpc64.
enum LazyVersion { kRefcount, kShootdown };
VersionSwitch lazy_version("mm.lazy_tlb", {"refcount", "shootdown"},
                           "2655421ae69f lazy tlb: shoot lazies, non-refcounting lazy tlb mm reference "
                           "handling scheme");

void TellUsers(Mm* mm, std::int64_t before, std::int64_t after) {
  Tell({.kind = EventKind::kMmUsers,
        .mm = mm,
        .a = static_cast<std::uint64_t>(before),
        .b = static_cast<std::uint64_t>(after)});
}

void TellCount(Mm* mm, std::int64_t before, std::int64_t after) {
  Tell({.kind = EventKind::kMmCount,
        .mm = mm,
        .a = static_cast<std::uint64_t>(before),
        .b = static_cast<std::uint64_t>(after)});
}

// Linux 6.12 kernel/fork.c __mmput(); aio, ksm, khugepaged, uprobes and files are not modelled.
void __mmput(Mm* mm) {
  Tell({.kind = EventKind::kLastMmput, .mm = mm});
  exit_mmap(mm);
  FputMappedFile(mm);
  GhostDrop(mm);
  mmdrop(mm);
}

void do_shoot_lazy_tlb(std::uint64_t info) {
  Mm* const mm = reinterpret_cast<Mm*>(info);
  if (READ_ONCE(current()->active_mm) != mm) return;
  this_cpu().in_switch = 1;
  WRITE_ONCE(current()->active_mm, Kernel::Get().init_mm);
  switch_mm(mm, Kernel::Get().init_mm);
  this_cpu().in_switch = 0;
}

void cleanup_lazy_tlbs(Mm* mm) {
  if (LazyTlbRefcounted()) return;
  preempt_disable();
  const CpuBits mask = READ_ONCE(mm->mm_cpumask);
  const auto info = reinterpret_cast<std::uint64_t>(mm);
  smp_call_function_many(mask, &do_shoot_lazy_tlb, info, /*wait=*/true);
  const int pil = local_irq_save();
  do_shoot_lazy_tlb(info);
  local_irq_restore(pil);
  preempt_enable();
}

// Linux 6.12 kernel/fork.c __mmdrop(). With refcounted lazy TLB nobody is left to be told.
void __mmdrop(Mm* mm) {
  cleanup_lazy_tlbs(mm);
  Tell({.kind = EventKind::kMmFreed, .mm = mm});
  mm->alive = 0;  // before its context number goes: somebody else may have it at once
  destroy_context(mm);
  sim::Machine& m = sim::Machine::Get();
  m.Poison(mm->pgd, sizeof(PageTable));
  m.Poison(mm, offsetof(Mm, id));
}

}  // namespace

void mmget(Mm* mm) {
  const std::int64_t before = ATOMIC_RMW(mm->mm_users, old + 1);
  TellUsers(mm, before, before + 1);
}

bool mmget_not_zero(Mm* mm) {
  const std::int64_t before = ATOMIC_RMW(mm->mm_users, old != 0 ? old + 1 : old);
  if (before == 0) return false;
  TellUsers(mm, before, before + 1);
  return true;
}

void mmput(Mm* mm) {
  const std::int64_t before = ATOMIC_RMW(mm->mm_users, old - 1);
  TellUsers(mm, before, before - 1);
  if (before == 1) __mmput(mm);
}

void mmput_async(Mm* mm) {
  const std::int64_t before = ATOMIC_RMW(mm->mm_users, old - 1);
  TellUsers(mm, before, before - 1);
  if (before == 1) WRITE_ONCE(Kernel::Get().globals->mmput_async, mm);
}

void mmput_async_fn() {
  Cell<Mm*>& work = Kernel::Get().globals->mmput_async;
  for (;;) {
    PollUntil(SHOOTDOWN_SITE("work"), sim::WaitKind::kIdle, [&work] { return work.Peek() != nullptr; });
    Mm* const mm = READ_ONCE(work);
    WRITE_ONCE(work, nullptr);
    __mmput(mm);
  }
}

Mm* get_task_mm(Task* task) {
  spin_lock(&task->alloc_lock);
  Mm* mm = READ_ONCE(task->mm);
  if (mm != nullptr) {
    if (task->kthread != 0) {
      mm = nullptr;
    } else {
      mmget(mm);
    }
  }
  spin_unlock(&task->alloc_lock);
  return mm;
}

void GhostGrab(Mm* mm) { ++mm->grabs; }
void GhostDrop(Mm* mm) { --mm->grabs; }

void mmgrab(Mm* mm) {
  const std::int64_t before = ATOMIC_RMW(mm->mm_count, old + 1);
  TellCount(mm, before, before + 1);
}

void mmdrop(Mm* mm) {
  const std::int64_t before = ATOMIC_RMW(mm->mm_count, old - 1);
  TellCount(mm, before, before - 1);
  if (before == 1) __mmdrop(mm);
}

bool LazyTlbRefcounted() { return lazy_version.value() == kRefcount; }

void mmgrab_lazy_tlb(Mm* mm) {
  if (LazyTlbRefcounted()) mmgrab(mm);
}

void mmdrop_lazy_tlb(Mm* mm) {
  if (LazyTlbRefcounted()) return mmdrop(mm);
  smp_mb();  // membarrier relies on the one of mmdrop
}

// Linux 6.12 kernel/kthread.c kthread_use_mm(); Linux 4.19 mm/mmu_context.c use_mm().
void kthread_use_mm(Mm* mm) {
  Task* const tsk = current();
  Tell({.kind = EventKind::kUseMm, .mm = mm});
  tsk->using_mm = 1;
  Mm* active_mm = nullptr;
  if (use_mm_version.value() == kUseMm612) {
    const bool switch_first = trim_w5.value() != 0;
    mmgrab(mm);
    spin_lock(&tsk->alloc_lock);
    if (!switch_first) local_irq_disable();
    this_cpu().in_switch = 1;
    active_mm = READ_ONCE(tsk->active_mm);
    WRITE_ONCE(tsk->active_mm, mm);
    if (!switch_first) WRITE_ONCE(tsk->mm, mm);
    Tell({.kind = EventKind::kMmFieldsChanged, .mm = mm});
    switch_mm(active_mm, mm);
    if (switch_first) {
      WRITE_ONCE(tsk->mm, mm);
      Tell({.kind = EventKind::kMmFieldsChanged, .mm = mm});
    }
    this_cpu().in_switch = 0;
    Tell({.kind = EventKind::kMmSwitched, .mm = mm});
    if (!switch_first) local_irq_enable();
    spin_unlock(&tsk->alloc_lock);
    mmdrop_lazy_tlb(active_mm);
  } else {
    spin_lock(&tsk->alloc_lock);
    this_cpu().in_switch = 1;
    active_mm = READ_ONCE(tsk->active_mm);
    if (active_mm != mm) {
      mmgrab(mm);
      WRITE_ONCE(tsk->active_mm, mm);
    }
    WRITE_ONCE(tsk->mm, mm);
    Tell({.kind = EventKind::kMmFieldsChanged, .mm = mm});
    switch_mm(active_mm, mm);
    this_cpu().in_switch = 0;
    Tell({.kind = EventKind::kMmSwitched, .mm = mm});
    spin_unlock(&tsk->alloc_lock);
    if (active_mm != mm) mmdrop(active_mm);
  }
}

void kthread_unuse_mm(Mm* mm) {
  Task* const tsk = current();
  spin_lock(&tsk->alloc_lock);
  if (use_mm_version.value() == kUseMm612) {
    smp_mb();
    local_irq_disable();
    WRITE_ONCE(tsk->mm, nullptr);
    Tell({.kind = EventKind::kMmFieldsChanged});
    mmgrab_lazy_tlb(mm);
    enter_lazy_tlb(mm, tsk);
    local_irq_enable();
    spin_unlock(&tsk->alloc_lock);
    tsk->using_mm = 0;
    mmdrop(mm);
  } else {
    WRITE_ONCE(tsk->mm, nullptr);
    Tell({.kind = EventKind::kMmFieldsChanged});
    enter_lazy_tlb(mm, tsk);
    spin_unlock(&tsk->alloc_lock);
    tsk->using_mm = 0;
  }
}

// Linux 6.12 kernel/exit.c exit_mm().
void exit_mm() {
  Task* const tsk = current();
  Mm* const mm = READ_ONCE(tsk->mm);
  if (mm == nullptr) return;
  mmap_read_lock(mm);
  mmgrab_lazy_tlb(mm);
  spin_lock(&tsk->alloc_lock);
  smp_mb();
  local_irq_disable();
  WRITE_ONCE(tsk->mm, nullptr);
  Tell({.kind = EventKind::kMmFieldsChanged});
  enter_lazy_tlb(mm, tsk);
  local_irq_enable();
  spin_unlock(&tsk->alloc_lock);
  mmap_read_unlock(mm);
  mmput(mm);
}

// Linux 6.12 kernel/exit.c do_exit().
void do_exit() {
  exit_mm();
  task_work_run();
  do_task_dead();
}

}  // namespace shootdown::kernel
