// Who may stop a search is asked by steps: where runs are long, after few of them.
#include <gtest/gtest.h>

#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"

namespace shootdown::explore {
namespace {

struct Shared {
  program::Word word;
};

template <int kStores>
void StoreOften(Shared& s) {
  for (std::uint64_t i = 0; i < kStores; ++i) STORE(s.word, i);
}

template <int kStores>
std::uint64_t RunsUntilAsked() {
  program::ProgramOf<Shared> program({.name = "stores",
                                      .threads = {&StoreOften<kStores>, &StoreOften<kStores>},
                                      .machine = {.memory_model = program::MemoryModel::kSc}});
  StateOptions options;
  options.should_stop = [] { return true; };

  const Report report = StateSearch(program, options).Explore();

  EXPECT_EQ(report.stopped_by, StoppedBy::kAsked);
  return report.executions + report.blocked;
}

TEST(ShouldStopTest, IsAskedAfterFewRunsThatAreLongAndManyThatAreShort) {
  EXPECT_LT(RunsUntilAsked<5'000>(), 5u);
  EXPECT_GT(RunsUntilAsked<50>(), 100u);
}

}  // namespace
}  // namespace shootdown::explore
