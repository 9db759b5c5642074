// x86_64: what hardware and kernel do there that sparc64 does not.
#include <gtest/gtest.h>

#include <bit>

#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

constexpr const char* kInterrupt = "arch_send_call_function_ipi: xcall_call_function";

Scenario X86(std::vector<TaskSpec> tasks, int cpus = 2) {
  Scenario scenario = CleanScenario(std::move(tasks), cpus);
  scenario.arch = "x86_64";
  return scenario;
}

std::vector<TaskSpec> TwoThreads(const std::string& first, const std::string& second) {
  return {User({.name = "a", .setup = "mmap A 4; touch A", .ops = first, .process = "p"}),
          User({.name = "b", .cpu = 1, .setup = "touch A", .ops = second, .process = "p"})};
}

TEST(X86Test, MunmapInterruptsTheCpusOfTheMask) {
  const Ran ran(X86(TwoThreads("munmap A", "")));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.CountSent(kInterrupt), 1);
  EXPECT_EQ(ran.TlbEntries(0, 1), 0);
  EXPECT_EQ(ran.TlbEntries(1, 1), 0);
}

// CPU 1 has borrowed the mm of `app`, which unmaps from CPU 0.
Scenario LazyCpu(const std::string& ops) {
  return X86(
      {User({.name = "app", .cpu = 1, .setup = "mmap A 2; touch A; migrate 0", .ops = ops})});
}

TEST(X86Test, ALazyCpuIsPassedOver) {
  const Ran ran(LazyCpu("munmap A"));

  EXPECT_EQ(ran.CountSent(kInterrupt), 0);
  EXPECT_TRUE(ran.mm(1).mm_cpumask.Peek().Has(1));
}

TEST(X86Test, ALazyCpuIsToldOfFreedTablesAndLeavesTheMm) {
  const Ran ran(LazyCpu("munmap A 2"));

  EXPECT_EQ(ran.CountSent(kInterrupt), 1);
  EXPECT_FALSE(ran.mm(1).mm_cpumask.Peek().Has(1));
}

TEST(X86Test, AStoreSetsTheDirtyBitInThePte) {
  const Ran ran(X86({User({.name = "app", .setup = "mmap A 2; touch A; touch B", .ops = "write A"})}));

  EXPECT_TRUE(ran.mm(1).pgd->pte[0].Peek().dirty());
  EXPECT_FALSE(ran.mm(1).pgd->pte[1].Peek().dirty());
}

int PagesInUse(const Ran& ran) {
  return ran.kernel().page_count - std::popcount(ran.kernel().globals->free_pages.Peek());
}

TEST(X86Test, PageTablesAreTakenFromThePool) {
  const Ran ran(X86({User({.name = "app", .ops = "mmap A; touch A; mmap E; touch E"})}));

  EXPECT_EQ(PagesInUse(ran), 4);
}

TEST(X86Test, PageTablesAreGivenBackWithTheLastMapping) {
  const Ran ran(
      X86({User({.name = "app", .ops = "mmap A; touch A; mmap E; touch E; munmap A; munmap E"})}));

  EXPECT_EQ(PagesInUse(ran), 0);
}

