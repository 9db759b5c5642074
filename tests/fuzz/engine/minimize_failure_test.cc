// The smallest failure is the same failure: its id stays, and it replays on its own scenario.
#include "fuzz/engine/minimize_failure.h"

#include <gtest/gtest.h>

#include "fuzz/engine/record.h"
#include "proto/convert.h"
#include "proto/scenario_text.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::CorpusScenario;
using testing::FirstFinding;
using testing::TestName;
using testing::SeedRaceNames;

// A finding as it was recorded before anything was minimized.
Failure Found(const std::string& name, std::uint64_t seed) {
  const auto simulation = BuildCorpus(name);
  const Target::Found found = FirstFinding(*simulation, seed);
  std::optional<Failure> failure =
      RecordFailure(*simulation, found.exact, PrintScenario(CorpusScenario(name)));
  EXPECT_TRUE(failure.has_value());
  failure->found_at_run = found.run;
  failure->seed = seed;
  return *std::move(failure);
}

std::unique_ptr<Simulation> SimulationOf(const Failure& failure) {
  const absl::StatusOr<Scenario> scenario = ParseScenario(failure.scenario_text, "scenario");
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  ScenarioProblem problem;
  return Simulation::Build(*scenario, &problem);
}

Failure Smallest(const Failure& failure) {
  const auto smallest = MinimizeFailure(SimulationOf(failure), failure, &PrintScenario);
  EXPECT_TRUE(smallest.has_value());
  return smallest.has_value() ? smallest->failure : Failure();
}

class MinimizeFailureTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MinimizeFailureTest, KeepsTheIdAndWhatWasFound) {
  const Failure found = Found(GetParam(), 1);

  const Failure smallest = Smallest(found);

  EXPECT_EQ(FailureId(smallest), FailureId(found));
  EXPECT_EQ(FoundScenarioText(smallest), found.scenario_text);
  EXPECT_EQ(smallest.found_schedule_text, found.schedule_text);
  EXPECT_EQ(smallest.found_at_run, found.found_at_run);
  EXPECT_EQ(smallest.seed, found.seed);
  EXPECT_EQ(smallest.scenario_name, found.scenario_name);
  EXPECT_EQ(smallest.kind_key, found.kind_key);
  EXPECT_TRUE(smallest.minimized);
  EXPECT_EQ(smallest.proof.size(), smallest.anchors.size());
  EXPECT_FALSE(smallest.scenario_proof.empty());
  EXPECT_EQ(&Better(smallest, found), &smallest);
  EXPECT_EQ(&Better(found, smallest), &smallest);
}

TEST_P(MinimizeFailureTest, ReplaysOnItsOwnScenarioAfterAWayThroughTheStore) {
  const absl::StatusOr<std::string> bytes = EncodeFailure(Smallest(Found(GetParam(), 2)));
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const absl::StatusOr<Failure> stored = DecodeFailure(*bytes);
  ASSERT_TRUE(stored.ok()) << stored.status();
  const auto simulation = SimulationOf(*stored);

  const absl::StatusOr<Replay> replay = ReplayFailure(*simulation, *stored);

  ASSERT_TRUE(replay.ok()) << replay.status();
  EXPECT_TRUE(replay->reproduced);
}

TEST_P(MinimizeFailureTest, TwiceGivesTheSameRecord) {
  const Failure once = Smallest(Found(GetParam(), 3));

  EXPECT_EQ(Smallest(once), once);
}

INSTANTIATE_TEST_SUITE_P(Races, MinimizeFailureTest,
                         ::testing::ValuesIn(SeedRaceNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

TEST(SmallScenarioTest, AScenarioThatCannotShrinkKeepsItsTextByteForByte) {
  Failure found = Found("seed-stale-hit", 1);
  found.scenario_text = "# not the canonical text\n" + found.scenario_text;

  const Failure smallest = Smallest(found);

  EXPECT_EQ(smallest.scenario_text, found.scenario_text);
  EXPECT_EQ(smallest.found_scenario_text, "");
  EXPECT_EQ(FailureId(smallest), FailureId(found));
}

TEST(ChangedModelTest, AFailureThatDoesNotFailAsItDidIsNotMinimized) {
  Failure clean = Found("seed-stale-hit", 1);
  clean.schedule_text = "";
  Failure other = Found("seed-stale-hit", 1);
  other.kind_key = "stale_tlb_use|idle|elsewhere";

  EXPECT_FALSE(MinimizeFailure(SimulationOf(clean), clean, &PrintScenario).has_value());
  EXPECT_FALSE(MinimizeFailure(SimulationOf(other), other, &PrintScenario).has_value());
}

}  // namespace
}  // namespace shootdown
