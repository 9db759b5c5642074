// Translations: how they get into TSB and TLB, and how a change of the page table gets them out.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

using sim::StepKind;

constexpr int kWalks = 300;

Scenario TwoThreads(const std::string& app_ops, const std::string& peer_ops = "") {
  return CleanScenario({User({.name = "app",
                              .cpu = 0,
                              .setup = "mmap A 3; touch A; touch B; touch C",
                              .ops = app_ops,
                              .process = "p"}),
                        User({.name = "peer",
                              .cpu = 1,
                              .setup = "touch A; touch B; touch C",
                              .ops = peer_ops,
                              .process = "p"})});
}

// CPU 1 is in its miss handler when the cross call is accepted, and takes it before the NMI looks at the
// user's stack.
TEST(FlushTest, AnNmiAfterTheMissHandlerFindsWhatWasFlushedGone) {
  const Ran ran(CleanScenario({User({.name = "app",
                                     .setup = "mmap A 2; touch A; perf_event_open A",
                                     .ops = "munmap A",
                                     .process = "p"}),
                               User({.name = "peer",
                                     .cpu = 1,
                                     .setup = "touch A",
                                     .ops = "touch B",
                                     .process = "p"})}),
                "T0@[smp_flush_tlb_page: mm->mm_cpumask]+1>C1 T1@4>C0 T1@4~nmi");

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.Count(StepKind::kNmiTaken), 1);
}

// ---- filling -----------------------------------------------------------------------------------

