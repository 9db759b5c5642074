// The powerpc scenarios of corpus/ under RMO, which orders about as little as powerpc does: each
// verdict is the one that it has under TSO. What the fix of a race leaves open, loads that come
// early and stores that pass each other do not open further.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::MutationLoop;
using testing::TestName;

constexpr std::uint64_t kFindRunCountMax = 100'000;
constexpr std::uint64_t kCleanRunCount = 5'000;

std::vector<std::string> PowerpcNames() {
  std::vector<std::string> names;
  for (const std::string& name : testing::CorpusNames()) {
    if (testing::CorpusScenario(name).arch.starts_with("powerpc")) names.push_back(name);
  }
  return names;
}

std::unique_ptr<Simulation> BuildUnderRmo(const std::string& name) {
  Scenario scenario = testing::CorpusScenario(name);
  scenario.machine.memory_model = sim::MemoryModel::kRmo;
  ScenarioProblem problem;
  auto simulation = Simulation::Build(scenario, &problem);
  EXPECT_NE(simulation, nullptr) << problem.message;
  return simulation;
}

TEST(WeakMemoryCorpusTest, ThereArePowerpcScenarios) { EXPECT_GE(PowerpcNames().size(), 8u); }

class PowerpcUnderRmoTest : public ::testing::TestWithParam<std::string> {};

TEST_P(PowerpcUnderRmoTest, HasItsVerdict) {
  const auto simulation = BuildUnderRmo(GetParam());
  ASSERT_NE(simulation, nullptr);
  const std::string expected = simulation->scenario().expected;
  const bool clean = expected == "clean";

  MutationLoop loop(*simulation, 1);
  loop.Run(clean ? kCleanRunCount : kFindRunCountMax, 1);

  if (clean) {
    EXPECT_TRUE(loop.found().empty())
        << loop.found()[0].kind_key << " with " << loop.found()[0].exact.ToText();
  } else {
    ASSERT_EQ(loop.found().size(), 1u);
    EXPECT_EQ(loop.found()[0].kind_key.substr(0, expected.size() + 1), expected + "|");
  }
}

class BroadcastUnderRmoTest : public ::testing::TestWithParam<std::string> {};

// Who broadcasts an invalidation waits for the walks of others: one that begins later sees the pte that was
// cleared before. So a munmap beside an access to its page is right.
TEST_P(BroadcastUnderRmoTest, AWalkAfterAnInvalidationSeesThePteFromBeforeIt) {
  Scenario scenario;
  scenario.name = "munmap";
  scenario.arch = GetParam();
  scenario.expected = "clean";
  scenario.machine.memory_model = sim::MemoryModel::kRmo;
  TaskSpec a;
  a.name = "a";
  a.cpu = 0;
  for (const char* const op : {"mmap A", "touch A", "clone b"}) a.setup.push_back(Operation{op});
  a.ops.push_back(Operation{"munmap A"});
  TaskSpec b;
  b.name = "b";
  b.cpu = 1;
  b.ops.push_back(Operation{"touch A"});
  scenario.tasks = {a, b};
  ScenarioProblem problem;
  const auto simulation = Simulation::Build(scenario, &problem);
  ASSERT_NE(simulation, nullptr) << problem.message;

  // CPU 1 goes on before any step of the munmap, reads an old pte, and is left before it uses it.
  for (int step = 0; step < 40; ++step) {
    const std::string text = "T0@" + std::to_string(step) + ">C1 T1@2~old(1) T1@4>C0";
    EXPECT_EQ(testing::KindOf(*simulation, *Schedule::Parse(text)), "clean") << text;
  }
  MutationLoop loop(*simulation, 1);
  loop.Run(kCleanRunCount);
  EXPECT_TRUE(loop.found().empty()) << loop.found()[0].exact.ToText();
}

INSTANTIATE_TEST_SUITE_P(Archs, BroadcastUnderRmoTest, ::testing::Values("powerpc64", "arm64", "arm"),
                         [](const auto& arch) { return arch.param; });

INSTANTIATE_TEST_SUITE_P(Corpus, PowerpcUnderRmoTest, ::testing::ValuesIn(PowerpcNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

}  // namespace
}  // namespace shootdown
