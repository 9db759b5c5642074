// Sleeping, waking, waiting and sharing a CPU.
#include <gtest/gtest.h>

#include "fuzz/kernel/ops.h"
#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

using kernel::TaskState;

constexpr int kWalks = 300;

// Two threads of one process.
Scenario Threads(int peer_cpu, const std::string& app_ops, const std::string& peer_ops) {
  return CleanScenario(
      {User(
           {.name = "app", .cpu = 0, .setup = "mmap A 2; touch A", .ops = app_ops, .process = "p"}),
       User({.name = "peer", .cpu = peer_cpu, .ops = peer_ops, .process = "p"})});
}

void ExpectAllFinished(const Ran& ran) {
  for (int t = 0; t < ran.kernel().task_count; ++t) {
    EXPECT_EQ(ran.task(t).finished, 1) << "task " << t;
  }
}

// ---- mmap_lock ----------------------------------------------------------------------------------

TEST(MmapLockTest, AWriterOnAnotherCpuSleepsUntilTheLockIsFree) {
  const Ran ran(Threads(1, "munmap A", "mmap C"),
                "T0@[do_munmap: mm->vma_pages]>C1");  // the lock is held

  EXPECT_EQ(ran.outcome().check, "clean");
  ExpectAllFinished(ran);
  EXPECT_EQ(ran.Count("prepare_to_wait: task->state"), 1);
  EXPECT_EQ(ran.mm(1).mmap_lock.count.Peek(), 0);
  EXPECT_EQ(ran.mm(1).mmap_lock.waiters.Peek(), 0u);
}

TEST(MmapLockTest, ReadersShareTheLock) {
  // Both are in the fault path at once, and nobody sleeps.
  const Ran ran(Threads(1, "mmap C; touch C", "touch B"), "T0@[handle_mm_fault: mm->vma_pages]>C1");

  EXPECT_EQ(ran.outcome().check, "clean");
  ExpectAllFinished(ran);
  EXPECT_EQ(ran.Count("prepare_to_wait: task->state"), 0);
}

TEST(MmapLockTest, AHolderThatIsPreemptedLetsTheWaiterOfItsCpuSleep) {
  const Ran ran(Threads(0, "munmap A", "mmap C"), "T0@[do_munmap: mm->vma_pages]~resched");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  ExpectAllFinished(ran);
}

TEST(MmapLockTest, ManyContendersOnOneOrManyCpusDoNotDeadlock) {
  for (const int cpus : {1, 2, 4}) {
    std::vector<TaskSpec> tasks;
    for (int t = 0; t < 4; ++t) {
      tasks.push_back(User({.name = "t" + std::to_string(t),
                            .cpu = t % cpus,
                            .setup = "mmap A 2",
                            .ops = "touch A; munmap A; mmap A; write A",
                            .process = "p"}));
    }
    ExpectCleanWalks(CleanScenario(std::move(tasks), cpus), kWalks);
  }
}

// ---- sleep and wake ----------------------------------------------------------------------------

TEST(SleepTest, AWakeUpBeforeTheSleepIsNotLost) {
  const Ran ran(Threads(1, "wake q", "sleep q"));

  EXPECT_EQ(ran.outcome().check, "clean");
  ExpectAllFinished(ran);
}

TEST(SleepTest, AWakeUpEndsASleep) {
  const Ran ran(Threads(1, "touch A; wake q", "sleep q"), "T0@0>C1");

  EXPECT_EQ(ran.outcome().check, "clean");
  ExpectAllFinished(ran);
}

TEST(SleepTest, EachWakeUpLetsOneSleeperOn) {
  const Ran ran(
      CleanScenario({User({.name = "a", .ops = "sleep q"}), User({.name = "b", .ops = "sleep q"}),
                     User({.name = "c", .cpu = 1, .ops = "wake q"})}));

  EXPECT_EQ(ran.outcome().check, "clean");  // asleep for want of work: no deadlock
  EXPECT_EQ(ran.task(0).finished + ran.task(1).finished, 1);
}

TEST(SleepTest, SleepersAndWakersStayCleanUnderRandomWalks) {
  ExpectCleanWalks(
      CleanScenario({User({.name = "a", .ops = "sleep q; migrate 1; sleep q; wake r"}),
                     User({.name = "b", .cpu = 1, .ops = "wake q; sleep r; migrate 0; wake q"}),
                     Kthread({.name = "c", .cpu = 1, .ops = "wake q; wake q; migrate 0; exit"})},
                    2),
      kWalks);
}

// A waker has seen the sleeper asleep, when that one finds the lock free by itself and dies. It
// must stay dead (Linux: set_special_state).
TEST(SleepTest, ALateWakeUpDoesNotReviveTheDead) {
  const Ran ran(Threads(1, "munmap A", "mmap C; exit"),
                "T0@[do_munmap: mm->vma_pages]>C1 T1@[prepare_to_wait: smp_mb]>C0 "
                "T0@[try_to_wake_up: task->state]+1>C1");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.task(1).state.Peek(), TaskState::kDead);
}

// The waker has read where the sleeper is; by the time it has that run queue, the sleeper has gone
// on, moved to another CPU, and sleeps there for something else (Linux: task_rq_lock looks again).
TEST(SleepTest, AWakerFollowsASleeperThatMoved) {
  const Ran ran(
      CleanScenario({User({.name = "waker", .cpu = 0, .ops = "wake q"}),
                     User({.name = "sleeper", .cpu = 1, .ops = "sleep q; migrate 2; sleep r"})},
                    3),
      "T0@0>C1 T1@[prepare_to_wait: smp_mb]>C0 T0@[try_to_wake_up: spin_lock(&rq->lock)]>C1");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  int cpu = -1;
  for (const sim::LogEntry& row : ran.machine().log()) {
    if (ActorId(row.actor) == TaskActor(1)) cpu = row.cpu;
  }
  EXPECT_EQ(cpu, 2);
}