TEST(FillTest, AFirstTouchFaultsAPageInAndTheNextOneHits) {
  const Ran ran(CleanScenario({User({.name = "a", .ops = "mmap A; touch A; touch A"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count(StepKind::kUserLoad), 2);
  EXPECT_EQ(ran.Count("alloc_page: page->refcount"), 1);
  EXPECT_EQ(ran.TlbEntries(0, 1), 1);
}

TEST(FillTest, AMissIsServedFromTheTsbWithoutAWalk) {
  // The other CPU finds what the first one has put into the table that they share.
  const Ran ran(CleanScenario(
      {User({.name = "a", .setup = "mmap A; touch A", .ops = "migrate 1; touch A"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count(StepKind::kTlbMiss), 1);
  EXPECT_EQ(ran.Count(StepKind::kTlbInsert), 1);
  EXPECT_EQ(ran.Count("tsb_miss_page_table_walk: pgd->pmd"), 0);
}

TEST(FillTest, AMissWithoutTsbEntryWalksThePageTable) {
  // One slot for all pages: B has taken it.
  Scenario scenario = CleanScenario(
      {User({.name = "a", .setup = "mmap A 2; touch A; touch B; migrate 1", .ops = "touch A"})});
  scenario.machine.tsb_entries = 1;
  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("tsb_miss_page_table_walk: pgd->pmd"), 1);
  EXPECT_EQ(ran.Count("handle_mm_fault: mmap_read_lock(mm)"), 0);
}

TEST(FillTest, AccessWithoutAMappingIsASegfault) {
  const Ran ran(CleanScenario({User({.name = "a", .ops = "touch A; write B; mmap C; touch C"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.task(0).faults, 2u);
}

TEST(FillTest, WithoutAFreePageAnAccessFails) {
  Scenario scenario = CleanScenario({User({.name = "a", .ops = "mmap A 2; touch A; touch B"})});
  scenario.machine.page_count = 1;
  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.task(0).faults, 1u);
}

TEST(FillTest, APageFreedIsTheNextOneHandedOut) {
  const Ran ran(CleanScenario(
      {User({.name = "a", .setup = "mmap A; touch A", .ops = "munmap A; mmap B; touch B"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.mm(1).pgd->pte[1].Peek(), kernel::Pte::Of(0, true));
  EXPECT_EQ(ran.kernel().pages[0].incarnation, 1u);
}

TEST(FillTest, PagesFilledByUserfaultfdAreServedWithoutAFault) {
  const Ran ran(
      CleanScenario({User({.name = "a",
                           .setup = "mmap A; userfaultfd ufd",
                           .ops = "userfaultfd_copy ufd A; touch A; userfaultfd_copy ufd A"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("handle_mm_fault: mmap_read_lock(mm)"), 0);
  EXPECT_EQ(ran.Count("update_mmu_cache: mm->context.tsb"), 1);  // as a fault does it
  EXPECT_EQ(ran.kernel().globals->free_pages.Peek(), 0xfeu);  // -EEXIST gave its page back
}

// ---- flushing ----------------------------------------------------------------------------------

TEST(FlushTest, OnePageIsFlushedByCrossCallsThatNobodyWaitsFor) {
  const Ran ran(TwoThreads("munmap A"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.CountSent("smp_flush_tlb_page: xcall_flush_tlb_page"), 1);
  EXPECT_EQ(ran.CountSent("arch_send_call_function_ipi: xcall_call_function"), 0);
  EXPECT_EQ(ran.TlbEntries(0, 1), 2);
  EXPECT_EQ(ran.TlbEntries(1, 1), 2);
}

TEST(FlushTest, SeveralPagesAreFlushedByOneCallThatWaits) {
  const Ran ran(TwoThreads("munmap A 2"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.CountSent("smp_flush_tlb_page: xcall_flush_tlb_page"), 0);
  EXPECT_EQ(ran.CountSent("arch_send_call_function_ipi: xcall_call_function"), 1);
  EXPECT_EQ(ran.Count("FlushVaddrs: tb->vaddrs[i]"), 4);  // two pages on two CPUs
  EXPECT_EQ(ran.TlbEntries(0, 1), 1);
  EXPECT_EQ(ran.TlbEntries(1, 1), 1);
  EXPECT_EQ(ran.cpu(0).tlb_batch.readers, 0u);
}

// change_pte_range() and move_ptes() work in lazy mmu mode, as zap_pte_range() does.
TEST(FlushTest, SeveralPagesThatArePutUnderProtectionOrMoveAreFlushedByOneCall) {
  for (const char* const op : {"mprotect A 2", "mremap A D 2"}) {
    SCOPED_TRACE(op);
    const Ran ran(TwoThreads(op));

    EXPECT_EQ(ran.outcome().check, "clean");
    EXPECT_EQ(ran.CountSent("smp_flush_tlb_page: xcall_flush_tlb_page"), 0);
    EXPECT_EQ(ran.CountSent("arch_send_call_function_ipi: xcall_call_function"), 1);
    EXPECT_EQ(ran.TlbEntries(1, 1), 1);
  }
}

TEST(FlushTest, UnmappingNothingFlushesNothing) {
  const Ran ran(TwoThreads("munmap D 3"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count(StepKind::kMondoSend), 0);
  EXPECT_EQ(ran.Count(StepKind::kDemap), 0);
}

TEST(FlushTest, ACpuOutsideTheMaskIsNotTold) {
  Scenario scenario = TwoThreads("munmap A");
  scenario.machine.cpu_count = 4;
  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count(StepKind::kMondoSend), 1);
}

// xc3() goes to all CPUs; mm_cpumask only says whether anybody is told.
TEST(FlushTest, OnSparc32ACpuOutsideTheMaskIsToldIfAnotherOneIsInside) {
  Scenario scenario = TwoThreads("munmap A");
  scenario.arch = "sparc32";
  scenario.machine.cpu_count = 4;
  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("LocalPage: invalidate page here"), 4);
}

TEST(FlushTest, OnSparc32NobodyIsToldOfAnMmThatNoOtherCpuHas) {
  Scenario scenario = TwoThreads("munmap A");
  scenario.arch = "sparc32";
  scenario.tasks.pop_back();
  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("LocalPage: invalidate page here"), 1);
}

TEST(FlushTest, TheTsbLosesThePageBeforeTheTlbsDo) {
  const Ran ran(TwoThreads("munmap A"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("flush_one: cas slot->tag"), 1);
  int cas_row = -1;
  int send_row = -1;
  int row_number = 0;
  for (const sim::LogEntry& row : ran.machine().log()) {
    if (sim::SiteName(*row.site) == "flush_one: cas slot->tag") cas_row = row_number;
    if (row.kind == StepKind::kMondoSend) send_row = row_number;
    ++row_number;
  }
  EXPECT_LT(cas_row, send_row);
}

TEST(FlushTest, WhileTheTsbGrowsBothTablesLoseThePage) {
  for (const int pages : {1, 2}) {
    const Ran ran(TwoThreads("tsb_grow table", "munmap A " + std::to_string(pages)),
                  "T0@[tsb_grow: spin_unlock(&mm->context.lock)]+1>C1");

    EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
    EXPECT_EQ(ran.Count("flush_one: cas slot->tag"), 2 * pages);
  }
}

TEST(FlushTest, FlushingTheMmDropsAllItsEntriesOnAllCpus) {
  const Ran ran(TwoThreads("flush_tlb_mm"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.TlbEntries(0, 1), 0);
  EXPECT_EQ(ran.TlbEntries(1, 1), 0);
}

TEST(FlushTest, AnUnmappedPageIsNotServedAnyMore) {
  const Ran ran(TwoThreads("munmap A; touch A", "sleep q"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.task(0).faults, 1u);
}

TEST(FlushTest, TheOldVersionKeepsAMaskWithoutOthersAndSendsNothing) {
  Scenario scenario = CleanScenario(
      {User({.name = "a", .setup = "mmap A; touch A; migrate 1; migrate 0", .ops = "munmap A"})});
  scenario.version = {{"sparc64.flush", "trim_if_single_user"}};
  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count(StepKind::kMondoSend), 0);
  EXPECT_EQ(ran.mm(1).mm_cpumask.Peek().bits, 0b01u);
}

// smp_flush_tlb_page returns when the cross call is accepted. A strand inside its miss handler takes it
// late. Its own TLB is safe, since it takes the call before its next access; the neighbour on a shared
// TLB is not. A machine on which "delivered" means "executed" has no such window.
TEST(FlushTest, AStrandInItsMissHandlerCanFillASharedTlbAfterTheFlush) {
  Scenario scenario =
      CleanScenario({User({.name = "app",
                           .cpu = 1,
                           .setup = "mmap A; touch A; flush_tlb_mm",
                           .ops = "munmap A; touch A",
                           .process = "p"}),
                     User({.name = "peer", .cpu = 0, .ops = "touch A", .process = "p"})});
  scenario.machine.tlb_sharing = 2;
  // The peer has read the TSB entry, and inserts it when the page is free already; the cross call
  // comes right after, but the app is faster.
  const Outcome accepted = RunOnce(
      scenario, "T1@[tsb_dtlb_load: tlb insert]>C1 T0@[user_access: load user page]>C0 C0@0>C1");
  EXPECT_EQ(accepted.check, "stale_tlb_use") << accepted.message;

  scenario.machine.mondo_done = sim::MondoDone::kExecuted;
  ExpectCleanWalks(scenario, kWalks);
}

// ---- all machines ------------------------------------------------------------------------------

struct MachineCase {
  std::string name;
  sim::MachineConfig config;
};
void PrintTo(const MachineCase& c, std::ostream* out) { *out << c.name; }

class FlushOnMachineTest : public ::testing::TestWithParam<MachineCase> {};

TEST_P(FlushOnMachineTest, FlushesFromAllCpusAtOnceStayClean) {
  const sim::MachineConfig& config = GetParam().config;
  std::vector<TaskSpec> tasks;
  const int threads = std::min(config.cpu_count, 6);
  for (int t = 0; t < threads; ++t) {
    tasks.push_back(
        User({.name = "t" + std::to_string(t),
              .cpu = t * config.cpu_count / threads,
              .setup = t == 0 ? "mmap A 3; touch A; touch B" : "touch A",
              .ops = t % 2 == 0 ? "munmap A; mmap A; write A; munmap A 3; touch B"
                                : "touch A; munmap B 2; mmap B 2; write B; flush_tlb_mm",
              .process = "p"}));
  }
  Scenario scenario = CleanScenario(std::move(tasks));
  scenario.machine = config;

  ExpectCleanWalks(scenario, kWalks);
}

INSTANTIATE_TEST_SUITE_P(
    All, FlushOnMachineTest,
    ::testing::Values(
        MachineCase{"OneCpu", {.cpu_count = 1}}, MachineCase{"TwoCpus", {.cpu_count = 2}},
        MachineCase{"FourCpus", {.cpu_count = 4}}, MachineCase{"SixtyFourCpus", {.cpu_count = 64}},
        MachineCase{"SequentiallyConsistent",
                    {.cpu_count = 3, .memory_model = sim::MemoryModel::kSc}},
        MachineCase{"OneStoreBufferEntry", {.cpu_count = 3, .store_buffer_entries = 1}},
        MachineCase{"SixteenStoreBufferEntries", {.cpu_count = 3, .store_buffer_entries = 16}},
        MachineCase{"Sun4uWithNacks", {.cpu_count = 4, .mondo_flavour = sim::MondoFlavour::kSun4u}},
        MachineCase{"Sun4vWithAQueueOfOne", {.cpu_count = 4, .mondo_queue_entries = 1}},
        MachineCase{"DeliveredMeansExecuted",
                    {.cpu_count = 4, .mondo_done = sim::MondoDone::kExecuted}},
        MachineCase{"Sun4uExecuted",
                    {.cpu_count = 4,
                     .mondo_flavour = sim::MondoFlavour::kSun4u,
                     .mondo_done = sim::MondoDone::kExecuted}},
        MachineCase{"SharedTlb",
                    {.cpu_count = 4, .tlb_sharing = 2, .mondo_done = sim::MondoDone::kExecuted}},
        MachineCase{"OneTlbEntry", {.cpu_count = 3, .tlb_entries = 1}},
        MachineCase{"OneTsbEntry", {.cpu_count = 3, .tsb_entries = 1}},
        MachineCase{"OnePage", {.cpu_count = 3, .page_count = 1}}),
    [](const ::testing::TestParamInfo<MachineCase>& test) { return test.param.name; });

TEST(FlushTest, Sun4uMeetsABusyReceiveRegisterAndTriesAgain) {
  // Three flushers and one receive register each.
  std::vector<TaskSpec> tasks;
  for (int t = 0; t < 4; ++t) {
    tasks.push_back(
        User({.name = "t" + std::to_string(t),
              .cpu = t,
              .setup = t == 0 ? "mmap A 4; touch A; touch B; touch C; touch D" : "touch A",
              .ops = "flush_tlb_mm; flush_tlb_mm",
              .process = "p"}));
  }
  Scenario scenario = CleanScenario(std::move(tasks), 4);
  scenario.machine.mondo_flavour = sim::MondoFlavour::kSun4u;
  const std::unique_ptr<Simulation> simulation = BuildOrFail(scenario);
  ASSERT_NE(simulation, nullptr);
  int nacks = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(RunWalk(*simulation, seed, 0).check, "clean");
    for (const sim::LogEntry& row : simulation->machine().log()) {
      nacks += row.kind == StepKind::kMondoNack ? 1 : 0;
    }
  }

  EXPECT_GT(nacks, 0);
}

}  // namespace
}  // namespace shootdown::testing
