#include "fuzz/engine/search_limits.h"

#include <gtest/gtest.h>

#include <chrono>

namespace shootdown {
namespace {

SearchLimits::Clock::time_point now;
SearchLimits::Clock::time_point Now() { return now; }

// Whether a search that has made `first` runs is over by the time that it has made 100 more.
bool EndsBy(const SearchLimits& limits, std::uint64_t first) {
  for (std::uint64_t i = first; i < first + 100; ++i) {
    if (limits.Reached(i)) return true;
  }
  return false;
}

TEST(SearchLimitsTest, SecondsAreOverWhenTheyHavePassedAndNotAWholeOneLater) {
  const SearchLimits limits({.second_count_max = 2}, &Now);

  now += std::chrono::milliseconds(1999);
  EXPECT_FALSE(EndsBy(limits, 1'000));

  now += std::chrono::milliseconds(1);
  EXPECT_TRUE(EndsBy(limits, 1'100));
}

TEST(SearchLimitsTest, RunsAreCountedExactly) {
  const SearchLimits limits({.run_count_max = 7, .second_count_max = 2}, &Now);

  EXPECT_FALSE(limits.Reached(6));
  EXPECT_TRUE(limits.Reached(7));
}

TEST(SearchLimitsTest, WithoutSecondsNoClockEndsIt) {
  const SearchLimits limits({.run_count_max = 1'000'000}, &Now);

  now += std::chrono::hours(1);

  EXPECT_FALSE(EndsBy(limits, 1));
}

}  // namespace
}  // namespace shootdown
