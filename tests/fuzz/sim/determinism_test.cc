// Promise 1: the same program and the same answers give the same trace, whatever was run before.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/support/busy_program.h"
#include "tests/support/guest_program.h"

namespace shootdown::testing {
namespace {

using Hashes = std::vector<std::uint64_t>;

constexpr std::uint64_t kSeedCount = 100;
constexpr std::uint32_t kHoldOneIn = 3;

Hashes Walk(GuestProgram& program, std::uint64_t seed) {
  RandomWalk walk(seed, kHoldOneIn);
  (void)program.Run(walk);
  return sim::ChainedHashes(program.machine().log());
}

class DeterminismTest : public ::testing::TestWithParam<BusyCase> {};

TEST_P(DeterminismTest, EveryRunTwiceInARowIsTheSame) {
  GuestProgram program(BusyProgram(), GetParam().config);

  for (std::uint64_t seed = 0; seed < kSeedCount; ++seed) {
    const Hashes first = Walk(program, seed);

    ASSERT_EQ(Walk(program, seed), first) << "seed " << seed;
  }
}

TEST_P(DeterminismTest, RunsInAnyOrderAndOnAnotherMachineAreTheSame) {
  std::vector<Hashes> forwards(kSeedCount);
  {
    GuestProgram program(BusyProgram(), GetParam().config);
    for (std::uint64_t seed = 0; seed < kSeedCount; ++seed) forwards[seed] = Walk(program, seed);
  }

  GuestProgram program(BusyProgram(), GetParam().config);
  for (std::uint64_t seed = kSeedCount; seed-- > 0;) {
    ASSERT_EQ(Walk(program, seed), forwards[seed]) << "seed " << seed;
  }
}

TEST_P(DeterminismTest, DifferentSeedsMakeDifferentRuns) {
  GuestProgram program(BusyProgram(), GetParam().config);

  EXPECT_NE(Walk(program, 1), Walk(program, 2));
}

INSTANTIATE_TEST_SUITE_P(Machines, DeterminismTest, ::testing::ValuesIn(BusyCases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace shootdown::testing
