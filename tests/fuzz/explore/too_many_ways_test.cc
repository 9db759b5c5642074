// Under RMO a load may give values older than a search has numbers for. Then it is no proof, also
// if that was met before it was interrupted.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"

namespace shootdown::explore {
namespace {

struct Memory {
  program::Word x;
  program::Word y;
};

// One load, of a word that has had so many values before its last one.
std::unique_ptr<program::ProgramOf<Memory>> ManyValues(int old_values) {
  return std::make_unique<program::ProgramOf<Memory>>(
      program::ProgramOf<Memory>::Parts{.name = "many_values",
                                        .threads = {[old_values](Memory& m) {
                                                      for (int i = 0; i < old_values; ++i) {
                                                        RMW(m.x, old + 1);
                                                      }
                                                    },
                                                    [](Memory& m) { STORE(m.y, LOAD(m.x)); }},
                                        .machine = {.memory_model = program::MemoryModel::kRmo}});
}

TEST(TooManyWaysTest, OnlyUpToSevenOlderValuesAreAProof) {
  for (const int old_values : {7, 8}) {
    const auto subject = ManyValues(old_values);

    const Report report = StateSearch(*subject, {}).Explore();

    EXPECT_EQ(report.complete, old_values <= kOldValueCountMax) << old_values;
    EXPECT_EQ(report.stopped_by,
              old_values <= kOldValueCountMax ? StoppedBy::kNothing : StoppedBy::kTooManyWays);
  }
}

TEST(TooManyWaysTest, ASearchThatGoesOnKnowsOfThemStill) {
  const auto subject = ManyValues(8);
  const Report whole = StateSearch(*subject, {}).Explore();
  const std::uint64_t runs = whole.executions + whole.blocked;
  ASSERT_GT(runs, 2u);
  for (std::uint64_t before = 1; before < runs; ++before) {
    StateOptions options;
    options.execution_count_max = before;
    std::string saved;
    {
      StateSearch first(*subject, options);
      ASSERT_EQ(first.Explore().stopped_by, StoppedBy::kExecutions);
      first.Save(saved);
    }
    StateSearch rest(*subject, {});
    ASSERT_TRUE(rest.Load(saved));

    const Report report = rest.Explore();

    EXPECT_FALSE(report.complete) << before;
    EXPECT_EQ(report.stopped_by, StoppedBy::kTooManyWays) << before;
    EXPECT_EQ(report.states, whole.states) << before;
  }
}

// One that is limited makes as many runs again when it goes on, or it would stop at once.
TEST(TooManyWaysTest, RunsFromBeforeDoNotCountToTheLimit) {
  const auto subject = ManyValues(5);
  const Report whole = StateSearch(*subject, {}).Explore();
  StateOptions options;
  options.execution_count_max = (whole.executions + whole.blocked) / 2 + 1;
  std::string saved;
  StateSearch first(*subject, options);
  ASSERT_EQ(first.Explore().stopped_by, StoppedBy::kExecutions);
  first.Save(saved);
  StateSearch rest(*subject, options);
  ASSERT_TRUE(rest.Load(saved));

  EXPECT_TRUE(rest.Explore().complete);
}

}  // namespace
}  // namespace shootdown::explore
