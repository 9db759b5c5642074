#include "proto/rpc/line_budget.h"

#include <gtest/gtest.h>

namespace shootdown {
namespace {

constexpr auto kBurst = static_cast<int>(LineBudget::kBurst);
const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);

TEST(LineBudgetTest, AFloodIsCutShortAndTheNextLineSaysByHowMany) {
  LineBudget budget;
  int written = 0;
  for (int i = 0; i < 1000; ++i) written += budget.Take(kNoon).has_value() ? 1 : 0;

  EXPECT_EQ(written, kBurst);
  EXPECT_EQ(budget.Take(kNoon + absl::Seconds(1)), 1000u - kBurst);
  EXPECT_EQ(budget.Take(kNoon + absl::Seconds(1)), 0u);
}

TEST(LineBudgetTest, AfterAPauseThereIsRoomForABurstAndNoMore) {
  LineBudget budget;
  while (budget.Take(kNoon).has_value()) {
  }

  int written = 0;
  while (budget.Take(kNoon + absl::Hours(24)).has_value()) ++written;

  EXPECT_EQ(written, kBurst);
}

TEST(LineBudgetTest, AClockThatGoesBackGivesNothing) {
  LineBudget budget;
  while (budget.Take(kNoon).has_value()) {
  }

  EXPECT_FALSE(budget.Take(kNoon - absl::Hours(1)).has_value());
}

}  // namespace
}  // namespace shootdown
