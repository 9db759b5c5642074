#include "fuzz/engine/sampler_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace shootdown {
namespace {

constexpr std::uint64_t kFirst = SamplerShare::kFirstRunCount;
constexpr std::uint64_t kLater = SamplerShare::kEarlyRunCount;

// Of 8,000 runs after the first `run_count`.
int SamplesAfter(std::uint64_t run_count, SamplerShare share) {
  Prng prng(1);
  int samples = 0;
  for (int i = 0; i < 8000; ++i) samples += share.TakesNext(run_count, prng) ? 1 : 0;
  return samples;
}

void HearOfDrySamples(SamplerShare& share, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) share.HearOfSample(/*news=*/false);
}

TEST(SamplerShareTest, FirstRunsAreSamplesAndMostEarlyOnesAndEveryOtherLaterOne) {
  const SamplerShare share;

  EXPECT_EQ(SamplesAfter(kFirst - 1, share), 8000);
  EXPECT_NEAR(SamplesAfter(kFirst, share), 7000, 200);
  EXPECT_NEAR(SamplesAfter(kLater - 1, share), 7000, 200);
  EXPECT_NEAR(SamplesAfter(kLater, share), 4000, 200);
  EXPECT_TRUE(SamplerShare::Early(kLater - 1));
  EXPECT_FALSE(SamplerShare::Early(kLater));
}

TEST(SamplerShareTest, SamplesWithoutNewsGetFewerButNeverNone) {
  SamplerShare share;
  HearOfDrySamples(share, SamplerShare::kDryRunCount - 1);
  EXPECT_EQ(share.one_in(), 2u);
  HearOfDrySamples(share, 1);
  EXPECT_EQ(share.one_in(), 4u);
  EXPECT_NEAR(SamplesAfter(kLater, share), 2000, 200);

  HearOfDrySamples(share, 10 * SamplerShare::kDryRunCount);
  EXPECT_EQ(share.one_in(), SamplerShare::kOneInMost);
  EXPECT_NEAR(SamplesAfter(kLater, share), 500, 100);
  EXPECT_NEAR(SamplesAfter(kFirst, share), 7000, 200);
}

TEST(SamplerShareTest, LaterSamplesComeInBursts) {
  SamplerShare share;
  Prng prng(1);
  std::string runs;
  for (int i = 0; i < 4000; ++i) runs += share.TakesNext(kLater, prng) ? 's' : 'm';

  // Whole bursts, with mutations between them, or none.
  std::size_t in_a_row = 0;
  for (const char run : runs.substr(0, runs.rfind('m'))) {
    if (run == 's') {
      ++in_a_row;
    } else {
      EXPECT_EQ(in_a_row % SamplerShare::kBurst, 0u);
      in_a_row = 0;
    }
  }
  EXPECT_NEAR(static_cast<double>(std::ranges::count(runs, 's')), 2000, 200);
}

TEST(SamplerShareTest, NewsBringThemBack) {
  SamplerShare share;
  HearOfDrySamples(share, 10 * SamplerShare::kDryRunCount);

  share.HearOfSample(/*news=*/true);
  EXPECT_EQ(share.one_in(), SamplerShare::kOneInMost / 2);
  // What was dry before the news no longer counts.
  HearOfDrySamples(share, SamplerShare::kDryRunCount - 1);
  share.HearOfSample(/*news=*/true);
  HearOfDrySamples(share, SamplerShare::kDryRunCount - 1);
  EXPECT_EQ(share.one_in(), SamplerShare::kOneInMost / 4);

  for (int i = 0; i < 10; ++i) share.HearOfSample(/*news=*/true);
  EXPECT_EQ(share.one_in(), SamplerShare::kOneInLeast);
}

}  // namespace
}  // namespace shootdown
