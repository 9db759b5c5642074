#include "fuzz/engine/target.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "fuzz/engine/mutator.h"
#include "fuzz/program/program.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::FirstFinding;
using testing::KindOf;
using testing::MutationLoop;
using testing::TraceHashOf;

TEST(TargetTest, NewsAreCountedOnce) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  Target target(*simulation);

  const std::size_t first = target.Run(Schedule());

  EXPECT_GT(first, 0u);
  EXPECT_EQ(target.feature_count(), first);
  EXPECT_EQ(target.Run(Schedule()), 0u);
  EXPECT_EQ(target.feature_count(), first);
  EXPECT_EQ(target.run_count(), 2u);
}

TEST(TargetTest, WithoutFeedbackNoRunHasNews) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  Target target(*simulation, Target::Feedback::kNo);

  EXPECT_EQ(target.Run(Schedule()), 0u);
  EXPECT_EQ(target.feature_count(), 0u);
}

TEST(TargetTest, NewsAddUpToTheFeatureCount) {
  const auto simulation = BuildCorpus("seed-lost-bit");
  Target target(*simulation);
  Prng prng(1);
  std::size_t sum = target.Run(Schedule());
  for (int n = 0; n < 5'000; ++n) {
    const std::size_t before = target.feature_count();
    const std::size_t news = target.Run(Mutate(target.machine(), prng));
    ASSERT_EQ(target.feature_count(), before + news);
    sum += news;
  }
  EXPECT_EQ(target.feature_count(), sum);
}

TEST(TargetTest, NewsDoNotDependOnTheOrderOfRuns) {
  const auto simulation = BuildCorpus("seed-lost-bit");
  MutationLoop loop(*simulation, 1);
  loop.Run(3'000);
  std::vector<Schedule> schedules = loop.corpus();
  const auto features = [&] {
    Target target(*simulation);
    for (const Schedule& s : schedules) (void)target.Run(s);
    return target.feature_count();
  };
  const std::size_t forwards = features();
  std::ranges::reverse(schedules);

  EXPECT_EQ(features(), forwards);
  EXPECT_EQ(loop.target().feature_count(), forwards) << "a run with news is not in the corpus";
}

TEST(TargetTest, EnsuringTheLastRunCountsNothing) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  Target target(*simulation);
  (void)target.Run(Schedule());
  const std::size_t features = target.feature_count();
  Prng prng(1);
  const Schedule other = RandomSchedule(target.machine(), prng);
  const std::uint64_t hash = TraceHashOf(*simulation, other);

  target.EnsureLastRun(other);

  EXPECT_EQ(sim::ChainedHashes(target.machine().log()).back(), hash);
  EXPECT_EQ(target.run_count(), 1u);
  EXPECT_EQ(target.feature_count(), features);
}

TEST(TargetTest, TheLastRunIsThatOfTheScheduleAfterAFindingToo) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Target::Found finding = FirstFinding(*simulation, 1);
  // A decision that has no effect: the schedule is not the exact form of its run.
  std::vector<Decision> decisions = finding.exact.decisions();
  decisions.push_back({.actor = TaskActor(0), .to = CpuActor(0), .index = 9000});
  const Schedule schedule = Schedule(std::move(decisions)).Canonical();
  const std::uint64_t hash = TraceHashOf(*simulation, schedule);
  Target target(*simulation);
  std::vector<Target::Found> found;
  target.OnFound([&](const Target::Found& f) {
    found.push_back(f);
    (void)TraceHashOf(*simulation, Schedule());  // whoever hears of it may use the machine
  });

  (void)target.Run(schedule);
  target.EnsureLastRun(schedule);

  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].exact, finding.exact);
  EXPECT_EQ(sim::ChainedHashes(target.machine().log()).back(), hash);
}

TEST(TargetTest, AFindingFailsAgainInTheSameWay) {
  for (const char* name : {"seed-stale-hit", "seed-lost-bit", "seed-lost-bit-8cpu"}) {
    const auto simulation = BuildCorpus(name);
    MutationLoop loop(*simulation, 2);
    loop.Run(20'000);

    ASSERT_FALSE(loop.found().empty());
    for (const Target::Found& found : loop.found()) {
      EXPECT_EQ(KindOf(*simulation, found.exact), found.kind_key) << found.exact.ToText();
      EXPECT_EQ(found.exact, found.exact.Canonical());
    }
  }
}

TEST(TargetTest, WhatIsSeenAtTheEndOfARunIsOneKindWhoeverTookTheLastStep) {
  struct Case {
    const char* scenario;
    const char* kind;
    const char* one;
    const char* another;  // more decisions, only for another last step
  };
  constexpr Case kCases[] = {
      {"7.31-zap-dirty-late-flush", "write_lost|", "T0@35>C1", "T0@35>C1 T1@18>C0 C1@8~resched"},
      {"W7-no-drop", "refcount_conservation|", "", "C1@17~resched C1@19>C0"}};
  for (const Case& c : kCases) {
    const auto simulation = BuildCorpus(c.scenario);
    std::set<std::string> last_functions;
    for (const char* const text : {c.one, c.another}) {
      EXPECT_EQ(KindOf(*simulation, *Schedule::Parse(text)), c.kind) << c.scenario << ": " << text;
      last_functions.insert(simulation->machine().log().back().site->function);
    }

    EXPECT_EQ(last_functions.size(), 2u) << c.scenario;
  }
}

TEST(TargetTest, FindingsOfOneKindAreReportedAFewTimesOnly) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Target::Found finding = FirstFinding(*simulation, 1);
  Target target(*simulation);
  std::uint32_t reports = 0;
  target.OnFound([&](const Target::Found&) { ++reports; });

  for (int n = 0; n < 100; ++n) (void)target.Run(finding.exact);

  EXPECT_EQ(reports, Target::kReportsOfOneKindMax);
  EXPECT_EQ(target.passed_over_count(), 100u - Target::kReportsOfOneKindMax);
  EXPECT_EQ(target.run_count(), 100u);
}

struct Nothing {
  program::Word word;
};

TEST(TargetTest, AFindingBeforeTheFirstStepIsOneToo) {
  program::ProgramOf<Nothing> program(
      {.name = "wrong at once", .threads = {[](Nothing&) { REQUIRE(false, "never right"); }}});
  Target target(program);
  std::vector<Target::Found> all;
  target.OnFound([&](const Target::Found& found) { all.push_back(found); });

  (void)target.Run(Schedule());

  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all.front().kind_key, "assertion|");
  EXPECT_TRUE(all.front().exact.empty());
}

TEST(TargetTest, FindingsNeedNoListener) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Target::Found finding = FirstFinding(*simulation, 1);
  Target target(*simulation);

  EXPECT_GT(target.Run(finding.exact), 0u);
}

TEST(TargetDeathTest, AProgramThatDependsOnMoreThanItsScheduleIsToldSo) {
  int runs = 0;
  program::ProgramOf<Nothing> odd({.name = "odd", .threads = {[&runs](Nothing& n) {
                                     STORE(n.word, 1);
                                     REQUIRE(++runs != 1, "the first run");
                                   }}});
  Target target(odd);
  target.OnFound([](const Target::Found&) {});

  EXPECT_DEATH((void)target.Run(Schedule()),
               "the run of schedule \"\" failed .*, and did something else when it was made again: it depends on "
               "more than the schedule");
}

}  // namespace
}  // namespace shootdown
