#include "fuzz/corpus/behaviour_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "fuzz/base/hash.h"
#include "fuzz/base/prng.h"

namespace shootdown {
namespace {

constexpr std::uint64_t kOnce = 1;

std::uint64_t EntryOf(std::uint64_t behaviour) {
  return (Mix64(behaviour + 1) & ~BehaviourSample::kTimesMask) | kOnce;
}

std::vector<std::uint64_t> Entries(const BehaviourSample& sample) {
  return {sample.entries().begin(), sample.entries().end()};
}

// Behaviours as searches show them: a few often, most of them seldom.
std::uint64_t DrawBehaviour(Prng& prng, std::uint32_t count) {
  return prng.Below(1 + prng.Below(count));
}
// The chance that DrawBehaviour gives one that is not in `seen`.
double ChanceOfOther(const std::set<std::uint64_t>& seen, std::uint32_t count) {
  double chance = 0;
  double of_this = 0;  // sum of 1 / (count * n) for n > behaviour
  for (std::uint32_t behaviour = count; behaviour-- > 0;) {
    of_this += 1.0 / (static_cast<double>(count) * (behaviour + 1));
    if (!seen.contains(behaviour)) chance += of_this;
  }
  return chance;
}

TEST(BehaviourSampleTest, HoldsTheLeastHashesAndHowOftenEachCameUp) {
  Prng prng(1);
  std::map<std::uint64_t, std::uint64_t> times;
  BehaviourSample sample;
  for (int run = 0; run < 20'000; ++run) {
    const std::uint64_t entry = EntryOf(DrawBehaviour(prng, 5'000));
    ++times[entry & ~BehaviourSample::kTimesMask];
    sample.Add(entry);
  }

  std::vector<std::uint64_t> least;
  for (const auto& [hash, count] : times) {
    if (least.size() == BehaviourSample::kSizeMax) break;
    least.push_back(hash | std::min(count, BehaviourSample::kTimesMask));
  }
  ASSERT_GT(times.size(), BehaviourSample::kSizeMax);
  EXPECT_EQ(Entries(sample), least);
}

TEST(BehaviourSampleTest, PartsJoinToTheSampleOfTheWholeInAnyOrder) {
  Prng prng(2);
  BehaviourSample whole;
  std::vector<BehaviourSample> parts(5);
  for (int run = 0; run < 10'000; ++run) {
    const std::uint64_t entry = EntryOf(DrawBehaviour(prng, 4'000));
    whole.Add(entry);
    parts[prng.Below(5)].Add(entry);
  }
  BehaviourSample forward;
  BehaviourSample backward;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    forward.Add(parts[i].entries());
    backward.Add(parts[parts.size() - 1 - i].entries());
  }

  EXPECT_EQ(Entries(forward), Entries(whole));
  EXPECT_EQ(Entries(backward), Entries(whole));
}

TEST(BehaviourSampleTest, CountsWhileItHasRoomForAll) {
  BehaviourSample sample;
  for (std::uint64_t behaviour = 0; behaviour < BehaviourSample::kSizeMax - 1; ++behaviour) {
    for (std::uint64_t times = 0; times <= behaviour % 4; ++times) sample.Add(EntryOf(behaviour));
  }

  const BehaviourCounts counts = sample.Counts();

  EXPECT_EQ(counts.all, 511);
  EXPECT_EQ(counts.once, 128);
  EXPECT_EQ(counts.twice, 128);
  EXPECT_EQ(counts.once_variance, 0);
}

TEST(BehaviourSampleTest, EstimatesHowManyThereAreWithoutBias) {
  constexpr int kTrials = 100;
  constexpr std::uint64_t kCount = 20'000;
  double all = 0;
  double once = 0;
  for (std::uint64_t trial = 0; trial < kTrials; ++trial) {
    BehaviourSample sample;
    for (std::uint64_t n = 0; n < kCount; ++n) {
      sample.Add(EntryOf(trial * kCount + n));
      if (n % 4 == 0) sample.Add(EntryOf(trial * kCount + n));
    }
    all += sample.Counts().all / kTrials;
    once += sample.Counts().once / kTrials;
  }

  // A hundred samples are off by a tenth of 4.4 %; three times that is allowed.
  EXPECT_NEAR(all, kCount, 0.0135 * kCount);
  EXPECT_NEAR(once, 0.75 * kCount, 0.0135 * kCount);
}

// Four workers who tell each other nothing: what their samples join to holds the truth.
TEST(BehaviourSampleTest, TheIntervalOfJoinedSamplesHoldsTheTruth) {
  constexpr std::uint32_t kSpecies = 10'000;
  constexpr std::uint64_t kDraws = 8'000;
  constexpr int kTrials = 200;
  int held = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Prng prng(static_cast<std::uint64_t>(trial));
    std::vector<BehaviourSample> workers(4);
    std::set<std::uint64_t> seen;
    for (std::uint64_t n = 0; n < kDraws; ++n) {
      const std::uint64_t behaviour = DrawBehaviour(prng, kSpecies);
      seen.insert(behaviour);
      // Hashes of their own in each trial, so that trials do not share a sample's luck.
      workers[n % 4].Add(EntryOf(behaviour + static_cast<std::uint64_t>(trial) * kSpecies));
    }
    BehaviourSample joined;
    for (const BehaviourSample& worker : workers) joined.Add(worker.entries());
    const NewBehaviour next = EstimateNewBehaviour(kDraws, joined.Counts());
    const double truth = ChanceOfOther(seen, kSpecies);
    held += next.low <= truth && truth <= next.high ? 1 : 0;
  }

  EXPECT_GE(held, kTrials * 90 / 100);
  EXPECT_LT(held, kTrials);
}

TEST(NewBehaviourTest, NothingIsKnownWithoutRuns) {
  const NewBehaviour none = EstimateNewBehaviour(0, {});
  EXPECT_EQ(none.per_run, 1);
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 1);
  EXPECT_EQ(EstimateNewBehaviour(1000, {.all = 10}).per_run, 0);
}

// Wilson's interval for no hit, and for one in one.
TEST(NewBehaviourTest, FewRunsDoNotMakeAPointOfTheInterval) {
  const NewBehaviour none = EstimateNewBehaviour(3, {.all = 1});
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 3.8416 / (3 + 3.8416), 1e-9);
  EXPECT_NEAR(EstimateNewBehaviour(20'000, {.all = 12}).high, 3.8416 / 20'003.8416, 1e-9);

  const NewBehaviour each = EstimateNewBehaviour(1, {.all = 1, .once = 1});
  EXPECT_NEAR(each.low, 1 / (1 + 3.8416), 1e-9);
  EXPECT_EQ(each.high, 1);
}

// One behaviour is all but certain, and five are rare: often none comes up once, and there is more
// to come. (The interval that is a point then holds the truth in 63 of 100 trials.)
TEST(NewBehaviourTest, TheIntervalHoldsTheTruthWhereNewsIsRare) {
  constexpr std::uint32_t kRare = 5;
  constexpr std::uint32_t kOneIn = 100;  // a draw is a rare one
  constexpr std::uint64_t kDraws = 100;
  constexpr int kTrials = 400;
  int held = 0;
  int none_once = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Prng prng(static_cast<std::uint64_t>(trial));
    std::map<std::uint32_t, int> times;
    for (std::uint64_t n = 0; n < kDraws; ++n) {
      ++times[prng.Below(kOneIn) == 0 ? 1 + prng.Below(kRare) : 0];
    }
    BehaviourCounts counts{.all = static_cast<double>(times.size())};
    for (const auto& [behaviour, count] : times) {
      counts.once += count == 1 ? 1 : 0;
      counts.twice += count == 2 ? 1 : 0;
    }
    none_once += counts.once == 0 ? 1 : 0;
    const std::size_t rare_seen = times.size() - (times.contains(0) ? 1 : 0);
    const double truth = static_cast<double>(kRare - rare_seen) / kRare / kOneIn;
    const NewBehaviour next = EstimateNewBehaviour(kDraws, counts);
    held += next.low <= truth && truth <= next.high ? 1 : 0;
  }

  EXPECT_GT(none_once, kTrials / 4);
  EXPECT_GE(held, kTrials * 90 / 100);
}

// Each behaviour comes up half as often as the one before, and there are six: what came up once is often the
// last one there is. (An interval that begins where Wilson's does holds the truth in 84 of 100 trials.)
TEST(NewBehaviourTest, TheIntervalHoldsTheTruthWhereNothingIsLeft) {
  constexpr std::uint32_t kKinds = 6;
  constexpr std::uint64_t kDraws = 200;
  constexpr int kTrials = 400;
  int held = 0;
  int nothing_left = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Prng prng(static_cast<std::uint64_t>(trial));
    std::map<int, int> times;
    for (std::uint64_t n = 0; n < kDraws; ++n) {
      // Of 63 numbers 32 are the first kind, 16 the second, 1 the last.
      ++times[std::countl_zero(1 + prng.Below((1U << kKinds) - 1))];
    }
    BehaviourCounts counts{.all = static_cast<double>(times.size())};
    double truth = 1;
    for (const auto& [behaviour, count] : times) {
      counts.once += count == 1 ? 1 : 0;
      counts.twice += count == 2 ? 1 : 0;
      truth -= std::ldexp(1.0, 31 - behaviour) / ((1U << kKinds) - 1);
    }
    if (times.size() == kKinds) {
      ++nothing_left;
      truth = 0;
    }
    const NewBehaviour next = EstimateNewBehaviour(kDraws, counts);
    held += next.low <= truth && truth <= next.high ? 1 : 0;
  }

  EXPECT_GT(nothing_left, kTrials / 2);
  EXPECT_GE(held, kTrials * 95 / 100);
}

}  // namespace
}  // namespace shootdown
