// What holds for every strategy: equal seeds give equal runs, and every run has an exact form that
// makes the same run again.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "fuzz/strategy/make_strategy.h"
#include "tests/fuzz/strategy/strategy_testing.h"
#include "tests/support/busy_program.h"

namespace shootdown::testing {
namespace {

constexpr int kRunCount = 100;

std::vector<StrategyName> Samplers() {
  std::vector<StrategyName> samplers;
  for (const StrategyName& name : AllStrategies()) {
    if (MakeStrategy(name, 1) != nullptr) samplers.push_back(name);
  }
  return samplers;
}

class EveryStrategyTest : public ::testing::TestWithParam<StrategyName> {};

std::string TestName(const ::testing::TestParamInfo<StrategyName>& info) {
  std::string name;
  for (const char c : ToText(info.param)) name += std::isalnum(c) != 0 ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Strategies, EveryStrategyTest, ::testing::ValuesIn(Samplers()), TestName);

TEST_P(EveryStrategyTest, EveryRunHasAnExactForm) {
  for (const BusyCase& busy : BusyCases()) {
    GuestProgram program(BusyProgram(), busy.config);
    const auto strategy = MakeStrategy(GetParam(), 7);
    for (int n = 0; n < kRunCount; ++n) {
      ASSERT_EQ(program.Run(*strategy), sim::RunEnd::kQuiet);
      const std::vector<std::uint64_t> wanted = sim::ChainedHashes(program.machine().log());
      const Schedule exact = ExactSchedule(program.machine().moves_made());

      ScheduleScheduler again(exact);
      ASSERT_EQ(program.Run(again), sim::RunEnd::kQuiet);
      ASSERT_EQ(sim::ChainedHashes(program.machine().log()), wanted)
          << busy.name << ", run " << n << ": " << exact.ToText();
    }
  }
}

TEST_P(EveryStrategyTest, EqualSeedsGiveEqualRunsAndOthersDoNot) {
  GuestProgram program(BusyProgram(), BusyCases().front().config);
  const auto runs = [&](std::uint64_t seed) {
    const auto strategy = MakeStrategy(GetParam(), seed);
    std::vector<std::uint64_t> hashes;
    for (int n = 0; n < kRunCount; ++n) {
      (void)program.Run(*strategy);
      hashes.push_back(sim::ChainedHashes(program.machine().log()).back());
    }
    return hashes;
  };

  const std::vector<std::uint64_t> once = runs(3);

  EXPECT_EQ(runs(3), once);
  EXPECT_NE(runs(4), once);
}

TEST_P(EveryStrategyTest, ARunLongerThanAnyExactFormStillHasOne) {
  sim::MachineConfig config;
  config.step_count_max = 40'000;
  GuestProgram program({.threads = {Stores('x', 9000), Stores('x', 9000)}}, config);
  const auto strategy = MakeStrategy(GetParam(), 1);
  for (int n = 0; n < 3; ++n) {
    ASSERT_EQ(program.Run(*strategy), sim::RunEnd::kQuiet);
    const std::vector<std::uint64_t> wanted = sim::ChainedHashes(program.machine().log());
    const Schedule exact = ExactSchedule(program.machine().moves_made());
    ASSERT_LE(exact.size(), 1024u);  // what a coordinator takes

    ScheduleScheduler again(exact);
    (void)program.Run(again);
    EXPECT_EQ(sim::ChainedHashes(program.machine().log()), wanted);
  }
}

}  // namespace
}  // namespace shootdown::testing
