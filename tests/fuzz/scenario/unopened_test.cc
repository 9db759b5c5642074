// A mistyped name is found; what a correct program does is not.
#include "fuzz/scenario/unopened.h"

#include <gtest/gtest.h>

#include <string>

#include "fuzz/scenario/generate.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

using Part = ScenarioProblem::Part;

Scenario Ring(const std::string& made, const std::string& submitted, const std::string& served) {
  return TwoTasks({.name = "app",
                   .setup = "mmap A; io_uring_setup " + made,
                   .ops = "touch A; io_uring_submit " + submitted + " read A"},
                  {.name = "sq", .ops = "io_sq_thread " + served});
}

TEST(UnopenedTest, WhatIsMadeMayBeUsed) {
  EXPECT_FALSE(FindUnopened(Ring("ring", "ring", "ring")).has_value());
}

TEST(UnopenedTest, TheFirstMistypedNameIsFoundAtItsPlace) {
  const auto submitted = FindUnopened(Ring("ring", "rnig", "rign"));
  ASSERT_TRUE(submitted.has_value());
  EXPECT_EQ(submitted->part, Part::kOp);
  EXPECT_EQ(submitted->task, 0u);
  EXPECT_EQ(submitted->entry, 1u);
  EXPECT_EQ(submitted->message,
            "found \"rnig\", which no io_uring_setup makes, wanted one that does: ring");

  const auto served = FindUnopened(Ring("ring", "ring", "rign"));
  ASSERT_TRUE(served.has_value());
  EXPECT_EQ(served->task, 1u);
  EXPECT_EQ(served->entry, 0u);
}

TEST(UnopenedTest, ARingOfOneKindIsNoneOfAnother) {
  Scenario scenario = Ring("ring", "ring", "ring");
  scenario.tasks[0].ops.push_back(Operation{"exit_sqo ring"});

  const auto found = FindUnopened(scenario);

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->message,
            "found \"ring\", which no io_uring_setup_sqo makes, wanted a task that does "
            "`io_uring_setup_sqo ring`");
}

// A queue, a file or a device of a driver is there when it is named first.
TEST(UnopenedTest, WhatNobodyHasToMakeIsNotAskedFor) {
  EXPECT_FALSE(
      FindUnopened(TwoTasks({.name = "app", .ops = "wake q; file_mmap f A; membarrier_peer l"}))
          .has_value());
}

TEST(UnopenedTest, RandomWorkloadsMakeWhatTheyUse) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    const Scenario scenario = GenerateScenario(seed);

    const auto found = FindUnopened(scenario);

    ASSERT_FALSE(found.has_value()) << found->message << "\n" << Describe(scenario);
  }
}

}  // namespace
}  // namespace shootdown::testing
