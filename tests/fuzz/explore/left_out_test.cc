// Would the other tests notice a mistake in the search? Each rule is left out in turn, and some count must
// change.
#include <gtest/gtest.h>

#include <string>

#include "fuzz/explore/source_dpor.h"
#include "tests/fuzz/explore/random_program.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;
using program::RandomProgram;

struct LeftOutCase {
  const char* name;
  LeftOut rule;
  bool costs_runs = false;  // nothing is lost, but more is run
};

class LeftOutTest : public ::testing::TestWithParam<LeftOutCase> {};

TEST_P(LeftOutTest, IsNoticed) {
  std::uint64_t changed = 0;
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    RandomProgram random(model);
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      random.Become(seed);
      DporOptions options;
      options.go_on = true;
      const Report right = SourceDpor(random.subject(), options).Explore();
      options.left_out = GetParam().rule;
      options.execution_count_max = 100'000;
      const Report wrong = SourceDpor(random.subject(), options).Explore();
      if (GetParam().costs_runs) {
        EXPECT_EQ(right.classes, wrong.classes);
        if (wrong.executions > right.executions) ++changed;
      } else if (wrong.classes < right.classes) {
        ++changed;
      }
    }
  }
  EXPECT_GT(changed, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, LeftOutTest,
    ::testing::Values(LeftOutCase{"WriteWriteRaces", LeftOut::kWriteWriteRaces},
                      LeftOutCase{"ReadWriteRaces", LeftOut::kReadWriteRaces},
                      LeftOutCase{"WriteReadRaces", LeftOut::kWriteReadRaces},
                      LeftOutCase{"Initials", LeftOut::kInitials},
                      LeftOutCase{"WakeUps", LeftOut::kWakeUps},
                      LeftOutCase{"Sleep", LeftOut::kSleep, /*costs_runs=*/true},
                      LeftOutCase{"EarlierWrites", LeftOut::kEarlierWrites},
                      LeftOutCase{"WaitsAtTheEnd", LeftOut::kWaitsAtTheEnd},
                      LeftOutCase{"Forwarding", LeftOut::kForwarding}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace shootdown::explore
