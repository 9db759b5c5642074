#include "proto/rpc/line_budget.h"

#include <gtest/gtest.h>

#include <string>

namespace shootdown {
namespace {

constexpr auto kBurst = static_cast<int>(LineBudget::kBurst);
const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);

// How many lines, each with words of its own, are written at `now`, of `count`.
int WrittenOf(LineBudget& budget, int count, absl::Time now) {
  int written = 0;
  for (int i = 0; i < count; ++i) {
    written += budget.Take("caller " + std::to_string(i), now).has_value() ? 1 : 0;
  }
  return written;
}

TEST(LineBudgetTest, AFloodIsCutShortAndTheNextLineSaysByHowMany) {
  LineBudget budget;
  EXPECT_EQ(WrittenOf(budget, 1000, kNoon), kBurst);

  EXPECT_EQ(budget.Take("another", kNoon + absl::Seconds(1)), 1000u - kBurst);
  EXPECT_EQ(budget.Take("a third", kNoon + absl::Seconds(1)), 0u);
}

TEST(LineBudgetTest, AfterAPauseThereIsRoomForABurstAndNoMore) {
  LineBudget budget;
  (void)WrittenOf(budget, 1000, kNoon);

  EXPECT_EQ(WrittenOf(budget, 1000, kNoon + absl::Hours(24)), kBurst);
}

TEST(LineBudgetTest, AClockThatGoesBackGivesNothing) {
  LineBudget budget;
  (void)WrittenOf(budget, 1000, kNoon);

  EXPECT_FALSE(budget.Take("another", kNoon - absl::Hours(1)).has_value());
}

TEST(LineBudgetTest, TheSameWordsAreWrittenOnceAMinuteAndCounted) {
  LineBudget budget;
  EXPECT_EQ(budget.Take("the disk is full", kNoon), 0u);
  for (int second = 1; second < 60; ++second) {
    EXPECT_FALSE(budget.Take("the disk is full", kNoon + absl::Seconds(second)).has_value());
  }

  EXPECT_EQ(budget.Take("another", kNoon + absl::Seconds(59)), 0u);
  EXPECT_EQ(budget.Take("the disk is full", kNoon + absl::Seconds(60)), 59u);
  EXPECT_EQ(budget.Take("the disk is full", kNoon + absl::Seconds(120)), 0u);
}

TEST(LineBudgetTest, WhatWasLeftOutBeforeASilenceIsCountedWithOtherWords) {
  LineBudget budget;
  (void)budget.Take("the disk is full", kNoon);
  (void)budget.Take("the disk is full", kNoon);

  EXPECT_EQ(budget.Take("another", kNoon + absl::Minutes(2)), 1u);
  EXPECT_EQ(budget.Take("a third", kNoon + absl::Minutes(2)), 0u);
}

TEST(LineBudgetTest, AClockThatGoesBackSilencesNoWordsForLonger) {
  LineBudget budget;
  (void)budget.Take("the disk is full", kNoon);

  EXPECT_EQ(budget.Take("the disk is full", kNoon - absl::Hours(1)), 0u);
}

}  // namespace
}  // namespace shootdown
