// The version switches: each old version does what history says, and random runs find it out.
#include "fuzz/kernel/version.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

using kernel::VersionSwitch;

struct Case {
  std::string name;
  VersionChoice old_version;
  Scenario scenario;
  std::set<std::string> found;  // one of these must be
  std::uint64_t runs = 20'000;  // within so many random ones
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Scenario Seed() {
  return CleanScenario({User({.name = "app",
                              .cpu = 1,
                              .setup = "mmap A; touch A; io_uring_setup ring; migrate 0",
                              .ops = "io_uring_submit ring read A; munmap A"}),
                        Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"})});
}

// The other thread misses in its TLB, and finds the page through the page table or the TSB.
Scenario MissWhileUnmapping() {
  Scenario scenario = CleanScenario(
      {User({.name = "app",
             .cpu = 0,
             .setup = "mmap A 2; touch A; touch B",
             .ops = "munmap A",
             .process = "p"}),
       User({.name = "peer", .cpu = 1, .ops = "touch A; touch B; touch A", .process = "p"})});
  scenario.machine.tsb_entries = 1;
  scenario.machine.tlb_entries = 1;
  return scenario;
}

Scenario WrapWhileUnmapping() {
  std::vector<TaskSpec> tasks = {User({.name = "a",
                                       .cpu = 0,
                                       .setup = "mmap A 2; touch A; touch B",
                                       .ops = "munmap A 2; touch A",
                                       .process = "p"}),
                                 User({.name = "b",
                                       .cpu = 1,
                                       .setup = "touch A",
                                       .ops = "touch A; touch A; touch A",
                                       .process = "p"})};
  for (int i = 0; i < 5; ++i) {
    tasks.push_back(User({.name = "t" + std::to_string(i), .cpu = 2, .ops = "yield"}));
  }
  Scenario scenario = CleanScenario(std::move(tasks), 3);
  scenario.machine.context_count = 4;
  return scenario;
}

Scenario UseMmWithIrqsOn() {
  Scenario scenario = Seed();
  scenario.checks_on = {"mm_switch_irqs_on"};
  return scenario;
}

Scenario On(const std::string& arch, Scenario scenario) {
  scenario.arch = arch;
  return scenario;
}

Scenario X86(std::vector<TaskSpec> tasks, int cpus = 2) {
  Scenario scenario = CleanScenario(std::move(tasks), cpus);
  scenario.arch = "x86_64";
  return scenario;
}
// Threads of one process, a CPU each.
Scenario X86Threads(const std::string& setup, const std::vector<std::string>& ops) {
  std::vector<TaskSpec> tasks;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    tasks.push_back(User({.name = "t" + std::to_string(i),
                          .cpu = static_cast<int>(i),
                          .setup = i == 0 ? setup : setup.substr(setup.rfind(';') + 1),
                          .ops = ops[i],
                          .process = "p"}));
  }
  return X86(std::move(tasks), static_cast<int>(ops.size()));
}
// A kernel thread borrows the mm whose page table goes.
Scenario LazyKthread() {
  return X86({User({.name = "app", .cpu = 1, .setup = "mmap A; touch A; migrate 0", .ops = "munmap A"}),
              Kthread({.name = "kt", .cpu = 1, .ops = "yield; wake q; yield"})});
}
Scenario ReclaimAnd(const std::string& ops) {
  return X86({User({.name = "app", .cpu = 1, .setup = "mmap A 2; touch A; write B", .ops = ops}),
              Kthread({.name = "kswapd", .ops = "reclaim app B"})});
}
Scenario ReapedWhileRunning() {
  Scenario scenario = CleanScenario(
      {User({.name = "victim", .cpu = 1, .setup = "mmap A; touch A", .ops = "touch A; touch A"}),
       Kthread({.name = "killer", .ops = "oom_reap victim"})});
  return scenario;
}
Scenario ReapedWhileSwitched() {
  Scenario scenario = X86(
      {Kthread({.name = "killer", .ops = "oom_reap victim"}),
       User({.name = "victim", .cpu = 1, .setup = "mmap A; touch A", .ops = "yield; touch A; touch A"}),
       User({.name = "other", .cpu = 1, .setup = "mmap A", .ops = "yield; yield"})});
  scenario.version = {{"mm.oom_reaper", "whole_mm"}};
  return scenario;
}
Scenario SwitchedAwayWhileUnmapping() {
  return X86({User({.name = "a", .setup = "mmap A; touch A", .ops = "munmap A", .process = "p"}),
              User({.name = "b", .cpu = 1, .setup = "touch A", .ops = "touch A; yield", .process = "p"}),
              User({.name = "other", .cpu = 1, .ops = "yield; yield"})});
}
Scenario MembarrierAndKthread(const std::string& caller) {
  return CleanScenario({User({.name = "app", .setup = "mmap A", .ops = caller + " sb"}),
                        Kthread({.name = "kt", .cpu = 1, .ops = "membarrier_kthread sb app"})});
}
Scenario SharedTable() {
  return X86(
      {User({.name = "a", .setup = "hugetlb_mmap h A; write A", .ops = "munmap A", .process = "p"}),
       User({.name = "b", .cpu = 1, .setup = "write A", .ops = "write A; write A", .process = "p"}),
       User({.name = "other", .cpu = 2, .setup = "hugetlb_mmap h A; write A", .ops = "munmap A"})},
      3);
}
const std::set<std::string> kStale = {"stale_tlb_use", "use_after_flush", "use_after_promise"};
const std::set<std::string> kFreedTable = {"freed_table_walk"};

std::vector<Case> X86Cases() {
  return {
      {.name = "LazyCpusGetNoInterrupts",
       .old_version = {"x86.lazy_tlb", "no_ipi"},
       .scenario = LazyKthread(),
       .found = kFreedTable},
      {.name = "TheBitGoesBeforeCr3",
       .old_version = {"x86.clear_prev_cpumask", "before_cr3"},
       .scenario = SwitchedAwayWhileUnmapping(),
       .found = kFreedTable},
      {.name = "NoBarrierBeforeTheMask",
       .old_version = {"x86.flush_barrier", "none"},
       .scenario = ReapedWhileSwitched(),
       .found = kStale,
       .runs = 200'000},
      {.name = "ASingleUserFreesTablesAtOnce",
       .old_version = {"mm.tlb_remove_table", "at_once_if_single_user"},
       .scenario = LazyKthread(),
       .found = kFreedTable},
      {.name = "TheSecondMadviseFlushesNothing",
       .old_version = {"mm.tlb_finish_mmu", "flush_own_only"},
       .scenario = X86Threads("mmap A; touch A", {"madvise A", "madvise A; touch A"}),
       .found = kStale},
      {.name = "ThePendingFlushIsAFlag",
       .old_version = {"mm.tlb_flush_pending", "flag"},
       .scenario = X86Threads("mmap A 2; touch A", {"numa_hint A", "madvise B; touch A", "write A"}),
       .found = kStale},
      {.name = "AProtNonePteNeedsNoFlush",
       .old_version = {"mm.pte_accessible", "valid_only"},
       .scenario = X86Threads("mmap A; touch A", {"numa_hint A", "touch A", "touch A; touch A"}),
       .found = kStale},
      {.name = "DirtyPtesAreFlushedLater",
       .old_version = {"mm.zap_dirty", "flush_later"},
       .scenario =
           X86Threads("file_mmap f A; write A", {"munmap A", "file_writeback f; write A"}),
       .found = {"write_lost"}},
      {.name = "PfnmapIsFlushedLater",
       .old_version = {"mm.tlb_end_vma", "defer_pfnmap"},
       .scenario = X86Threads("pfn_mmap d A; write A", {"munmap A", "pfn_release d; write A"}),
       .found = kStale},
      {.name = "MremapFlushesAfterwards",
       .old_version = {"mm.mremap", "flush_afterwards"},
       .scenario = X86Threads("file_mmap f A; write A", {"mremap A B", "file_truncate f; write A"}),
       .found = kStale},
      {.name = "UnsharingForgetsTheFlush",
       .old_version = {"mm.huge_pmd_unshare", "forget"},
       .scenario = SharedTable(),
       .found = kStale},
      {.name = "MprotectIgnoresReclaim",
       .old_version = {"mm.tlb_flush_batched", "ignore_pending"},
       .scenario = ReclaimAnd("mprotect B; write B"),
       .found = kStale},
      {.name = "MadviseLooksOnlyOnce",
       .old_version = {"mm.madvise_split", "flush_once"},
       .scenario = ReclaimAnd("madvise_free A 2; write B"),
       .found = kStale},
      {.name = "TheHostForgetsTheFlush",
       .old_version = {"kvm.set_preempted", "each_time"},
       .scenario = X86Threads("mmap A; touch A", {"munmap A", "kvm_guest; kvm_preempt; touch A"}),
       .found = kStale},
      {.name = "GlobalMembarrierSkipsKernelThreads",
       .old_version = {"mm.membarrier", "skip_kthreads"},
       .scenario = MembarrierAndKthread("membarrier_global"),
       .found = {"membarrier_failed"}},
      {.name = "MembarrierTrustsTheNumberOfUsers",
       .old_version = {"mm.membarrier_users", "skip_if_single_user"},
       .scenario = MembarrierAndKthread("membarrier_caller"),
       .found = {"membarrier_failed"}},
      {.name = "TheReaperGathersTheWholeMm",
       .old_version = {"mm.oom_reaper", "whole_mm"},
       .scenario = ReapedWhileRunning(),
       .found = kStale},
  };
}

std::vector<Case> Cases() {
  std::vector<Case> cases = X86Cases();
  const std::vector<Case> others = {
      {.name = "PowerpcSenderResetsTheMask",
       .old_version = {"powerpc64.exit_flush_lazy_tlbs", "sender_resets_mask"},
       .scenario = On("powerpc64", Seed()),
       .found = {"stale_tlb_use", "use_after_flush", "cpumask_lost_bit"}},
      {.name = "FlushTrimsTheMask",
       .old_version = {"sparc64.flush", "trim_if_single_user"},
       .scenario = Seed(),
       .found = {"stale_tlb_use", "use_after_flush", "cpumask_lost_bit", "cpumask_missed_entry"}},
      {.name = "TsbFillWalksBeforeItLocks",
       .old_version = {"sparc64.tsb_fill", "walk_then_lock"},
       .scenario = MissWhileUnmapping(),
       .found = {"stale_tlb_use", "use_after_flush", "use_after_promise"}},
      {.name = "PendingFlushTrustsTheVersion",
       .old_version = {"sparc64.flush_pending", "if_ctx_valid"},
       .scenario = WrapWhileUnmapping(),
       .found = {"stale_tlb_use", "use_after_flush", "use_after_promise"}},
      {.name = "UseMmWithInterruptsOn",
       .old_version = {"mm.kthread_use_mm", "v4_19"},
       .scenario = UseMmWithIrqsOn(),
       .found = {"mm_switch_irqs_on"}},
  };
  cases.insert(cases.end(), others.begin(), others.end());
  return cases;
}

class VersionTest : public ::testing::TestWithParam<Case> {};

TEST_P(VersionTest, TheDefaultStaysClean) { ExpectCleanWalks(GetParam().scenario, 300); }

TEST_P(VersionTest, TheOldOneIsFoundByRandomRuns) {
  const std::uint64_t runs = GetParam().runs;
  Scenario scenario = GetParam().scenario;
  scenario.version.push_back(GetParam().old_version);
  const std::unique_ptr<Simulation> simulation = BuildOrFail(scenario);
  ASSERT_NE(simulation, nullptr);
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    const Outcome outcome = RunBurst(*simulation, seed);
    if (outcome.check == "clean") continue;
    EXPECT_TRUE(GetParam().found.contains(outcome.check))
        << outcome.check << ": " << outcome.message;
    RecordProperty("runs", static_cast<int>(seed) + 1);
    return;
  }
  FAIL() << "not found in " << runs << " runs";
}

INSTANTIATE_TEST_SUITE_P(All, VersionTest, ::testing::ValuesIn(Cases()),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return test.param.name;
                         });

TEST(VersionSwitchTest, EverySwitchNamesItsSourceAndHasAChoice) {
  std::set<std::string_view> names;
  for (const VersionSwitch* s : VersionSwitch::All()) {
    EXPECT_TRUE(names.insert(s->name()).second) << s->name();
    EXPECT_GE(s->values().size(), 2u) << s->name();
    EXPECT_FALSE(s->source().empty()) << s->name();
    EXPECT_EQ(VersionSwitch::Find(s->name()), s);
  }
}

// That others are found is in corpus/ (tests/fuzz/engine/corpus_test.cc).
TEST(VersionSwitchTest, AnUnknownValueChangesNothing) {
  VersionSwitch* const s = VersionSwitch::Find("sparc64.flush");
  ASSERT_NE(s, nullptr);
  ASSERT_TRUE(s->Set("trim_if_single_user"));

  EXPECT_FALSE(s->Set("always"));

  EXPECT_EQ(s->value(), 1);
  s->Reset();
  EXPECT_EQ(s->value(), 0);
}

}  // namespace
}  // namespace shootdown::testing
