// The guarantee of PCT on programs whose bug depth is known: found with a chance of at least
// 1 / (n k^(d-1)) with depth d, and never with d - 1.
#include "fuzz/strategy/pct.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/fuzz/strategy/strategy_testing.h"

namespace shootdown::testing {
namespace {

constexpr int kRunCount = 20'000;

// T0 takes steps a0 a1 ..., T1 b0 b1 ..., with noise around them. The bug of depth d is one alternation
// of d orders: a0 < b0 (1), and b0 < a1 (2), and a1 < b1 (3).
struct Alternation {
  int depth;
  int noise;
};

GuestProgram::Parts Program(const Alternation& a) {
  const auto noise = [a](GuestProgram& g) {
    for (int n = 0; n < a.noise; ++n) g.Store('y', 1);
  };
  const auto thread = [noise](std::uint64_t value) {
    return [noise, value](GuestProgram& g) {
      for (int i = 0; i < 2; ++i) {
        noise(g);
        g.Store('x', value);
      }
    };
  };
  return {.threads = {thread(1), thread(2), [noise](GuestProgram& g) { noise(g); }}};
}

bool Fails(const GuestProgram& program, const std::string& order, int depth) {
  const std::size_t a0 = order.find('0');
  const std::size_t b0 = order.find('1');
  (void)program;
  if (depth == 1) return a0 < b0;
  if (depth == 2) return a0 < b0 && b0 < order.rfind('0');
  return order == "0101";
}

double RateOf(int bug_depth, int noise, std::uint32_t pct_depth, std::uint32_t* k) {
  GuestProgram program(Program({.depth = bug_depth, .noise = noise}));
  Pct pct(1, pct_depth);
  (void)program.Run(pct);  // its length
  int hits = 0;
  for (int n = 0; n < kRunCount; ++n) {
    EXPECT_EQ(program.Run(pct), sim::RunEnd::kQuiet);
    hits += Fails(program, CpusOf(program.machine(), &program.cell('x')), bug_depth) ? 1 : 0;
  }
  *k = pct.choice_count_max();
  return static_cast<double>(hits) / kRunCount;
}

class PctGuaranteeTest : public ::testing::TestWithParam<Alternation> {};
INSTANTIATE_TEST_SUITE_P(Depths, PctGuaranteeTest,
                         ::testing::Values(Alternation{.depth = 1, .noise = 3},
                                           Alternation{.depth = 2, .noise = 0},
                                           Alternation{.depth = 2, .noise = 3},
                                           Alternation{.depth = 3, .noise = 0},
                                           Alternation{.depth = 3, .noise = 2}));

TEST_P(PctGuaranteeTest, HoldsAtTheDepthOfTheBug) {
  const auto [depth, noise] = GetParam();
  std::uint32_t k = 0;
  const double rate = RateOf(depth, noise, static_cast<std::uint32_t>(depth), &k);
  constexpr double kThreads = 3;
  const double guarantee = 1 / (kThreads * std::pow(k, depth - 1));

  // Three standard deviations of chance.
  const double slack = 3 * std::sqrt(guarantee / kRunCount);
  EXPECT_GE(rate, guarantee - slack) << "k " << k;
}

TEST_P(PctGuaranteeTest, OneDepthLessNeverFindsIt) {
  const auto [depth, noise] = GetParam();
  if (depth == 1) return;  // there is no depth 0
  std::uint32_t k = 0;
  EXPECT_EQ(RateOf(depth, noise, static_cast<std::uint32_t>(depth - 1), &k), 0);
}

TEST(PctTest, WithoutChangePointsThreadsRunOneAfterTheOther) {
  GuestProgram program({.threads = {Stores('x', 2), Stores('x', 2), Stores('x', 2)}});
  Pct pct(1, 1);

  const Counts counts = CountInterleavings(program, pct, 6000);

  EXPECT_EQ(counts.size(), 6u);
  EXPECT_LT(ChiSquared(counts, 6), 20.5);  // 5 degrees of freedom
}

}  // namespace
}  // namespace shootdown::testing
