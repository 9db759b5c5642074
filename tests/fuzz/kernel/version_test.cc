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

std::vector<Case> Cases() {
  return {
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
}

class VersionTest : public ::testing::TestWithParam<Case> {};

TEST_P(VersionTest, TheDefaultStaysClean) { ExpectCleanWalks(GetParam().scenario, 300); }

TEST_P(VersionTest, TheOldOneIsFoundByRandomRuns) {
  constexpr std::uint64_t kRuns = 20'000;
  Scenario scenario = GetParam().scenario;
  scenario.version = {GetParam().old_version};
  const std::unique_ptr<Simulation> simulation = BuildOrFail(scenario);
  ASSERT_NE(simulation, nullptr);
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const Outcome outcome = RunBurst(*simulation, seed);
    if (outcome.check == "clean") continue;
    EXPECT_TRUE(GetParam().found.contains(outcome.check))
        << outcome.check << ": " << outcome.message;
    RecordProperty("runs", static_cast<int>(seed) + 1);
    return;
  }
  FAIL() << "not found in " << kRuns << " runs";
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
