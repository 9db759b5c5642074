#include "fuzz/kernel/kernel.h"

#include <algorithm>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/sched.h"
#include "fuzz/kernel/smp_call.h"
#include "fuzz/kernel/task_work.h"
#include "fuzz/sim/forget.h"

namespace shootdown::kernel {
namespace {

using sim::Machine;
using sim::WaitKind;

void Softint(int level) {
  if (level == kPilCallFunction) generic_smp_call_function_interrupt();
  if (level == sim::kPilReschedule) scheduler_ipi();
  if (arch().softint != nullptr) arch().softint(level);
}

void Nmi() {
  if (arch().nmi != nullptr) arch().nmi();
}

// Some task of this queue still has `flag` to set.
bool QueueHas(const Rq* rq, std::uint8_t Task::* flag) {
  const std::uint64_t queue = rq->queue.Peek();
  const Kernel& k = Kernel::Get();
  for (int t = 0; t < k.task_count; ++t) {
    if ((queue >> t & 1) != 0 && k.tasks[t].*flag == 0) return true;
  }
  return false;
}

// The task has nothing to do any more, but others of this CPU may.
[[noreturn]] void StandAside(const sim::Site& site, std::uint8_t Task::* flag) {
  sim::Forgetting scope(site);
  for (;;) {
    scope.Again();
    // Other CPUs ask too, so the queue is that of this CPU, whoever asks.
    const Rq* const rq = &this_cpu().rq;
    Machine::Get().WaitUntil(site, WaitKind::kIdle, [rq, flag] { return QueueHas(rq, flag); });
    schedule();
  }
}

}  // namespace

Kernel::Kernel(Machine& machine, const Arch& chosen) : machine_(machine) {
  SHOOTDOWN_CHECK(live_ == nullptr);
  SHOOTDOWN_CHECK(machine.cpu_count() <= CpuBits::kCpuCountMax);
  live_ = this;
  arch = &chosen;
  machine.SetGuest({.thread_main = &Kernel::ThreadMain,
                    .softint = &Softint,
                    .nmi = &Nmi,
                    .can_walk = chosen.can_walk,
                    .walk = chosen.walk,
                    .walk_page_count = kVirtPageCount,
                    .interrupt_return = &preempt_check_resched,
                    .quiet = [] { Kernel::Get().Quiet(); }});
  machine.SetPoisonHandler([](const sim::Site& site, sim::WordIndex word) {
    Tell({.kind = EventKind::kFreedTouched, .a = word, .site = &site});
  });
}

Kernel::~Kernel() { live_ = nullptr; }

void Kernel::Boot(std::vector<BootTask> boot_tasks, int process_count) {
  boot = std::move(boot_tasks);
  sim::Arena& arena = machine_.arena();
  const auto& config = machine_.config();
  const int cpu_count = config.cpu_count;
  task_count = static_cast<int>(boot.size());
  page_count = config.page_count;
  tsb_entries = config.tsb_entries;
  mm_count = process_count + 1;
  SHOOTDOWN_CHECK(task_count <= kTaskCountMax);
  SHOOTDOWN_CHECK(mm_count <= kMmCountMax);
  reached_.assign(2 * boot.size(), 0);

  globals = arena.Alloc<Globals>("kernel");
  cpus = arena.Alloc<PerCpu>("percpu", static_cast<std::size_t>(cpu_count));
  idle = arena.Alloc<Task>("swapper", static_cast<std::size_t>(cpu_count));
  pages = arena.Alloc<Page>("page", static_cast<std::size_t>(page_count));
  init_mm = mms = arena.Alloc<Mm>("mm", static_cast<std::size_t>(mm_count));
  tasks = arena.Alloc<Task>("task", static_cast<std::size_t>(std::max(task_count, 1)));

  arch->boot(*this);
  globals->free_pages.Init(page_count == 64 ? ~std::uint64_t{0}
                                            : (std::uint64_t{1} << page_count) - 1);
  for (int p = 0; p < page_count; ++p) pages[p].number = p;
  BootMms();
  BootIdleTasks();
  for (int t = 0; t < task_count; ++t) BootOneTask(t);
  machine_.TakeSnapshot();
}

void Kernel::BootMms() {
  // init_mm: its counts never reach 0; each CPU's idle task holds a lazy reference.
  init_mm->mm_users.Init(1);
  init_mm->mm_count.Init(1 + machine_.cpu_count());
  init_mm->alive = 1;
  for (int i = 0; i < mm_count; ++i) {
    Mm* const mm = &mms[i];
    mm->id = static_cast<std::uint64_t>(i);
    const bool exists =
        i == 0 || std::ranges::any_of(boot, [i](const BootTask& t) { return t.process == i - 1; });
    mm->alive = mm->grabs = exists ? 1 : 0;
    if (i == 0) continue;
    mm->mm_count.Init(exists ? 1 : 0);
    mm->pgd = machine_.arena().Alloc<PageTable>("mm" + std::to_string(i) + ".pgd");
    arch->boot_mm(*this, mm);
  }
}

void Kernel::BootIdleTasks() {
  for (int c = 0; c < machine_.cpu_count(); ++c) {
    Task* const swapper = &idle[c];
    by_thread[IdleActor(c).code()] = swapper;
    swapper->number = c;
    swapper->idle = 1;
    swapper->kthread = 1;
    swapper->active_mm.Init(init_mm);
    swapper->cpu.Init(static_cast<std::uint64_t>(c));
    cpus[c].rq.curr.Init(swapper);
    cpus[c].secondary_mm.Init(init_mm);
    cpus[c].hardware_mm = init_mm;
    machine_.BindThread(CpuId(static_cast<std::uint8_t>(c)), IdleActor(c));
  }
}

void Kernel::BootOneTask(int t) {
  const BootTask& spec = boot[static_cast<std::size_t>(t)];
  Task* const task = &tasks[t];
  by_thread[TaskActor(t).code()] = task;
  task->number = t;
  task->kthread = static_cast<std::uint8_t>(spec.process < 0);
  task->cpu.Init(static_cast<std::uint64_t>(spec.cpu));
  // As a task stands that schedule() has put aside, holding the run queue's lock.
  task->preempt_count = 2;
  task->spinlocks_held = 1;
  if (spec.starts_asleep) {
    task->state.Init(TaskState::kSleeping);
    task->sleeps_idle = 1;
    task->setup_done = 1;
    return;
  }
  if (spec.process >= 0) {
    Mm* const mm = &mms[spec.process + 1];
    task->mm.Init(mm);
    task->active_mm.Init(mm);
    mm->mm_users.Init(mm->mm_users.Peek() + 1);
  }
  Rq* const rq = &cpus[spec.cpu].rq;
  rq->queue.Init(rq->queue.Peek() | std::uint64_t{1} << t);
  rq->need_resched.Init(1);
}

bool Kernel::Setup(sim::Scheduler& default_order) {
  in_setup_ = true;
  const sim::RunEnd end = machine_.Run(default_order);
  in_setup_ = false;
  if (end != sim::RunEnd::kQuiet) return false;
  for (int t = 0; t < task_count; ++t) {
    if (tasks[t].setup_done == 0) return false;
  }
  machine_.TakeSnapshot();
  return true;
}

void Kernel::ThreadMain(ActorId thread, bool switched_in) {
  Kernel& k = Get();
  if (switched_in) {
    // schedule_tail
    finish_task_switch(this_cpu().switched_from);
    preempt_enable_no_resched();
  }
  if (thread.actor_class() == ActorId::Class::kIdle) do_idle();
  k.RunOps(&k.tasks[thread.number()]);
}

void Kernel::RunOps(Task* task) {
  const BootTask& spec = boot[static_cast<std::size_t>(task->number)];
  if (in_setup_) {
    for (const BoundOp& op : spec.setup) op.spec->run(op);
    task->setup_done = 1;
    StandAside(SHOOTDOWN_SITE("setup done"), &Task::setup_done);
  }
  std::uint32_t count = 0;
  for (const BoundOp& op : spec.ops) {
    ++count;
    Begun(*task) = std::max(Begun(*task), count);
    const sim::Forgetting scope(SHOOTDOWN_SITE("op"));
    op.spec->run(op);
    task_work_run();
    Done(*task) = std::max(Done(*task), count);
    Tell({.kind = EventKind::kOperationDone});
  }
  task->finished = 1;
  StandAside(SHOOTDOWN_SITE("user mode"), &Task::finished);
}

void Kernel::NoteDeath(const Task& task) { Done(task) = Begun(task); }

void Kernel::Quiet() {
  if (in_setup_) return;
  bool stuck = false;
  for (int c = 0; c < machine_.cpu_count(); ++c) stuck = stuck || machine_.WaitsBlocked(c);
  for (int t = 0; t < task_count; ++t) {
    const Task& task = tasks[t];
    if (task.finished != 0) continue;
    stuck = stuck || (task.state.Peek() == TaskState::kSleeping && task.sleeps_idle == 0) ||
            (task.polls_for != nullptr && task.polls_blocked != 0);
  }
  Tell({.kind = stuck ? EventKind::kDeadlock : EventKind::kQuiet});
}

}  // namespace shootdown::kernel