TEST(X86Test, MremapMovesThePage) {
  const Ran ran(X86({User({.name = "app", .setup = "mmap A; touch A", .ops = "mremap A E; write E; touch A"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.task(0).faults, 1u);
  EXPECT_TRUE(ran.mm(1).pgd->pte[4].Peek().dirty());
}

TEST(X86Test, MremapOfAWholeTableMovesTheTable) {
  const Ran ran(X86({User({.name = "app",
                           .setup = "mmap A 4; touch A; touch C",
                           .ops = "mremap A E 4; touch E; touch G; mmap A; touch A"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.Count("move_normal_pmd: old_pmd"), 3);  // read twice, and taken away
  EXPECT_EQ(ran.task(0).faults, 0u);
  EXPECT_EQ(PagesInUse(ran), 5);  // two tables, the pages that were A and C, and a new A
}

TEST(X86Test, AMovedTableIsAtItsNewPlaceBeforeTheOldOneIsFlushed) {
  const Ran ran(X86({User({.name = "app", .setup = "mmap A 4; touch A", .ops = "mremap A E 4"})}));

  const auto last = [&ran](std::string_view site) {
    std::size_t at = 0;
    const auto log = ran.machine().log();
    for (std::size_t row = 0; row < log.size(); ++row) {
      if (sim::SiteName(*log[row].site) == site) at = row;
    }
    return at;
  };
  EXPECT_GT(last("move_normal_pmd: new_pmd"), 0u);
  EXPECT_LT(last("move_normal_pmd: new_pmd"), last("invlpg: invlpg"));
}

TEST(X86Test, CompactionMovesAPageAndItsContents) {
  const Ran ran(X86({User({.name = "app", .cpu = 1, .setup = "mmap A; touch A", .ops = "touch A"}),
                     Kthread({.name = "kcompactd", .ops = "compact app A"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.CountSent(kInterrupt), 1);
  EXPECT_EQ(ran.mm(1).pgd->pte[0].Peek().page(), 2);  // page 0 is the table, page 1 was A's
  EXPECT_EQ(PagesInUse(ran), 2);
}

TEST(X86Test, LockedPagesStay) {
  const Ran ran(X86({User({.name = "app", .cpu = 1, .setup = "mmap A; mlock A"}),
                     Kthread({.name = "k", .ops = "reclaim app A; compact app A; oom_reap app"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.mm(1).pgd->pte[0].Peek(), kernel::Pte::Of(0, /*writable=*/true));
}

TEST(X86Test, ReclaimFlushesOnceAndThenFrees) {
  const Ran ran(X86({User({.name = "app", .cpu = 1, .setup = "mmap A; touch A", .ops = "touch A"}),
                     Kthread({.name = "kswapd", .ops = "reclaim app A"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.CountSent(kInterrupt), 1);
  EXPECT_EQ(ran.task(0).faults, 0u);
}

// A driver's page is flushed before its vma is unlinked, and the freed table after it; at exit nobody can come between.
TEST(X86Test, ADriversPageIsFlushedByItselfButForTheLastExit) {
  const auto flushes = [](const std::string& op) {
    const Ran ran(X86({User({.name = "app", .setup = "pfn_mmap dev A; write A", .ops = op})}));
    EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
    return ran.Count("flush_tlb_mm_range: mm->mm_cpumask");
  };

  EXPECT_EQ(flushes("munmap A"), 2);
  EXPECT_EQ(flushes("exit"), 1);
}

TEST(X86Test, AStoreAfterMprotectFaults) {
  const Ran ran(X86({User({.name = "app",
                           .setup = "mmap A; write A",
                           .ops = "mprotect A; touch A; write A; mprotect_write A; write A"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.task(0).faults, 1u);
}

TEST(X86Test, ANumaHintMigratesThePageOnItsNextUse) {
  const Ran ran(X86({User({.name = "app", .setup = "mmap A; touch A", .ops = "numa_hint A; touch A"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_TRUE(ran.mm(1).pgd->pte[0].Peek().valid());
  EXPECT_NE(ran.mm(1).pgd->pte[0].Peek().page(), 1);  // page 0 is the table, page 1 was A's
}

TEST(X86Test, WritebackMakesTheNextStoreFault) {
  const Ran ran(X86({User({.name = "app",
                           .setup = "file_mmap f A; write A",
                           .ops = "file_writeback f; write A"})}));

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_TRUE(ran.mm(1).pgd->pte[0].Peek().writable());
  EXPECT_EQ(ran.Count("write_back: file->dirty"), 1);
}

TEST(X86Test, ATruncatedPageIsGoneForEverybody) {
  const Ran ran(X86({User({.name = "a", .setup = "file_mmap f A; write A", .ops = "touch A"}),
                     User({.name = "b", .cpu = 1, .setup = "file_mmap f B; write B", .ops = "touch B"}),
                     Kthread({.name = "k", .ops = "file_truncate f"})}),
                "");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_FALSE(ran.mm(1).pgd->pte[0].Peek().present());
  EXPECT_FALSE(ran.mm(2).pgd->pte[1].Peek().present());
}

}  // namespace
}  // namespace shootdown::testing
