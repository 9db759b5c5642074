// What is called the minimum is one, and what is not gives way to it.
#include "fuzz/engine/minimum_proof.h"

#include <gtest/gtest.h>

#include "fuzz/engine/minimize_failure.h"
#include "fuzz/engine/minimizer.h"
#include "fuzz/engine/record.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "proto/scenario_text.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::CorpusScenario;
using testing::FirstFinding;
using testing::KindOf;
using testing::SeedRaceNames;
using testing::TestName;

Schedule Parsed(const std::string& text) {
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(text);
  EXPECT_TRUE(schedule.ok()) << schedule.status();
  return *schedule;
}

class MinimumProofTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MinimumProofTest, NoSingleDecisionDoesWhatTwoDo) {
  const auto simulation = BuildCorpus(GetParam());
  const Target::Found found = FirstFinding(*simulation, 1);
  const Schedule schedule = MinimizeSchedule(*simulation, found.exact, found.kind_key).schedule;
  ASSERT_EQ(schedule.size(), 2u);

  const MinimumProof proof = ProveMinimum(*simulation, schedule, found.kind_key, {});

  EXPECT_EQ(proof.minimality, Minimality::kMinimum);
  EXPECT_FALSE(proof.smaller.has_value());
  // Each switch by itself, as our own loop makes it.
  for (const ActorId actor :
       {TaskActor(0), TaskActor(1), IdleActor(0), IdleActor(1), CpuActor(0), CpuActor(1)}) {
    for (std::uint32_t index = 0; index < 120; ++index) {
      for (int cpu = 0; cpu < simulation->machine().cpu_count(); ++cpu) {
        const Schedule one({{.actor = actor, .to = CpuActor(cpu), .index = index}});
        EXPECT_NE(KindOf(*simulation, one), found.kind_key) << one.ToText();
      }
    }
  }
}

TEST_P(MinimumProofTest, WithTooFewRunsNothingIsProven) {
  const auto simulation = BuildCorpus(GetParam());
  const Target::Found found = FirstFinding(*simulation, 1);
  const Schedule schedule = MinimizeSchedule(*simulation, found.exact, found.kind_key).schedule;
  const MinimumProof whole = ProveMinimum(*simulation, schedule, found.kind_key, {});
  ASSERT_EQ(whole.minimality, Minimality::kMinimum);

  const MinimumProof less =
      ProveMinimum(*simulation, schedule, found.kind_key, {.run_count_max = whole.run_count - 1});

  EXPECT_EQ(less.minimality, Minimality::kOneMinimal);
  EXPECT_EQ(less.run_count, whole.run_count - 1);
}

TEST_P(MinimumProofTest, WhoStopsItGetsNoProof) {
  const auto simulation = BuildCorpus(GetParam());
  const Target::Found found = FirstFinding(*simulation, 1);
  const Schedule schedule = MinimizeSchedule(*simulation, found.exact, found.kind_key).schedule;

  const MinimumProof proof = ProveMinimum(*simulation, schedule, found.kind_key,
                                          {.should_stop = [] { return true; }});

  EXPECT_EQ(proof.minimality, Minimality::kOneMinimal);
  EXPECT_EQ(proof.run_count, 0u);
}

INSTANTIATE_TEST_SUITE_P(Corpus, MinimumProofTest, ::testing::ValuesIn(SeedRaceNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

// Three decisions that fail, where two would do: the race needs no interrupt.
TEST(MinimumProofTest, ASmallerScheduleOfTheSameKindIsFound) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Target::Found found = FirstFinding(*simulation, 1);
  const Schedule two = MinimizeSchedule(*simulation, found.exact, found.kind_key).schedule;
  ASSERT_EQ(two.size(), 2u);
  std::vector<Decision> decisions = two.decisions();
  const Decision last = decisions.back();
  decisions.push_back(
      {.kind = Decision::Kind::kResched, .actor = last.actor, .index = last.index - 1});
  const Schedule three = Schedule(std::move(decisions)).Canonical();
  ASSERT_EQ(KindOf(*simulation, three), found.kind_key);

  const MinimumProof proof = ProveMinimum(*simulation, three, found.kind_key, {});

  ASSERT_TRUE(proof.smaller.has_value());
  EXPECT_EQ(proof.smaller->size(), 2u);
  EXPECT_EQ(KindOf(*simulation, *proof.smaller), found.kind_key);
  EXPECT_EQ(proof.minimality, Minimality::kOneMinimal);
  // The simplest of its size.
  EXPECT_LE(ComplexityOf(*simulation, *proof.smaller), ComplexityOf(*simulation, two));
}

TEST(MinimumProofTest, TheDefaultOrderIsTheLeastThereIs) {
  const auto simulation = BuildCorpus("7.37-riscv-cleared-bit");
  const std::string kind_key = KindOf(*simulation, Schedule());
  ASSERT_NE(kind_key, "clean");

  const MinimumProof proof = ProveMinimum(*simulation, Schedule(), kind_key, {});

  EXPECT_EQ(proof.minimality, Minimality::kMinimum);
  EXPECT_EQ(proof.run_count, 0u);
}

TEST(MinimumProofTest, PreemptionsWeighMoreThanInterruptsAndThoseMoreThanSteps) {
  const ScheduleComplexity preemption{.decisions = 1, .preemptions = 1};
  const ScheduleComplexity hold{.decisions = 1, .lingering = 1};
  const ScheduleComplexity interrupt{.decisions = 1, .interrupts = 1, .steps = 90};
  const ScheduleComplexity longer{.decisions = 1, .interrupts = 1, .steps = 91};
  const ScheduleComplexity two{.decisions = 2, .switches = 2};

  EXPECT_LT(hold, preemption);
  EXPECT_LT(interrupt, hold);
  EXPECT_LT(interrupt, longer);
  EXPECT_LT(preemption, two);
}

TEST(MinimumProofTest, ComplexityTellsAPreemptionFromASwitchWhileACpuWaits) {
  const auto simulation = BuildCorpus("seed-stale-hit");

  const ScheduleComplexity preempted = ComplexityOf(*simulation, Parsed("T0@3>C1"));

  EXPECT_EQ(preempted.decisions, 1u);
  EXPECT_EQ(preempted.preemptions, 1u);
  EXPECT_EQ(preempted.switches, 0u);
  EXPECT_EQ(ComplexityOf(*simulation, Parsed("T0@3~evict(0)")).hardware, 1u);
  EXPECT_EQ(ComplexityOf(*simulation, Parsed("T0@3~resched")).interrupts, 1u);
}

TEST(MinimumProofTest, WhatIsStoredSaysWhetherItIsTheMinimum) {
  const std::string text = PrintScenario(CorpusScenario("seed-stale-hit"));
  auto simulation = BuildCorpus("seed-stale-hit");
  const Target::Found found = FirstFinding(*simulation, 1);
  const std::optional<Failure> failure = RecordFailure(*simulation, found.exact, text);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->minimality, Minimality::kUnknown);

  const auto smallest = MinimizeFailure(std::move(simulation), *failure, &PrintScenario);

  ASSERT_TRUE(smallest.has_value());
  EXPECT_EQ(smallest->failure.minimality, Minimality::kMinimum);
  EXPECT_GT(smallest->failure.minimality_runs, 20u);
  EXPECT_STREQ(MinimalityName(smallest->failure.minimality), "minimum, proven");
}

}  // namespace
}  // namespace shootdown
