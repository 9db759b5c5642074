// Minimizing a scenario keeps the failure, takes away all that can go, and never pays with decisions.
#include "fuzz/engine/scenario_minimizer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/engine/anchors.h"
#include "fuzz/engine/target.h"
#include "fuzz/kernel/lock.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/fuzz/engine/engine_testing.h"
#include "tests/fuzz/scenario/burst_walk.h"

namespace shootdown {
namespace {

using testing::CorpusNames;
using testing::CorpusScenario;
using testing::FirstFinding;
using testing::KindOf;
using testing::TestName;
using testing::SeedRaceNames;

constexpr std::uint64_t kSeedCount = 5;

using Operations = std::vector<Operation>;

TaskSpec User(const std::string& name, int cpu, Operations setup, Operations ops) {
  return {.name = name,
          .process = "",
          .kthread = false,
          .cpu = cpu,
          .setup = std::move(setup),
          .ops = std::move(ops)};
}

TaskSpec Kthread(const std::string& name, int cpu, Operations ops) {
  TaskSpec task = User(name, cpu, {}, std::move(ops));
  task.kthread = true;
  return task;
}

// Null if there is no such scenario. REQUIRES: no other simulation lives.
std::unique_ptr<Simulation> Build(const Scenario& scenario) {
  ScenarioProblem problem;
  return Simulation::Build(scenario, &problem);
}

std::vector<DecisionAnchor> AnchorsIn(Simulation& simulation, const Schedule& schedule) {
  (void)KindOf(simulation, schedule);
  return AnchorsOf(simulation, schedule);
}

// What of `schedule` is left without the task, with the other tasks under their new numbers.
void LeaveOutTask(std::size_t task, std::vector<Decision>* decisions,
                  std::vector<DecisionAnchor>* anchors) {
  for (std::size_t i = decisions->size(); i > 0; --i) {
    ActorId& actor = (*decisions)[i - 1].actor;
    if (actor.actor_class() != ActorId::Class::kTask) continue;
    const auto number = static_cast<std::size_t>(actor.number());
    if (number > task) actor = TaskActor(static_cast<int>(number) - 1);
    if (number != task) continue;
    decisions->erase(decisions->begin() + static_cast<std::ptrdiff_t>(i - 1));
    anchors->erase(anchors->begin() + static_cast<std::ptrdiff_t>(i - 1));
  }
}

// The failure is gone without any one part: not with the decisions at the same steps, not with them at
// the same sites. Takes the simulation, since others are built.
void ExpectEveryPartNeeded(MinimizedScenario small, const std::string& kind_key) {
  const Scenario scenario = small.simulation->scenario();
  const Schedule& schedule = small.minimized.schedule;
  const auto anchors = AnchorsIn(*small.simulation, schedule);
  small.simulation.reset();
  const std::vector<ScenarioPart> parts = PartsOf(scenario);
  ASSERT_EQ(small.scenario_proof.size(), parts.size());
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const ProofStep& proof = small.scenario_proof[p];
    SCOPED_TRACE("without " + proof.without + ", which says " + proof.verdict);
    EXPECT_EQ(proof.without, ToText(parts[p], scenario));
    EXPECT_NE(proof.verdict, "");
    std::vector<Decision> decisions = schedule.decisions();
    std::vector<DecisionAnchor> places = anchors;
    if (parts[p].kind == ScenarioPart::Kind::kTask) {
      LeaveOutTask(parts[p].task, &decisions, &places);
    }
    const Schedule left = Schedule(std::move(decisions)).Canonical();
    const auto simulation = Build(Without(scenario, parts[p]));
    if (simulation == nullptr) {
      EXPECT_EQ(proof.verdict.substr(0, 15), "cannot be run: ");
      continue;
    }
    EXPECT_NE(KindOf(*simulation, left), kind_key);
    EXPECT_NE(KindOf(*simulation, Reanchor(*simulation, left, places)), kind_key);
  }
}

// Fails as before, and every decision is needed.
void ExpectMinimalSchedule(MinimizedScenario& small, const std::string& kind_key) {
  const Schedule& schedule = small.minimized.schedule;
  EXPECT_EQ(KindOf(*small.simulation, schedule), kind_key) << schedule.ToText();
  ASSERT_EQ(small.minimized.proof.size(), schedule.size());
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    EXPECT_EQ(small.minimized.proof[i].without, ToText(schedule.decisions()[i]));
    EXPECT_NE(small.minimized.proof[i].verdict, "the same failure");
    EXPECT_NE(KindOf(*small.simulation, schedule.Without(i)), kind_key);
  }
}

