// Whatever correct tasks do, in whatever order, on whatever machine: the kernel model with its
// default switches is clean.
#include "fuzz/scenario/generate.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/ops.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown {
namespace {

constexpr std::uint64_t kManySeeds = 2000;

std::string FirstWord(const Operation& op) { return op.text.substr(0, op.text.find(' ')); }

TEST(GenerateTest, ASeedAlwaysGivesTheSameScenario) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    EXPECT_EQ(GenerateScenario(seed), GenerateScenario(seed)) << seed;
  }
  EXPECT_NE(GenerateScenario(1).tasks, GenerateScenario(2).tasks);
}

TEST(GenerateTest, EveryOperationIsUsedWhereItBelongs) {
  for (const kernel::Arch* arch : kernel::AllArchs()) {
    std::set<std::string> used;
    for (std::uint64_t seed = 0; seed < kManySeeds; ++seed) {
      for (const TaskSpec& task : GenerateScenario(seed, arch->name).tasks) {
        for (const Operation& op : task.setup) used.insert(FirstWord(op));
        for (const Operation& op : task.ops) used.insert(FirstWord(op));
      }
    }
    for (const kernel::OpSpec* op : kernel::AllOps()) {
      const bool belongs = op->arch.empty() || op->arch == arch->name;
      EXPECT_EQ(used.contains(std::string(op->name)), belongs) << op->name << " on " << arch->name;
    }
  }
}

TEST(GenerateTest, EveryArchitectureIsDrawn) {
  std::set<std::string> drawn;
  for (std::uint64_t seed = 0; seed < kManySeeds; ++seed) drawn.insert(GenerateScenario(seed).arch);

  EXPECT_EQ(drawn.size(), kernel::AllArchs().size());
}

TEST(GenerateTest, NoTwoMachinesHaveToBeAlike) {
  std::set<int> cpus;
  std::set<bool> sharing;
  for (std::uint64_t seed = 0; seed < kManySeeds; ++seed) {
    const sim::MachineConfig machine = GenerateScenario(seed).machine;
    cpus.insert(machine.cpu_count);
    sharing.insert(machine.tlb_sharing > 1);
  }

  EXPECT_EQ(cpus, (std::set<int>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(sharing.size(), 2u);
}

// Else silence would say nothing.
TEST(GenerateTest, ABrokenKernelIsFoundOut) {
  const std::vector<VersionChoice> broken = {{"sparc64.flush", "trim_if_single_user"},
                                             {"sparc64.tsb_fill", "walk_then_lock"}};
  for (const VersionChoice& choice : broken) {
    bool found = false;
    for (std::uint64_t seed = 0; seed < 500 && !found; ++seed) {
      Scenario scenario = GenerateScenario(seed, "sparc64");
      scenario.version = {choice};
      const std::unique_ptr<Simulation> simulation = testing::BuildOrFail(scenario);
      ASSERT_NE(simulation, nullptr) << seed;
      for (std::uint64_t walk = 0; walk < 50 && !found; ++walk) {
        found = testing::RunBurst(*simulation, walk).check != "clean";
      }
    }
    EXPECT_TRUE(found) << choice.value;
  }
}

// In groups, so that they can run side by side.
struct Group {
  std::string arch;
  std::string flush;  // sparc64.flush; empty: its default
  int number = 0;
};
void PrintTo(const Group& group, std::ostream* out) {
  *out << group.arch << group.flush << "_" << group.number;
}

std::vector<Group> Groups() {
  std::vector<Group> groups;
  const auto add = [&](std::string_view arch, const std::string& flush, int count) {
    for (int i = 0; i < count; ++i) {
      groups.push_back({.arch = std::string(arch), .flush = flush, .number = i});
    }
  };
  // Most to the two that have most to them.
  for (const kernel::Arch* arch : kernel::AllArchs()) {
    add(arch->name, "", arch->name == "sparc64" || arch->name == "x86_64" ? 6 : 1);
  }
  add("sparc64", "ipi_trim", 6);
  return groups;
}

constexpr std::uint64_t kScenariosAGroup = 250;
constexpr int kWalks = 5;

class GeneratedTest : public ::testing::TestWithParam<Group> {};

TEST_P(GeneratedTest, StaysClean) {
  const Group& group = GetParam();
  for (std::uint64_t i = 0; i < kScenariosAGroup; ++i) {
    const std::uint64_t seed = static_cast<std::uint64_t>(group.number) * kScenariosAGroup + i;
    SCOPED_TRACE("GenerateScenario(" + std::to_string(seed) + ", " + group.arch + ")");
    Scenario scenario = GenerateScenario(seed, group.arch);
    if (!group.flush.empty()) scenario.version = {{.name = "sparc64.flush", .value = group.flush}};
    testing::ExpectCleanWalks(scenario, kWalks, seed * kWalks);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GeneratedTest, ::testing::ValuesIn(Groups()),
                         [](const ::testing::TestParamInfo<Group>& test) {
                           return test.param.arch + test.param.flush + "_" +
                                  std::to_string(test.param.number);
                         });

}  // namespace
}  // namespace shootdown
