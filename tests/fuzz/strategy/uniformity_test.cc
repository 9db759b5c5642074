// How likely each order of steps is. URW is uniform over interleavings where its counts are exact, SURW over those of its
// word; the random walk and POS have other chances, which are as exact. The bounds are those that an even die passes 999 times of 1,000.
#include <gtest/gtest.h>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/strategy/pos.h"
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

constexpr std::uint64_t kRunCount = 20'000;

// Of the ten orders of three steps of CPU 0 and two of CPU 1.
void ExpectChances(const Counts& counts, const ChanceOf& chance_of) {
  EXPECT_EQ(counts.size(), 10u);
  EXPECT_LT(ChiSquared(counts, 10, chance_of), kChiSquared9);
}

// Each step at which both can go on halves it.
double ChanceOfEvenChoices(const std::string& order) {
  int left[] = {3, 2};
  double chance = 1;
  for (const char cpu : order) {
    if (left[0] != 0 && left[1] != 0) chance /= 2;
    --left[cpu - '0'];
  }
  return chance;
}

TEST(RandomWalkTest, EachOrderIsAsLikelyAsItsChoicesMakeIt) {
  GuestProgram program({.threads = {Stores('x', 3), Stores('x', 2)}});
  RandomWalk walk(7, /*hold_one_in=*/0);

  ExpectChances(CountInterleavings(program, walk, kRunCount), ChanceOfEvenChoices);
}

// Where all steps conflict, priorities are drawn anew for each choice.
TEST(PosTest, ConflictingStepsAreEvenChoices) {
  GuestProgram program({.threads = {Stores('x', 3), Stores('x', 2)}});
  Pos pos(7, Pos::EagerInvisible::kNo);

  ExpectChances(CountInterleavings(program, pos, kRunCount), ChanceOfEvenChoices);
}

// Where none do, who has lost n times has the least of n + 1 even draws, which a new one beats with a chance of
// (n + 1) / (n + 2). If it does not, it is the least of n + 2.
double ChanceOfKeptPriorities(const std::string& order) {
  int left[] = {3, 2};
  double chance = 1;
  int lost = 0;
  char loser = '?';
  for (const char cpu : order) {
    if (left[0] != 0 && left[1] != 0) {
      chance *= lost == 0 ? 0.5 : (cpu == loser ? 1.0 : lost + 1.0) / (lost + 2);
      ++lost;
      loser = cpu == '0' ? '1' : '0';
    }
    --left[cpu - '0'];
  }
  return chance;
}

TEST(PosTest, WhoLostWithoutAConflictKeepsItsPriority) {
  GuestProgram program({.threads = {Stores('x', 3), Stores('y', 2)}});
  Pos pos(7, Pos::EagerInvisible::kNo);

  const Counts counts = CountInterleavings(program, pos, kRunCount);

  ExpectChances(counts, ChanceOfKeptPriorities);
  EXPECT_GT(ChiSquared(counts, 10, ChanceOfEvenChoices), 10 * kChiSquared9);
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
