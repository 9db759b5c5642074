#include "worker/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace shootdown {
namespace {

constexpr Backoff::Options kOptions = {.first = absl::Milliseconds(100),
                                       .longest = absl::Milliseconds(1000)};

TEST(BackoffTest, TheBoundDoublesUpToTheLongest) {
  Backoff backoff(kOptions, Prng(1));
  absl::Duration bound = kOptions.first;
  for (int i = 0; i < 20; ++i) {
    const absl::Duration wait = backoff.Next(std::nullopt);
    EXPECT_GE(wait, absl::ZeroDuration());
    EXPECT_LE(wait, bound);
    bound = std::min(bound * 2, kOptions.longest);
  }
}

TEST(BackoffTest, WaitsAreSpreadOverTheWholeRange) {
  Backoff backoff({.first = absl::Seconds(1), .longest = absl::Seconds(1)}, Prng(2));
  int early = 0;
  constexpr int kCount = 1000;
  for (int i = 0; i < kCount; ++i) {
    if (backoff.Next(std::nullopt) < absl::Milliseconds(500)) ++early;
  }
  EXPECT_NEAR(early, kCount / 2.0, kCount / 10.0);
}

TEST(BackoffTest, ASuccessStartsItAnew) {
  Backoff backoff(kOptions, Prng(3));
  for (int i = 0; i < 10; ++i) (void)backoff.Next(std::nullopt);

  backoff.Reset();

  EXPECT_LE(backoff.Next(std::nullopt), kOptions.first);
}

TEST(BackoffTest, AServerThatSaysWhenIsObeyed) {
  Backoff backoff(kOptions, Prng(4));
  for (int i = 0; i < 100; ++i) {
    const absl::Duration wait = backoff.Next(absl::Seconds(8));
    EXPECT_GE(wait, absl::Seconds(8));
    EXPECT_LE(wait, absl::Seconds(10));
  }
}

TEST(BackoffTest, AServerThatSaysNeverIsAskedAgainAllTheSame) {
  Backoff backoff(kOptions, Prng(5));

  EXPECT_LE(backoff.Next(absl::Hours(1000)), absl::Minutes(7));
}

}  // namespace
}  // namespace shootdown
