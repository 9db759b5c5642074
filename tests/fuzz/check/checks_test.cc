// For each check: it fires on a planted fault, and stays silent on the twin. The faults are in
// translation_faults.cc, mask_and_count_faults.cc and discipline_faults.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "fuzz/check/check.h"
#include "tests/fuzz/check/planted_faults.h"
#include "tests/fuzz/check/planted_ops.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

using ::testing::HasSubstr;

const std::vector<PlantedFault>& Faults() {
  RegisterPlantedOps();
  static const std::vector<PlantedFault> faults = [] {
    std::vector<PlantedFault> all = TranslationFaults();
    for (auto family : {&MaskAndCountFaults, &DisciplineFaults}) {
      const std::vector<PlantedFault> more = family();
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return faults;
}

Scenario ScenarioOf(const PlantedFault& c, const Tasks& tasks) {
  Scenario scenario;
  scenario.name = c.name;
  scenario.arch = c.arch;
  scenario.machine.cpu_count = c.cpus;
  scenario.machine.tlb_sharing = c.tlb_sharing;
  scenario.machine.step_count_max = c.steps;
  if (c.sun4u) scenario.machine.mondo_flavour = sim::MondoFlavour::kSun4u;
  scenario.tasks = tasks;
  scenario.checks_off = c.off;
  if (!check::FindCheck(c.check)->on_by_default) scenario.checks_on = {c.check};
  scenario.expected = c.check;
  return scenario;
}

// Who took the last step says nothing of what a whole run has left.
bool SeenAtTheEnd(const std::string& check) {
  static const std::set<std::string> kChecks = {"active_cpus", "deadlock", "livelock",
                                                "refcount_conservation", "write_lost"};
  return kChecks.contains(check);
}

class CheckTest : public ::testing::TestWithParam<PlantedFault> {};

TEST_P(CheckTest, FiresOnThePlantedFault) {
  const PlantedFault& c = GetParam();
  Scenario scenario = ScenarioOf(c, c.fault);
  scenario.version = c.fault_version;

  const Outcome outcome = RunOnce(scenario, c.schedule);

  EXPECT_EQ(outcome.check, c.check) << outcome.message;
  for (const std::string& part : c.says) EXPECT_THAT(outcome.message, HasSubstr(part));
  EXPECT_EQ(outcome.role, SeenAtTheEnd(c.check) ? "" : c.role);
}

TEST_P(CheckTest, StaysSilentWhenItIsDoneRight) {
  const PlantedFault& c = GetParam();

  const Outcome outcome = RunOnce(ScenarioOf(c, c.twin), c.twin_schedule);

  EXPECT_EQ(outcome.check, "clean") << outcome.message;
}

INSTANTIATE_TEST_SUITE_P(All, CheckTest, ::testing::ValuesIn(Faults()),
                         [](const ::testing::TestParamInfo<PlantedFault>& test) {
                           return test.param.name;
                         });

// What comes as near to a fault as it may. One row for each thing that a check must not take for one.
struct RightRun {
  std::string name;  // of the test
  Tasks tasks;
  std::vector<VersionChoice> version = {};
  std::vector<std::string> off = {};  // checks whose rule is broken, on the way to the one that is not
  std::string schedule = "";
  std::string arch = "sparc64";
};

void PrintTo(const RightRun& run, std::ostream* out) { *out << run.name; }

// The seed, stopped inside switch_mm when the bit is lost; `setup` is what CPU 1 has run before.
RightRun LostBitWithout(const std::string& name, const std::string& setup) {
  Tasks tasks = kSeedTasks;
  tasks[0] = User({.name = "app",
                   .cpu = 1,
                   .setup = setup + "; io_uring_setup ring; migrate 0; touch A",
                   .ops = "io_uring_submit ring read A; munmap A"});
  return {.name = name,
          .tasks = tasks,
          .version = kTrim,
          .off = {"cpumask_lost_bit"},
          .schedule = kFlusherHasLooked + "T1@[switch_mm: spin_unlock(&mm->context.lock)]>C0"};
}

class SilenceTest : public ::testing::TestWithParam<RightRun> {};

TEST_P(SilenceTest, OfAllChecks) {
  const RightRun& run = GetParam();
  PlantedFault fault;
  fault.check = "use_after_flush";
  fault.arch = run.arch;
  fault.off = run.off;
  Scenario scenario = ScenarioOf(fault, run.tasks);
  scenario.version = run.version;

  const Outcome outcome = RunOnce(scenario, run.schedule);

  EXPECT_EQ(outcome.check, "clean") << outcome.message;
}

INSTANTIATE_TEST_SUITE_P(
    All, SilenceTest,
    ::testing::Values(
        // T2. The pte has not changed since the flush, and the entry is of after it.
        RightRun{.name = "AnEntryIsAsOldAsTheLastFlush",
                 .tasks = OneTask("mprotect A; touch A; touch A"),
                 .arch = "x86_64"},
        // K2. There is nothing to be missed: CPU 1 never had an entry, or has dropped it, or has it under a
        // number that the mm no longer has.
        LostBitWithout("TheCpuWithoutItsBitHasNoEntry", "mmap A"),
        LostBitWithout("TheCpuWithoutItsBitHasDroppedItsEntry", "mmap A; touch A; madvise A"),
        LostBitWithout("TheCpuWithoutItsBitHasAnEntryOfAnOldNumber",
                       "mmap A; touch A; planted_renumber; migrate 0; migrate 1"),
        // K6. The counter of an mm that is freed is nobody's; nor is that of init_mm.
        RightRun{.name = "TheMmOfActiveCpusIsGone",
                 .tasks = {User({.name = "app", .setup = "mmap A; touch A; migrate 1", .ops = "exit"}),
                           Other(1, "yield; yield"), Other(0, "yield; yield")},
                 .arch = "powerpc64"}),
    [](const ::testing::TestParamInfo<RightRun>& test) { return test.param.name; });

TEST(ChecksTest, EveryCheckHasAPlantedFault) {
  std::set<std::string> planted;
  for (const PlantedFault& c : Faults()) planted.insert(c.check);

  for (const check::Check* check : check::AllChecks()) {
    EXPECT_TRUE(planted.contains(std::string(check->name))) << check->name;
  }
}

TEST(ChecksTest, IdsAndNamesAreUnique) {
  std::set<std::string_view> ids;
  std::set<std::string_view> names;
  for (const check::Check* check : check::AllChecks()) {
    EXPECT_TRUE(ids.insert(check->id).second) << check->id;
    EXPECT_TRUE(names.insert(check->name).second) << check->name;
    EXPECT_EQ(check::FindCheck(check->name), check);
    EXPECT_FALSE(check->rule.empty()) << check->name;
    EXPECT_FALSE(check->why.empty()) << check->name;
  }
}

TEST(ChecksTest, AnUnknownNameFindsNoCheck) {
  EXPECT_EQ(check::FindCheck("no_such_check"), nullptr);
}

TEST(ChecksTest, ACheckThatIsOffDoesNotJudge) {
  Scenario scenario;
  scenario.expected = "clean";
  scenario.tasks = OneTask("planted_leak_count");
  scenario.checks_off = {"refcount_conservation"};

  EXPECT_EQ(RunOnce(scenario).check, "clean");
}

TEST(ChecksTest, PoliciesAreOffByDefault) {
  std::set<std::string_view> off;
  for (const check::Check* check : check::AllChecks()) {
    if (!check->on_by_default) off.insert(check->name);
  }

  EXPECT_EQ(off, (std::set<std::string_view>{"cpumask_foreign_clear", "mm_switch_irqs_on"}));
}

}  // namespace
}  // namespace shootdown::testing
