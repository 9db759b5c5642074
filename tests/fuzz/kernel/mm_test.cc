// The life of an mm: who counts, who borrows, and who frees it.
#include <gtest/gtest.h>

#include <utility>

#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

using kernel::TaskState;

// What a wrong count looks like at the end of a run: the judge refcount_conservation, on by
// default, counts too, so a clean run says more than these numbers.
struct Counts {
  std::int64_t users;
  std::int64_t count;
  friend bool operator==(const Counts&, const Counts&) = default;
};
void PrintTo(const Counts& c, std::ostream* out) {
  *out << "mm_users=" << c.users << " mm_count=" << c.count;
}
Counts CountsOf(const kernel::Mm& mm) { return {mm.mm_users.Peek(), mm.mm_count.Peek()}; }

TEST(MmTest, EachThreadIsOneUserAndAllUsersAreOneReference) {
  const Ran ran(CleanScenario(
      {User({.name = "a", .process = "p"}), User({.name = "b", .cpu = 1, .process = "p"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{2, 1}));
}

TEST(MmTest, CloneAddsAUserWhenItStartsTheThread) {
  const Ran ran(CleanScenario({User({.name = "a", .ops = "clone b", .process = "p"}),
                               User({.name = "b", .cpu = 1, .process = "p"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{2, 1}));
  EXPECT_EQ(ran.task(1).mm.Peek(), &ran.mm(1));
  EXPECT_EQ(ran.task(1).finished, 1);
}

TEST(MmTest, AThreadThatIsNeverClonedIsNoUser) {
  const Ran ran(CleanScenario({User({.name = "a", .ops = "sleep queue; clone b", .process = "p"}),
                               User({.name = "b", .cpu = 1, .process = "p"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{1, 2}));  // `a`, and the idle task while `a` sleeps
  EXPECT_EQ(ran.task(1).mm.Peek(), nullptr);
}

TEST(MmTest, AnExitedThreadLeavesTheMappingsToTheOthers) {
  const Ran ran(
      CleanScenario({User({.name = "a", .setup = "mmap A; touch A", .ops = "exit", .process = "p"}),
                     User({.name = "b", .cpu = 1, .ops = "touch A", .process = "p"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  // The idle task of CPU 0 borrows the mm that the dead thread has left there.
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{1, 2}));
  EXPECT_EQ(ran.kernel().idle[0].active_mm.Peek(), &ran.mm(1));
  EXPECT_EQ(ran.task(0).state.Peek(), TaskState::kDead);
  EXPECT_EQ(ran.task(1).faults, 0u);
}

TEST(MmTest, TheLastExitTearsTheMappingsDownAndGivesThePagesBack) {
  const Ran ran(
      CleanScenario({User({.name = "a", .setup = "mmap A 3; touch A; write C", .ops = "exit"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{0, 1}));  // the idle task's
  EXPECT_EQ(ran.mm(1).vma_pages.Peek(), 0u);
  EXPECT_EQ(ran.mm(1).pgd->pmd.Peek(), 0u);
  EXPECT_EQ(ran.kernel().globals->free_pages.Peek(), 0xffu);
}

TEST(MmTest, TheLastExitFlushesNoTlb) {
  const Ran ran(CleanScenario(
      {User({.name = "a", .setup = "mmap A; touch A; migrate 1; touch A", .ops = "exit"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count(sim::StepKind::kDemap), 0);
  EXPECT_EQ(ran.Count(sim::StepKind::kMondoSend), 0);
  EXPECT_EQ(ran.TlbEntries(1, 1), 1);  // stale, and out of reach: nobody loads the number any more
}

TEST(MmTest, AMmWithoutHoldersIsFreedWhenTheLastLazyCpuMovesOn) {
  // The other process comes to CPU 0 when the first has gone: the idle task lets go of what it has.
  const Ran ran(CleanScenario({User({.name = "a", .ops = "exit"}),
                               User({.name = "b", .cpu = 1, .ops = "migrate 0"})}),
                "");

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.mm(1).alive, 0u);
  EXPECT_EQ(ran.mm(1).mm_count.Peek(), 0);
  EXPECT_EQ(ran.Count("destroy_context: mm->context.tsb"), 2);  // read, and cleared
}

TEST(MmTest, ALazyReferenceIsHandedOnFromOneKernelThreadToTheNext) {
  // k1 borrows from the process, k2 takes over from k1, the idle task from k2: one reference in
  // all.
  const Ran ran(CleanScenario({User({.name = "a", .ops = "exit"}),
                               Kthread({.name = "k1", .ops = "yield; yield; exit"}),
                               Kthread({.name = "k2", .ops = "yield; yield; exit"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{0, 1}));
  EXPECT_EQ(ran.task(1).active_mm.Peek(), nullptr);
  EXPECT_EQ(ran.task(2).active_mm.Peek(), nullptr);
  EXPECT_EQ(ran.kernel().idle[0].active_mm.Peek(), &ran.mm(1));
  EXPECT_EQ(ran.kernel().idle[0].mm.Peek(), nullptr);
}

TEST(MmTest, MmgetNotZeroFailsWhenTheLastUserIsGone) {
  const Ran ran(
      CleanScenario({User({.name = "a", .setup = "mmap A; userfaultfd ufd", .ops = "exit"}),
                     User({.name = "b", .ops = "yield; userfaultfd_copy ufd A"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("mmget_not_zero: mm->mm_users"), 1);
  EXPECT_EQ(ran.Count("userfaultfd_copy: mmap_read_lock(mm)"), 0);
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{0, 1}));  // the userfaultfd's
}

TEST(MmTest, OnlyAMappedPageGetsAVmaOfItsOwn) {
  const Ran ran(CleanScenario(
      {User({.name = "a", .setup = "mmap A; userfaultfd ufd", .ops = "userfaultfd_register ufd B"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.mm(1).mmap.Peek(), nullptr);
}

TEST(MmTest, AUserfaultfdMayBeOpenedAndClosedAgain) {
  const std::string once = "userfaultfd ufd; userfaultfd_register ufd A; userfaultfd_close ufd";
  const Ran ran(CleanScenario({User({.name = "a", .setup = "mmap A", .ops = once + "; " + once})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(1).mmap.Peek(), nullptr);
}

TEST(MmTest, AUserfaultfdOutlivesItsProcess) {
  const Ran ran(CleanScenario(
      {User({.name = "a", .setup = "mmap A; userfaultfd ufd; userfaultfd_register ufd A", .ops = "exit"}),
       User({.name = "b", .cpu = 1, .ops = "userfaultfd_close ufd; userfaultfd ufd; userfaultfd_close ufd"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(1).grabs, 0u);
  EXPECT_EQ(ran.mm(2).grabs, 1u);  // its own
}

TEST(MmTest, ADeviceIsReleasedOnce) {
  const Ran ran(CleanScenario(
      {User({.name = "a", .ops = "vhost_set_owner dev; vhost_release dev; vhost_release dev"}),
       Kthread({.name = "worker", .cpu = 1, .ops = "vhost_worker dev"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(1).mm_users.Peek(), 1);
}

TEST(MmTest, GetTaskMmRefusesKernelThreadsEvenWhenTheyUseAnMm) {
  const Ran ran(CleanScenario({User({.name = "a",
                                     .setup = "mmap A; touch A; vhost_set_owner dev",
                                     .ops = "vhost_kick dev read A; sleep q; proc_open f worker"}),
                               User({.name = "b", .ops = "yield; wake q"}),
                               Kthread({.name = "worker", .cpu = 1, .ops = "vhost_worker dev"})}),
                "T0@[prepare_to_wait: task->state]>C1");

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.task(2).mm.Peek(), &ran.mm(1));
  EXPECT_EQ(ran.Count("get_task_mm: task->mm"), 1);
  EXPECT_EQ(ran.Count("mem_open: file->mm"), 0);
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{2, 2}));  // a and the device; users and the worker
}

// Each pair of operations takes and gives back.
struct Pair {
  std::string name;
  std::string setup;
  std::string ops;
  std::string kthread_ops;
};
void PrintTo(const Pair& p, std::ostream* out) { *out << p.name; }

class HolderTest : public ::testing::TestWithParam<Pair> {
 protected:
  [[nodiscard]] static Scenario Make(bool exits) {
    const Pair& p = GetParam();
    return CleanScenario(
        {User({.name = "a",
               .setup = "mmap A 2; touch A" + (p.setup.empty() ? "" : "; " + p.setup),
               .ops = p.ops + (exits ? "; exit" : "")}),
         Kthread({.name = "kt", .cpu = 1, .ops = p.kthread_ops}), User({.name = "b", .cpu = 0})});
  }
};

TEST_P(HolderTest, LeavesTheCountersAsTheyWere) {
  const Ran ran(Make(/*exits=*/false));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  const kernel::Mm& mm = ran.mm(1);
  EXPECT_EQ(mm.mm_users.Peek(), 1);
  EXPECT_EQ(mm.grabs, 1u);  // all that is left beside lazy CPUs is the users' own
}

TEST_P(HolderTest, LetsTheMmGoWithItsLastUser) {
  const Ran ran(Make(/*exits=*/true));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(1).mm_users.Peek(), 0);
  EXPECT_EQ(ran.mm(1).grabs, 0u);
}

TEST_P(HolderTest, StaysCleanUnderRandomWalks) {
  ExpectCleanWalks(Make(/*exits=*/false), 300);
  ExpectCleanWalks(Make(/*exits=*/true), 300);
}

INSTANTIATE_TEST_SUITE_P(
    All, HolderTest,
    ::testing::Values(
        Pair{.name = "Nothing", .setup = "", .ops = "touch A", .kthread_ops = ""},
        Pair{.name = "IoUring",
             .setup = "io_uring_setup ring",
             .ops = "io_uring_submit ring read A 3; munmap A; io_uring_submit ring write B; "
                    "io_uring_close ring",
             .kthread_ops = "io_sq_thread ring"},
        Pair{.name = "Vhost",
             .setup = "",
             .ops = "vhost_set_owner dev; vhost_kick dev write A; munmap A; vhost_kick dev read B; "
                    "vhost_release dev",
             .kthread_ops = "vhost_worker dev"},
        Pair{
            .name = "Userfaultfd",
            .setup = "userfaultfd ufd",
            .ops =
                "munmap B; userfaultfd_copy ufd B; mmap B; touch B; sleep q; userfaultfd_close ufd",
            .kthread_ops = "userfaultfd_copy ufd B; userfaultfd_copy ufd A; wake q"},
        Pair{.name = "ProcMem",
             .setup = "",
             .ops = "munmap A; touch B",
             .kthread_ops =
                 "proc_open f a; proc_read f A; proc_read f B; proc_close f; proc_read f A"},
        Pair{.name = "Migration",
             .setup = "",
             .ops = "migrate 1; munmap A; touch B; migrate 0; touch B",
             .kthread_ops = "migrate 0; yield; migrate 1"}),
    [](const ::testing::TestParamInfo<Pair>& test) { return test.param.name; });

TEST(MmTest, AKernelThreadAccessesThePageThatItIsTold) {
  for (const auto& [ops, kthread_ops] :
       {std::pair{"vhost_set_owner dev; vhost_kick dev write B; vhost_release dev", "vhost_worker dev"},
        std::pair{"io_uring_setup ring; io_uring_submit ring write B; io_uring_close ring",
                  "io_sq_thread ring"}}) {
    const Ran ran(CleanScenario({User({.name = "a", .setup = "mmap A 2", .ops = ops}),
                                 Kthread({.name = "kt", .cpu = 1, .ops = kthread_ops})}));

    EXPECT_EQ(ran.outcome().check, "clean") << ops;
    EXPECT_EQ(ran.Count(sim::StepKind::kUserStore), 1) << ops;
    EXPECT_FALSE(ran.mm(1).pgd->pte[0].Peek().valid()) << ops;
    EXPECT_TRUE(ran.mm(1).pgd->pte[1].Peek().valid()) << ops;
  }
}

TEST(MmTest, ARingWhoseProcessIsGoneAnswersWithoutTheMm) {
  // The kernel thread finds the submission when mm_users is 0 already.
  const Ran ran(CleanScenario({User({.name = "a",
                                     .setup = "mmap A; touch A; io_uring_setup ring",
                                     .ops = "io_uring_submit ring read A; exit"}),
                               Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("kthread_use_mm: tsk->mm"), 0);
  EXPECT_EQ(CountsOf(ran.mm(1)), (Counts{0, 2}));  // the ring's, and the idle task's of CPU 0
}

TEST(MmTest, AKernelThreadMayBeTheOneThatTearsDown) {
  // It has mm_users when the process exits, so exit_mmap runs in it.
  const Ran ran(CleanScenario({User({.name = "a",
                                     .setup = "mmap A; touch A; io_uring_setup ring",
                                     .ops = "io_uring_submit ring read A; exit"}),
                               Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"})}),
                "T0@[exit_mm: tsk->mm]>C1 T1@[user_access: load user page]>C0");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(1).mm_users.Peek(), 0);
  for (const sim::LogEntry& row : ran.machine().log()) {
    if (sim::SiteName(*row.site) == "exit_mmap: mm->pgd->pmd") {
      EXPECT_EQ(ActorId(row.actor), TaskActor(1));
    }
  }
  EXPECT_EQ(ran.Count("exit_mmap: mm->pgd->pmd"), 1);
}

// A kernel thread of PREEMPT_RT that execs, as before d53c3dfb23c4: a wake-up preempts it.
Scenario PreemptedExec() {
  Scenario scenario = CleanScenario(
      {User({.name = "app", .setup = "mmap A; touch A", .ops = "sleep go; touch A"}),
       Kthread({.name = "helper", .ops = "exec image; wake go"}),
       User({.name = "other", .ops = "sleep q; yield; yield"}),
       Kthread({.name = "waker", .cpu = 1, .ops = "wake q"})});
  scenario.version = {{"mm.exec_mmap", "preemptible"}};
  return scenario;
}

TEST(ExecTest, WhoIsPreemptedWithoutAnMmDropsWhatItHadBorrowedTwice) {
  const Ran ran(PreemptedExec(), "T1@[exec_mmap: tsk->active_mm]+1>C1");

  EXPECT_EQ(ran.outcome().check, "mm_use_after_free");
}

TEST(ExecTest, WhoIsPreemptedWithItsNewMmIsNoBorrower) {
  // ->mm is there before active_mm, so a switch takes no reference away.
  const Ran ran(PreemptedExec(), "T1@[exec_mmap: tsk->active_mm]+2>C1");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.Count("scheduler_ipi: rq->need_resched"), 1);
}

}  // namespace
}  // namespace shootdown::testing
