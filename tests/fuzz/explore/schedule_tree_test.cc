// The tree of schedules misses none: whatever a schedule of a few decisions does, one of the tree's
// does.
#include "fuzz/explore/schedule_tree.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fuzz/base/prng.h"
#include "fuzz/explore/enumerate.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/explore/random_program.h"
#include "tests/fuzz/explore/seed_race.h"

namespace shootdown::explore {
namespace {

using Kind = Decision::Kind;

constexpr DecisionKinds kSwitches = KindBit(Kind::kSwitch);
constexpr DecisionKinds kAllKinds = (DecisionKinds{1} << Decision::kKindCount) - 1;

std::uint64_t TraceOf(sim::Machine& machine) {
  const auto hashes = sim::ChainedHashes(machine.log());
  return hashes.empty() ? 0 : hashes.back();
}

struct Seen {
  std::set<std::uint64_t> traces;
  std::set<std::string> schedules;
  TreeReport report;
};

// All that the tree runs. Each must make the run that the visitor was shown.
Seen RunTree(sim::Subject& subject, const TreeOptions& options) {
  Seen seen;
  std::vector<std::pair<Schedule, std::uint64_t>> runs;
  ScheduleTree tree(subject, options);
  seen.report = tree.Explore([&](const Schedule& schedule, const sim::Violation*) {
    EXPECT_LE(schedule.size(), options.decision_count_max);
    runs.emplace_back(schedule, TraceOf(subject.machine()));
    return Visit::kGoOn;
  });
  for (const auto& [schedule, trace] : runs) {
    ScheduleScheduler scheduler(schedule);
    (void)subject.RunOnce(scheduler);
    EXPECT_EQ(TraceOf(subject.machine()), trace) << schedule.ToText();
    seen.traces.insert(trace);
    seen.schedules.insert(schedule.ToText());
  }
  return seen;
}

// Any decision of these kinds, near the steps that a run has.
Decision AnyDecision(Prng& prng, const sim::Machine& machine, DecisionKinds kinds) {
  const auto log = machine.log();
  Decision d;
  const sim::LogEntry& e = log[prng.Below(static_cast<std::uint32_t>(log.size()))];
  d.actor = ActorId(e.actor);
  d.index = e.index + prng.Below(3);
  do {
    d.kind = static_cast<Kind>(prng.Below(Decision::kKindCount));
  } while ((kinds & KindBit(d.kind)) == 0);
  const auto cpu = static_cast<int>(prng.Below(static_cast<std::uint32_t>(machine.cpu_count())));
  if (d.kind == Kind::kSwitch) d.to = prng.OneIn(4) ? BufferActor(cpu) : CpuActor(cpu);
  // Of pages and TLB entries there are few.
  const bool small = d.kind == Kind::kWalk || d.kind == Kind::kEvict;
  d.arg = static_cast<std::uint8_t>(
      prng.OneIn(3) ? 0 : prng.Below(prng.OneIn(4) ? 256 : small ? 4 : 16));
  return d;
}

// Random schedules of at most that many decisions do nothing that the tree has not done.
void ExpectNothingMissed(sim::Subject& subject, DecisionKinds kinds, std::size_t most, int tries) {
  const Seen seen = RunTree(subject, {.kinds = kinds, .decision_count_max = most});
  ASSERT_TRUE(seen.report.complete);
  Prng prng(7);
  int applied = 0;
  for (int n = 0; n < tries; ++n) {
    Schedule schedule;
    // Each next decision is drawn from the run of those before it: so it often applies.
    for (std::size_t k = 0; k < most; ++k) {
      ScheduleScheduler scheduler(schedule);
      (void)subject.RunOnce(scheduler);
      std::vector<Decision> decisions = schedule.decisions();
      decisions.push_back(AnyDecision(prng, subject.machine(), kinds));
      schedule = Schedule(std::move(decisions)).Canonical();
    }
    ScheduleScheduler scheduler(schedule);
    (void)subject.RunOnce(scheduler);
    applied += subject.machine().moves_made().size() >= most ? 1 : 0;
    ASSERT_TRUE(seen.traces.contains(TraceOf(subject.machine()))) << schedule.ToText();
  }
  EXPECT_GT(applied, tries / 50) << "random schedules are hardly applied, so they show nothing";
}

// The steps of the last run, in order. Where a CPU begins to wait is no step: the enumerator enters
// every CPU first of all, so its waits begin elsewhere.
std::string StepsOf(const sim::Machine& machine) {
  std::string steps;
  for (const sim::LogEntry& e : machine.log()) {
    if (IsStep(e.kind)) steps += std::string(1, static_cast<char>('0' + e.cpu));
  }
  return steps;
}

TEST(ScheduleTreeTest, WithoutABoundItRunsEveryInterleavingOfAProgram) {
  program::RandomProgram program(sim::MemoryModel::kSc);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    program.Become(seed);
    sim::Subject& subject = program.subject();
    std::set<std::string> all;
    Enumerator enumerator(subject);
    do {
      (void)enumerator.Run();
      all.insert(StepsOf(subject.machine()));
    } while (enumerator.Advance());
    std::set<std::string> seen;
    ScheduleTree tree(subject, {.decision_count_max = 40});

    const TreeReport report = tree.Explore([&](const Schedule&, const sim::Violation*) {
      seen.insert(StepsOf(subject.machine()));
      return Visit::kGoOn;
    });

    EXPECT_TRUE(report.complete);
    EXPECT_EQ(seen, all) << program.Text();
  }
}

TEST(ScheduleTreeTest, FewestDecisionsComeFirst) {
  const auto race = program::MakeSeedRace({}, sim::MemoryModel::kSc);
  std::size_t size = 0;
  std::uint64_t smaller_than_two = 0;
  ScheduleTree tree(*race, {.decision_count_max = 3, .run_count_max = 5'000});

  const TreeReport report = tree.Explore([&](const Schedule& schedule, const sim::Violation* v) {
    EXPECT_GE(schedule.size() + 1,
              size);  // a default that is said makes a schedule two larger at once
    size = std::max(size, schedule.size());
    if (v != nullptr && schedule.size() < 2) ++smaller_than_two;
    return v != nullptr ? Visit::kNoLarger : Visit::kGoOn;
  });

  EXPECT_TRUE(report.complete);
  EXPECT_EQ(size, 2u)
      << "the race needs two switches, and after the first failure no larger schedule is run";
  EXPECT_EQ(smaller_than_two, 0u);
}

TEST(ScheduleTreeTest, ABudgetThatEndsBeforeTheTreeSaysSo) {
  const auto race = program::MakeSeedRace({}, sim::MemoryModel::kSc);
  const auto explore = [&](const TreeOptions& options) {
    ScheduleTree tree(*race, options);
    return tree.Explore([](const Schedule&, const sim::Violation*) { return Visit::kGoOn; });
  };
  const TreeReport whole = explore({.decision_count_max = 2});
  ASSERT_TRUE(whole.complete);

  const TreeReport runs = explore({.decision_count_max = 2, .run_count_max = whole.runs - 1});
  const TreeReport enough = explore({.decision_count_max = 2, .run_count_max = whole.runs});
  const TreeReport steps = explore({.decision_count_max = 2, .step_count_max = whole.steps / 2});

  EXPECT_FALSE(runs.complete);
  EXPECT_EQ(runs.runs, whole.runs - 1);
  EXPECT_TRUE(enough.complete);
  EXPECT_FALSE(steps.complete);
}

TEST(ScheduleTreeTest, AVisitorCanEndIt) {
  const auto race = program::MakeSeedRace({}, sim::MemoryModel::kSc);
  int visits = 0;
  ScheduleTree tree(*race, {.decision_count_max = 2});

  (void)tree.Explore([&](const Schedule&, const sim::Violation*) {
    return ++visits == 7 ? Visit::kStop : Visit::kGoOn;
  });

  EXPECT_EQ(visits, 7);
}

struct KernelCase {
  const char* name;
  DecisionKinds kinds;
  std::size_t decisions;
};

class ScheduleTreeKernelTest : public ::testing::TestWithParam<KernelCase> {};

// Interrupts, store buffers, TLBs, walkers: everything that the machine has.
TEST_P(ScheduleTreeKernelTest, MissesNothing) {
  const Scenario scenario = {
      .name = "small",
      .summary = "",
      .commit = "",
      .arch = "x86_64",
      .machine = {.cpu_count = 2, .tlb_entries = 2},
      .version = {},
      .tasks =
          {{.name = "one",
            .process = "p",
            .cpu = 0,
            .setup = {{"mmap A"}, {"touch A"}},
            .ops = {{"munmap A"}}},
           {.name = "two", .process = "p", .cpu = 1, .setup = {{"touch A"}}, .ops = {{"yield"}}}},
      .checks_on = {},
      .checks_off = {},
      .expected = "clean"};
  ScenarioProblem problem;
  const auto simulation = Simulation::Build(scenario, &problem);
  ASSERT_NE(simulation, nullptr) << problem.message;
  ExpectNothingMissed(*simulation, GetParam().kinds, GetParam().decisions, 3'000);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ScheduleTreeKernelTest,
    ::testing::Values(
        KernelCase{"OneOfAnyKind", kAllKinds, 1}, KernelCase{"TwoSwitches", kSwitches, 2},
        KernelCase{"SwitchesAndHolds", kSwitches | KindBit(Kind::kHold), 2},
        KernelCase{"SwitchesAndDelays", kSwitches | KindBit(Kind::kDefer), 2},
        KernelCase{"SwitchesAndEvictions", kSwitches | KindBit(Kind::kEvict), 2},
        KernelCase{"SwitchesAndWalks", kSwitches | KindBit(Kind::kWalk), 2},
        KernelCase{"Interrupts",
                   KindBit(Kind::kResched) | KindBit(Kind::kNmi) | KindBit(Kind::kDefer), 2}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace shootdown::explore
