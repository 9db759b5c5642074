// URW is uniform over interleavings where its counts are exact; SURW is over those of its word; the random walk is not. The
// bounds are those that an even die passes 999 times of 1,000.
#include <gtest/gtest.h>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/strategy/surw.h"
#include "fuzz/strategy/urw.h"
#include "tests/fuzz/strategy/strategy_testing.h"

namespace shootdown::testing {
namespace {

constexpr double kChiSquared9 = 27.9;    // 9 degrees of freedom
constexpr double kChiSquared89 = 135.9;  // 89

// 90 interleavings: 6! / (2!)^3.
GuestProgram::Parts ThreeTimesTwo() {
  return {.threads = {Stores('x', 2), Stores('x', 2), Stores('x', 2)}};
}

TEST(UrwTest, EveryInterleavingIsEquallyLikely) {
  GuestProgram program(ThreeTimesTwo());
  for (const std::uint64_t seed : {1, 2, 3}) {
    Urw urw(seed);
    (void)program.Run(urw);  // counts

    const Counts counts = CountInterleavings(program, urw, 9000);

    EXPECT_EQ(counts.size(), 90u);
    EXPECT_LT(ChiSquared(counts, 90), kChiSquared89) << "seed " << seed;
  }
}

// A walk that takes no account of how much is left prefers orders in which a short thread is early.
TEST(UrwTest, UnevenThreadsAreEvenToo) {
  GuestProgram program({.threads = {Stores('x', 3), Stores('x', 2)}});
  Urw urw(5);
  (void)program.Run(urw);
  RandomWalk walk(5, /*hold_one_in=*/0);

  EXPECT_LT(ChiSquared(CountInterleavings(program, urw, 5000), 10), kChiSquared9);
  EXPECT_GT(ChiSquared(CountInterleavings(program, walk, 5000), 10), 10 * kChiSquared9);
}

// Exactly: each step at which both can go on halves the chance of an order.
TEST(RandomWalkTest, EachOrderIsAsLikelyAsItsChoicesMakeIt) {
  constexpr std::uint64_t kRunCount = 20'000;
  GuestProgram program({.threads = {Stores('x', 3), Stores('x', 2)}});
  RandomWalk walk(7, /*hold_one_in=*/0);

  const Counts counts = CountInterleavings(program, walk, kRunCount);

  ASSERT_EQ(counts.size(), 10u);
  double statistic = 0;
  for (const auto& [order, count] : counts) {
    int left[] = {3, 2};
    double expected = kRunCount;
    for (const char cpu : order) {
      if (left[0] != 0 && left[1] != 0) expected /= 2;
      --left[cpu - '0'];
    }
    const double off = static_cast<double>(count) - expected;
    statistic += off * off / expected;
  }
  EXPECT_LT(statistic, kChiSquared9);
}

// Much goes on elsewhere in one thread only; the accesses to x are 3 and 2.
GuestProgram::Parts LopsidedNoise() {
  return {.threads = {[](GuestProgram& g) {
                        for (int i = 0; i < 3; ++i) {
                          for (int n = 0; n < 4; ++n) g.Store('w', 1);
                          g.Store('x', 1);
                        }
                      },
                      [](GuestProgram& g) {
                        g.Store('x', 2);
                        g.Store('x', 2);
                        for (int n = 0; n < 7; ++n) g.Store('y', 1);
                      }}};
}

TEST(SurwTest, TheInterleavingsOfItsWordAreEquallyLikely) {
  GuestProgram program(LopsidedNoise());
  const GuestProgram::Word* const x = &program.cell('x');
  Surw surw(1);
  (void)program.Run(surw);
  Urw urw(1);
  (void)program.Run(urw);

  EXPECT_LT(ChiSquared(CountInterleavings(program, surw, 5000, x), 10), kChiSquared9);
  EXPECT_EQ(surw.interesting(), sim::Arena::IndexOf(x->word()));
  // Uniform over everything is far from uniform over x.
  EXPECT_GT(ChiSquared(CountInterleavings(program, urw, 5000, x), 10), 10 * kChiSquared9);
}

TEST(SurwTest, EachSharedWordHasItsTurnInProportionToItsAccesses) {
  const auto code = [](GuestProgram& g) {
    for (int i = 0; i < 3; ++i) g.Store('x', 1);
    g.Store('y', 1);
  };
  GuestProgram program({.threads = {code, [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('y', 1);
                                      for (int i = 0; i < 5; ++i) g.Store('z', 1);  // its own
                                    }}});
  Surw surw(1);
  (void)program.Run(surw);
  std::map<sim::WordIndex, int> turns;
  for (int n = 0; n < 3000; ++n) {
    (void)program.Run(surw);
    ++turns[surw.interesting()];
  }

  EXPECT_EQ(turns.size(), 2u);
  EXPECT_NEAR(turns[sim::Arena::IndexOf(program.cell('x').word())], 2000, 100);
  EXPECT_NEAR(turns[sim::Arena::IndexOf(program.cell('y').word())], 1000, 100);
}

// The one that is intended waits for somebody who waits for it.
TEST(SurwTest, AStaleIntentionHoldsNobodyUp) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.Store('x', 2);
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.WaitUntilEquals('x', 2);
                                      g.Store('x', 3);
                                    }}});
  Surw surw(1);
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(program.Run(surw), sim::RunEnd::kQuiet);
    EXPECT_EQ(program.Peek('x'), 3u);
  }
}

}  // namespace
}  // namespace shootdown::testing