// The scenario's parts, but for some, stand in `less` in the same order; all else is equal.
void ExpectPartOf(const Scenario& less, const Scenario& whole) {
  Scenario frame = less;
  frame.tasks = whole.tasks;
  EXPECT_EQ(frame, whole);
  const auto is_within = [](const Operations& some, const Operations& all) {
    std::size_t at = 0;
    for (const Operation& op : all) at += at < some.size() && some[at] == op ? 1 : 0;
    return at == some.size();
  };
  std::size_t t = 0;
  for (const TaskSpec& task : whole.tasks) {
    if (t == less.tasks.size() || less.tasks[t].name != task.name) continue;
    TaskSpec same = less.tasks[t];
    EXPECT_TRUE(is_within(same.setup, task.setup)) << task.name;
    EXPECT_TRUE(is_within(same.ops, task.ops)) << task.name;
    same.setup = task.setup;
    same.ops = task.ops;
    EXPECT_EQ(same, task);
    ++t;
  }
  EXPECT_EQ(t, less.tasks.size());
}

class ScenarioMinimizerTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ScenarioMinimizerTest, EveryFindingEndsMinimalInDecisionsAndOperations) {
  const Scenario whole = CorpusScenario(GetParam());
  for (std::uint64_t seed = 0; seed < kSeedCount; ++seed) {
    SCOPED_TRACE(seed);
    auto simulation = Build(whole);
    const Target::Found found = FirstFinding(*simulation, seed);
    const std::size_t most = MinimizeSchedule(*simulation, found.exact, found.kind_key).schedule.size();

    MinimizedScenario small = MinimizeScenario(std::move(simulation), found.exact, found.kind_key);

    ExpectPartOf(small.simulation->scenario(), whole);
    EXPECT_LE(small.minimized.schedule.size(), most);
    ExpectMinimalSchedule(small, found.kind_key);
    ExpectEveryPartNeeded(std::move(small), found.kind_key);
  }
}

TEST_P(ScenarioMinimizerTest, MinimizingTwiceChangesNothing) {
  auto simulation = Build(CorpusScenario(GetParam()));
  const Target::Found found = FirstFinding(*simulation, 1);
  MinimizedScenario once = MinimizeScenario(std::move(simulation), found.exact, found.kind_key);
  const Scenario scenario = once.simulation->scenario();
  const Schedule schedule = once.minimized.schedule;

  const MinimizedScenario twice =
      MinimizeScenario(std::move(once.simulation), schedule, found.kind_key);

  EXPECT_EQ(twice.simulation->scenario(), scenario);
  EXPECT_EQ(twice.minimized.schedule, schedule);
  EXPECT_EQ(twice.minimized.proof, once.minimized.proof);
  EXPECT_EQ(twice.scenario_proof, once.scenario_proof);
}

TEST_P(ScenarioMinimizerTest, APartWithMorePlacesThanWereTriedIsNotCalledNeeded) {
  const auto untried = [](const MinimizedScenario& small) {
    return std::ranges::count_if(small.scenario_proof, [](const ProofStep& step) {
      return step.verdict.starts_with("not found in ");
    });
  };
  auto simulation = Build(CorpusScenario(GetParam()));
  const Target::Found found = FirstFinding(*simulation, 1);
  MinimizedScenario all = MinimizeScenario(std::move(simulation), found.exact, found.kind_key);
  EXPECT_EQ(untried(all), 0);
  const Schedule schedule = all.minimized.schedule;

  const MinimizedScenario few =
      MinimizeScenario(std::move(all.simulation), schedule, found.kind_key, /*runs_per_part=*/2);

  EXPECT_GT(untried(few), 0);
  for (const ProofStep& step : few.scenario_proof) {
    if (!step.verdict.starts_with("not found in ")) continue;
    EXPECT_EQ(step.verdict.substr(0, 19), "not found in 2 runs") << step.without;
  }
}

