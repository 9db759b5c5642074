// No run exceeds its bound, and the bound is used.
#include "fuzz/strategy/bounded.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fuzz/strategy/strategy_testing.h"

namespace shootdown::testing {
namespace {

constexpr int kRunCount = 3000;

GuestProgram::Parts ThreeTimesThree() {
  return {.threads = {Stores('x', 3), Stores('x', 3), Stores('x', 3)}};
}

bool Ended(const std::string& cpus, std::size_t at, char cpu) {
  return cpus.find(cpu, at) == std::string::npos;
}

// How often a CPU was left that had steps to take.
std::uint32_t PreemptionsOf(const std::string& cpus) {
  std::uint32_t count = 0;
  for (std::size_t i = 1; i < cpus.size(); ++i) {
    if (cpus[i] != cpus[i - 1] && !Ended(cpus, i, cpus[i - 1])) ++count;
  }
  return count;
}

// How often the one whose turn it was, on and then up and around, was passed over.
std::uint32_t DelaysOf(const std::string& cpus, int cpu_count) {
  std::uint32_t count = 0;
  char turn = '0';
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    for (; turn != cpus[i]; turn = static_cast<char>('0' + (turn - '0' + 1) % cpu_count)) {
      if (!Ended(cpus, i, turn)) ++count;
    }
  }
  return count;
}

class BoundTest : public ::testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Bounds, BoundTest, ::testing::Values(1, 2, 3));

TEST_P(BoundTest, OfPreemptionsIsNeverExceededAndReached) {
  GuestProgram program(ThreeTimesThree());
  Preemptions preemptions(1, GetParam());

  std::uint32_t most = 0;
  for (const auto& [cpus, count] : CountInterleavings(program, preemptions, kRunCount)) {
    most = std::max(most, PreemptionsOf(cpus));
  }

  EXPECT_EQ(most, GetParam());
}

TEST_P(BoundTest, OfDelaysIsNeverExceededAndReached) {
  GuestProgram program(ThreeTimesThree());
  Delays delays(1, GetParam());

  std::uint32_t most = 0;
  for (const auto& [cpus, count] : CountInterleavings(program, delays, kRunCount)) {
    most = std::max(most, DelaysOf(cpus, 3));
  }

  EXPECT_EQ(most, GetParam());
}

// Whoever is first, and whoever is next when one ends, costs nothing.
TEST(PreemptionsTest, EveryOrderWithinTheBoundComesUp) {
  GuestProgram program({.threads = {Stores('x', 2), Stores('x', 2)}});
  Preemptions preemptions(1, 1);

  const Counts counts = CountInterleavings(program, preemptions, kRunCount);

  // 0011 and 1100 need none, 0110 and 1001 one; 0101 and 1010 two.
  EXPECT_EQ(counts.size(), 4u);
}

TEST(DelaysTest, TheFirstRunIsTheDefault) {
  GuestProgram program(ThreeTimesThree());
  Delays delays(1, 3);
  (void)program.Run(delays);

  EXPECT_EQ(CpusOf(program.machine()), "000111222");
}

}  // namespace
}  // namespace shootdown::testing
