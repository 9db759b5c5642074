// How far runs have come is joined over all schedules: what no schedule does is known exactly.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/explore/state_search.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/scenario/undone.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::Kthread;
using ::shootdown::testing::Ops;
using ::shootdown::testing::TwoTasks;
using ::shootdown::testing::User;

class ReachedTest : public ::testing::Test {
 protected:
  void Build(const Scenario& scenario) {
    simulation_.reset();
    simulation_ = ::shootdown::testing::BuildOrFail(scenario);
    ASSERT_NE(simulation_, nullptr);
  }
  [[nodiscard]] StateOptions Options() const {
    StateOptions options;
    options.reached = simulation_->kernel().reached();
    return options;
  }
  [[nodiscard]] std::vector<Undone> UndoneNow() const {
    return FindUndone(simulation_->scenario(), simulation_->kernel().reached());
  }

  std::unique_ptr<Simulation> simulation_;
};

TEST_F(ReachedTest, BehindASleepThatNobodyEndsNothingIsDone) {
  Build(TwoTasks({.name = "app", .ops = "yield; sleep q; yield"},
                 {.name = "kt", .cpu = 1, .ops = "wake other"}));

  EXPECT_TRUE(StateSearch(*simulation_, Options()).Explore().complete);

  EXPECT_EQ(UndoneNow(), (std::vector<Undone>{{.task = 0, .first = 1, .begun = true}}));
}

TEST_F(ReachedTest, WhatAnyScheduleDoesIsDone) {
  // One wake-up for two: no run does both.
  Scenario scenario = TwoTasks({.name = "a", .ops = "sleep q; yield"},
                               {.name = "b", .cpu = 1, .ops = "sleep q; yield"});
  scenario.tasks.push_back(Kthread({.name = "c", .cpu = 1, .ops = "wake q"}));
  Build(scenario);
  StateOptions options = Options();
  options.preemptions = 1;
  int most_together = 0;
  options.on_run = [&](const sim::Violation*) {
    const auto& k = simulation_->kernel();
    most_together = std::max(most_together, k.tasks[0].finished + k.tasks[1].finished);
  };

  EXPECT_TRUE(StateSearch(*simulation_, options).Explore().complete);

  EXPECT_EQ(most_together, 1);
  EXPECT_EQ(UndoneNow(), std::vector<Undone>{});
}

TEST_F(ReachedTest, WithinABoundItIsWhatSchedulesWithinItDo) {
  Scenario scenario = TwoTasks({.name = "a", .ops = "sleep q; yield"},
                               {.name = "b", .cpu = 1, .ops = "sleep q; yield"});
  scenario.tasks.push_back(Kthread({.name = "c", .cpu = 1, .ops = "wake q"}));
  Build(scenario);
  StateOptions options = Options();
  options.preemptions = 0;

  EXPECT_TRUE(StateSearch(*simulation_, options).Explore().complete);
  EXPECT_EQ(UndoneNow().size(), 1u);

  options.preemptions = 1;

  EXPECT_TRUE(StateSearch(*simulation_, options).Explore().complete);
  EXPECT_EQ(UndoneNow().size(), 0u);
}

TEST_F(ReachedTest, ATaskThatNobodyStartsBeginsNothing) {
  Scenario scenario =
      TwoTasks({.name = "parent", .ops = "sleep q; clone child; exit", .process = "p"},
               {.name = "kt", .cpu = 1, .ops = "yield"});
  scenario.tasks.push_back(User({.name = "child", .cpu = 1, .ops = "yield; exit", .process = "p"}));
  Build(scenario);

  EXPECT_TRUE(StateSearch(*simulation_, Options()).Explore().complete);

  EXPECT_EQ(UndoneNow(), (std::vector<Undone>{{.task = 0, .first = 0, .begun = true},
                                              {.task = 2, .first = 0, .begun = false}}));
}

TEST_F(ReachedTest, WhoDiesHasDoneTheOperationInWhichItDies) {
  Scenario scenario = TwoTasks({.name = "app", .ops = "mmap A; touch A; exit"},
                               {.name = "kt", .cpu = 1, .ops = "exit"});
  Build(scenario);

  EXPECT_TRUE(StateSearch(*simulation_, Options()).Explore().complete);
  EXPECT_EQ(UndoneNow(), std::vector<Undone>{});

  scenario.tasks[0].ops = Ops("mmap A; touch A; exit; munmap A");
  Build(scenario);

  EXPECT_TRUE(StateSearch(*simulation_, Options()).Explore().complete);
  EXPECT_EQ(UndoneNow(), (std::vector<Undone>{{.task = 0, .first = 3, .begun = false}}));
}

TEST_F(ReachedTest, AServiceIsToldFromASleep) {
  Build(TwoTasks({.name = "app", .setup = "io_uring_setup ring", .ops = "sleep q"},
                 {.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"}));

  EXPECT_TRUE(StateSearch(*simulation_, Options()).Explore().complete);

  EXPECT_EQ(UndoneNow(),
            (std::vector<Undone>{{.task = 0, .first = 0, .begun = true},
                                 {.task = 1, .first = 0, .begun = true, .serves = true}}));
}

TEST_F(ReachedTest, ItIsNoPartOfAState) {
  Build(TwoTasks({.name = "app", .ops = "sleep q; yield"},
                 {.name = "kt", .cpu = 1, .ops = "wake q"}));

  const Report with = StateSearch(*simulation_, Options()).Explore();
  const Report without = StateSearch(*simulation_, {}).Explore();

  EXPECT_EQ(with.digest, without.digest);
  EXPECT_EQ(with.states, without.states);
  EXPECT_EQ(with.executions, without.executions);
}

TEST_F(ReachedTest, ASearchThatGoesOnKnowsWhatTheOneBeforeHasReached) {
  Build(TwoTasks({.name = "app", .ops = "sleep q; yield"},
                 {.name = "kt", .cpu = 1, .ops = "wake q"}));
  std::string saved;
  {
    StateSearch search(*simulation_, Options());
    EXPECT_TRUE(search.Explore().complete);
    search.Save(saved);
  }

  StateSearch again(*simulation_, Options());
  EXPECT_EQ(UndoneNow().size(), 2u);
  ASSERT_TRUE(again.Load(saved));
  EXPECT_TRUE(again.Explore().complete);

  EXPECT_EQ(UndoneNow(), std::vector<Undone>{});
}

}  // namespace
}  // namespace shootdown::explore