TEST_P(ScenarioMinimizerTest, BystandersGoWhereverTheyStand) {
  const Scenario whole = CorpusScenario(GetParam());
  Scenario noisy = whole;
  // In front, so that every task has another number, and every step another index.
  noisy.tasks.insert(noisy.tasks.begin(), User("first", 1, {Operation{"mmap A"}}, {}));
  noisy.tasks.push_back(Kthread("last", 0, {Operation{"yield"}}));
  for (TaskSpec& task : noisy.tasks) {
    task.setup.insert(task.setup.begin(), Operation{"yield"});
    task.ops.insert(task.ops.begin(), {Operation{"touch C"}, Operation{"yield"}});
    if (task.kthread) task.ops.erase(task.ops.begin());
  }
  auto simulation = Build(noisy);
  ASSERT_NE(simulation, nullptr);
  const Target::Found found = FirstFinding(*simulation, 2);

  MinimizedScenario small = MinimizeScenario(std::move(simulation), found.exact, found.kind_key);

  const Scenario scenario = small.simulation->scenario();
  EXPECT_LE(OperationCount(scenario), OperationCount(whole));
  EXPECT_LE(scenario.tasks.size(), whole.tasks.size());
  for (const TaskSpec& task : scenario.tasks) {
    EXPECT_NE(task.name, "first");
    EXPECT_NE(task.name, "last");
    for (const Operation& op : task.ops) EXPECT_NE(op.text, "touch C");
  }
  ExpectMinimalSchedule(small, found.kind_key);
}

