#include "fuzz/strategy/strategy_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fuzz/strategy/make_strategy.h"

namespace shootdown {
namespace {

using ::testing::HasSubstr;
using Kind = StrategyName::Kind;

TEST(StrategyNameTest, EveryStrategyIsReadAsItIsWritten) {
  for (const StrategyName& name : AllStrategies()) {
    const absl::StatusOr<StrategyName> again = ParseStrategyName(ToText(name));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, name) << ToText(name);
    const bool makes_schedules = name.kind == Kind::kLibFuzzer || name.kind == Kind::kRandom;
    EXPECT_EQ(MakeStrategy(name, 1) == nullptr, makes_schedules) << ToText(name);
  }
}

TEST(StrategyNameTest, BoundsStandBehindAColon) {
  EXPECT_EQ(*ParseStrategyName("pct:2"), (StrategyName{.kind = Kind::kPct, .bound = 2}));
  EXPECT_EQ(*ParseStrategyName("preemptions:64"),
            (StrategyName{.kind = Kind::kPreemptions, .bound = 64}));
}

TEST(StrategyNameTest, AWrongNameGetsOneLineThatListsAll) {
  for (const char* text : {"", "guess", "POS", "pos ", "pct", "pos:3", "pct:3:4x", "surw:", "a\nb"}) {
    const absl::Status status = ParseStrategyName(text).status();
    ASSERT_FALSE(status.ok()) << text;
    const std::string message(status.message());
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    if (message.find("a number") == std::string::npos) {
      for (const StrategyName& name : AllStrategies()) {
        const std::string shown = ToText(name);
        EXPECT_THAT(message, HasSubstr(shown.substr(0, shown.find(':'))));
      }
    }
  }
}

TEST(StrategyNameTest, AWrongBoundIsToldItsRange) {
  for (const char* text : {"pct:", "pct:0", "pct:65", "pct:-1", "delays:3x", "pct:99999999999"}) {
    const absl::Status status = ParseStrategyName(text).status();
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("a number from 1 to 64")) << text;
  }
}

}  // namespace
}  // namespace shootdown
