// Address space numbers of arm and ia64: what replaces one, and what goes when there are no more.
#include <gtest/gtest.h>

#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

constexpr int kWalks = 300;

Scenario On(const std::string& arch, std::vector<TaskSpec> tasks) {
  Scenario scenario = CleanScenario(std::move(tasks));
  scenario.arch = arch;
  scenario.machine.context_count = 4;  // 1 to 3
  return scenario;
}

TEST(Ia64Test, AFlushOfTheWholeMmReplacesItsNumberAndLeavesTheEntries) {
  const Ran ran(On(
      "ia64", {User({.name = "a", .setup = "mmap A; touch A", .ops = "flush_tlb_mm; touch A"})}));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.machine().secondary(0), Ctx(2));
  EXPECT_EQ(ran.TlbEntries(0, 1), 2);  // under the old number, which nobody has, and the new one
  EXPECT_EQ(ran.Count(sim::StepKind::kDemap), 0);
}

// a gives up 1 and 3; the wrap gives them back, and CPU 1 has to flush before it loads 3.
TEST(Ia64Test, AfterAWrapEachCpuFlushesBeforeItLoadsANumber) {
  const Scenario scenario = On(
      "ia64",
      {User({.name = "a",
             .cpu = 0,
             .setup = "mmap A; touch A",
             .ops = "flush_tlb_mm; flush_tlb_mm; touch A"}),
       User({.name = "b", .cpu = 1, .setup = "mmap A; touch A", .ops = "flush_tlb_mm; touch A"})});
  ExpectCleanWalks(scenario, kWalks);

  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("LocalAll: invalidate all here"), 2);
  EXPECT_EQ(ran.machine().secondary(1), Ctx(3));
  EXPECT_EQ(ran.TlbEntries(1, 2), 1);
}

TEST(Ia64Test, WhoUsesTheMmPurgesByItsNumber) {
  const Ran ran(On("ia64", {User({.name = "a", .setup = "mmap A; touch A", .ops = "munmap A"})}));

  EXPECT_EQ(ran.Count("BroadcastPage: invalidate page everywhere"), 1);
  EXPECT_EQ(ran.Count("LocalAll: invalidate all here"), 0);
}

TEST(Ia64Test, WhoHasOnlyBorrowedTheMmFlushesEveryCpu) {
  const Ran ran(On("ia64", {User({.name = "a", .setup = "mmap A; touch A", .ops = "sleep never"}),
                            Kthread({.name = "reaper", .ops = "oom_reap a"})}));

  EXPECT_EQ(ran.Count("BroadcastPage: invalidate page everywhere"), 0);
  EXPECT_EQ(ran.Count("LocalAll: invalidate all here"), 2);
}

Scenario TakesNumbers(const std::string& version) {
  Scenario scenario =
      On("arm", {User({.name = "a", .setup = "mmap A; touch A", .ops = "yield; touch A"}),
                 User({.name = "b", .ops = "yield"}), User({.name = "c", .ops = "yield"}),
                 User({.name = "d", .ops = "yield"})});
  scenario.version = {{"arm.asid", version}};
  return scenario;
}

TEST(ArmTest, ANewVersionFlushesAllTlbsAtOnce) {
  const Ran ran(TakesNumbers("reset_mask"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_GT(ran.Count("BroadcastAll: invalidate all everywhere"), 0);
  EXPECT_EQ(ran.Count("LocalAll: invalidate all here"), 0);
}

TEST(ArmTest, ANewGenerationFlushesEachCpuWhenItSwitches) {
  const Ran ran(TakesNumbers("reserve_active"));

  EXPECT_EQ(ran.outcome().check, "clean");
  EXPECT_EQ(ran.Count("BroadcastAll: invalidate all everywhere"), 0);
  EXPECT_GT(ran.Count("LocalAll: invalidate all here"), 0);
}

}  // namespace
}  // namespace shootdown::testing