INSTANTIATE_TEST_SUITE_P(Races, ScenarioMinimizerTest,
                         ::testing::ValuesIn(SeedRaceNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

class ScenarioPartsTest : public ::testing::TestWithParam<std::string> {};

// What is tried on the way must be safe to run: an operation may have lost what it works on.
TEST_P(ScenarioPartsTest, AnyMayBeMissing) {
  Prng prng(1);
  for (int n = 0; n < 60; ++n) {
    Scenario scenario = CorpusScenario(GetParam());
    for (std::uint32_t gone = 1 + prng.Below(6); gone > 0; --gone) {
      const std::vector<ScenarioPart> parts = PartsOf(scenario);
      if (parts.empty()) break;
      scenario = Without(scenario, parts[prng.Below(static_cast<std::uint32_t>(parts.size()))]);
    }
    const auto simulation = Build(scenario);
    if (simulation == nullptr) continue;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      testing::BurstWalk walk(seed);
      (void)simulation->Run(walk);
    }
    EXPECT_NE(KindOf(*simulation, Schedule()), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, ScenarioPartsTest, ::testing::ValuesIn(CorpusNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

// Two locks, taken in the order in which they are named.
struct TwoLocks {
  kernel::SpinLock a;
  kernel::SpinLock b;
};

void LockBoth(kernel::SpinLock* first, kernel::SpinLock* second) {
  spin_lock(first);
  spin_lock(second);
  spin_unlock(second);
  spin_unlock(first);
}

void RegisterLockOps() {
  static const bool once = [] {
    using kernel::BoundOp;
    const auto add = [](std::string_view name, void (*run)(const BoundOp& op)) {
      kernel::RegisterOp({.name = name,
                          .usage = name,
                          .what = "takes two locks",
                          .args = {kernel::ArgKind::kObject},
                          .run = run,
                          .object = &kernel::ObjectOf<TwoLocks>});
    };
    add("test_lock_ab", [](const BoundOp& op) {
      auto* const locks = kernel::ObjectArg<TwoLocks>(op, 0);
      LockBoth(&locks->a, &locks->b);
    });
    add("test_lock_ba", [](const BoundOp& op) {
      auto* const locks = kernel::ObjectArg<TwoLocks>(op, 0);
      LockBoth(&locks->b, &locks->a);
    });
    return true;
  }();
  (void)once;
}

// Without `sq` its ring is never closed: a deadlock too, and in every run. It is not the one that the
// schedule has found.
TEST(DeadlockTest, ARaceIsNotShrunkToAScenarioThatFailsByItself) {
  RegisterLockOps();
  Scenario scenario;
  scenario.name = "lock-order";
  scenario.expected = "deadlock";
  scenario.machine.cpu_count = 3;
  scenario.tasks = {
      User("ab", 2, {Operation{"io_uring_setup ring"}},
           {Operation{"test_lock_ab locks"}, Operation{"io_uring_close ring"}}),
      User("ba", 0, {}, {Operation{"test_lock_ba locks"}}),
      Kthread("sq", 1, {Operation{"io_sq_thread ring"}}),
  };
  Scenario without_sq = scenario;
  without_sq.tasks.pop_back();
  std::string by_itself;
  {
    const auto simulation = Build(without_sq);
    ASSERT_NE(simulation, nullptr);
    by_itself = KindOf(*simulation, Schedule());
  }
  auto simulation = Build(scenario);
  ASSERT_NE(simulation, nullptr);
  ASSERT_EQ(KindOf(*simulation, Schedule()), "clean");
  testing::MutationLoop loop(*simulation, 1);
  loop.Run(3'000);
  const auto same = std::ranges::find(loop.found(), by_itself, &Target::Found::kind_key);
  ASSERT_NE(same, loop.found().end());
  const Target::Found& found = *same;

  MinimizedScenario small = MinimizeScenario(std::move(simulation), found.exact, found.kind_key);

  EXPECT_FALSE(small.minimized.schedule.empty());
  const Scenario left = small.simulation->scenario();
  ASSERT_EQ(left.tasks.size(), 2u);
  EXPECT_EQ(left.tasks[0].ops, std::vector{Operation{"test_lock_ab locks"}});
  EXPECT_EQ(left.tasks[1].ops, std::vector{Operation{"test_lock_ba locks"}});
  EXPECT_EQ(OperationCount(left), 2u);
  ExpectMinimalSchedule(small, found.kind_key);
}

// Without the exit of `callee` nobody ever answers `caller`: a deadlock in every run. Which CPU stops last in
// it is up to the schedule, and makes it no other one.
TEST(DeadlockTest, ADeadlockIsTheSameWhoeverStopsLast) {
  auto simulation = testing::BuildCorpus("7.33-binder-mmput-vs-exit");
  ASSERT_NE(simulation, nullptr);
  const Target::Found found = FirstFinding(*simulation, 1);

  const MinimizedScenario small = MinimizeScenario(std::move(simulation), found.exact, found.kind_key);

  EXPECT_EQ(small.minimized.schedule.size(), 1u);
  const Scenario& left = small.simulation->scenario();
  ASSERT_GE(left.tasks.size(), 2u);
  EXPECT_EQ(left.tasks[1].ops, std::vector{Operation{"exit"}});
}

TEST(ScenarioPartTest, NamesAndLeavesOutWhatItIs) {
  Scenario scenario;
  scenario.tasks = {
      User("app", 0, {Operation{"mmap A"}}, {Operation{"touch A"}, Operation{"munmap A"}}),
      Kthread("sq", 0, {}),
  };
  const std::vector<ScenarioPart> parts = PartsOf(scenario);

  std::vector<std::string> names;
  for (const ScenarioPart& part : parts) names.push_back(ToText(part, scenario));

  EXPECT_EQ(names, (std::vector<std::string>{"app before step 0: mmap A", "app: touch A",
                                             "app: munmap A", "task app", "task sq"}));
  EXPECT_EQ(Without(scenario, parts[0]).tasks[0].setup, Operations());
  EXPECT_EQ(Without(scenario, parts[1]).tasks[0].ops, std::vector{Operation{"munmap A"}});
  EXPECT_EQ(Without(scenario, parts[3]).tasks, std::vector{scenario.tasks[1]});
  // The last task stays: a scenario without tasks is none.
  EXPECT_TRUE(PartsOf(Without(scenario, parts[3])).empty());
}

}  // namespace
}  // namespace shootdown