// The sleeper's state is still in its store buffer when the lock is released and when a reschedule
// interrupt comes: the interrupt must see it, and leave the sleeper to look at the lock once more.
TEST(SleepTest, APreemptionBeforeTheStateIsVisibleLosesNoWakeUp) {
  const Ran ran(Threads(1, "munmap A", "mmap C"),
                "T0@[do_munmap: mm->vma_pages]>C1 T1@[prepare_to_wait: task->state]~hold(0) "
                "T1@[prepare_to_wait: smp_mb]>C0 T1@[prepare_to_wait: smp_mb]~resched");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  ExpectAllFinished(ran);
}

TEST(SleepTest, WaitersThatExitStayCleanUnderRandomWalks) {
  ExpectCleanWalks(Threads(1, "munmap A; munmap B; exit", "mmap C; mmap D; exit"), kWalks);
}

// ---- sharing a CPU -----------------------------------------------------------------------------

TEST(ShareTest, APollingKernelThreadLetsItsOwnersRun) {
  // All start on CPU 0, and the kernel threads come first: they poll, and must give way.
  const Ran ran(
      CleanScenario({User({.name = "a",
                           .setup = "mmap A; touch A; io_uring_setup ring",
                           .ops = "io_uring_submit ring write A; io_uring_close ring; exit"}),
                     User({.name = "b",
                           .setup = "mmap A; touch A; vhost_set_owner dev",
                           .ops = "vhost_kick dev read A; vhost_release dev; exit"}),
                     Kthread({.name = "sq", .ops = "io_sq_thread ring"}),
                     Kthread({.name = "worker", .ops = "vhost_worker dev"})},
                    1));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  ExpectAllFinished(ran);
}

TEST(ShareTest, TwoThreadsThatPollForNothingComeToRest) {
  const Ran ran(CleanScenario({User({.name = "a", .setup = "io_uring_setup r1; io_uring_setup r2"}),
                               Kthread({.name = "sq1", .ops = "io_sq_thread r1"}),
                               Kthread({.name = "sq2", .ops = "io_sq_thread r2"})},
                              1));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(StarvedTasks(), "");
}

// The worker's own store is still on its way to memory when it looks for more work.
TEST(ShareTest, APollerIsNotMisledByItsOwnHeldStore) {
  const Ran ran(CleanScenario({User({.name = "a",
                                     .setup = "mmap A; touch A; vhost_set_owner dev",
                                     .ops = "vhost_kick dev read A"}),
                               Kthread({.name = "worker", .cpu = 1, .ops = "vhost_worker dev"})}),
                "T1@[vhost_worker: dev->work_head]~hold(0)");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
}

TEST(ShareTest, AReschedulingInterruptHandsTheCpuOver) {
  const Ran ran(Threads(0, "touch A; touch A; touch A", "mmap C; exit"), "T0@1~resched");

  EXPECT_EQ(ran.outcome().check, "clean");
  ExpectAllFinished(ran);
  EXPECT_EQ(ran.Count("scheduler_ipi: rq->need_resched"), 1);
}

TEST(ShareTest, AMigratedTaskRunsOnWhereItWasSent) {
  const Ran ran(Threads(1, "migrate 1; touch A; migrate 0; touch A", "touch A; yield; touch A"));

  EXPECT_EQ(ran.outcome().check, "clean");
  ExpectAllFinished(ran);
  EXPECT_EQ(ran.task(0).cpu.Peek(), 0u);
}

TEST(ShareTest, OneCpuRunsEverythingCleanly) {
  ExpectCleanWalks(
      CleanScenario(
          {User({.name = "a",
                 .setup = "mmap A; touch A; io_uring_setup ring",
                 .ops = "io_uring_submit ring read A; munmap A; io_uring_close ring; exit"}),
           User({.name = "b", .setup = "mmap A", .ops = "touch A; yield; munmap A; exit"}),
           Kthread({.name = "sq", .ops = "io_sq_thread ring"})},
          1),
      kWalks);
}

// ---- what is promised --------------------------------------------------------------------------

// A munmap promises its own change alone: another thread has mapped the page anew by the time it
// returns, and is about to unmap it again.
TEST(PromiseTest, MunmapDoesNotPromiseALaterChangeOfSomebodyElse) {
  Scenario scenario = CleanScenario(
      {User({.name = "a",
             .cpu = 0,
             .setup = "mmap A; touch A",
             .ops = "munmap A; yield",
             .process = "p"}),
       User({.name = "b", .cpu = 1, .ops = "mmap A; touch A; munmap A", .process = "p"}),
       User({.name = "c", .cpu = 2, .ops = "touch A; yield; touch A", .process = "p"})},
      3);

  const Ran ran(scenario,
                "T0@[rwsem_wake: sem->waiters]>C1 T1@[do_munmap: mmap_write_lock(mm)]>C2 "
                "T2@[schedule: spin_lock(&rq->lock)]>C1 "
                "T1@[flush_tsb_user: spin_lock(&mm->context.lock)]>C0 "
                "T0@[schedule: spin_lock(&rq->lock)]>C2");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.task(2).faults, 0u);  // it did use the page
}

}  // namespace
}  // namespace shootdown::testing
