#include "proto/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shootdown {
namespace {

using ::testing::HasSubstr;

TEST(ReceiptTest, AClaimIsReadAsItWasWritten) {
  const Receipt receipt{.kind = Receipt::Kind::kInput,
                        .what = "o",
                        .claim = InputClaim{.campaign_id = "c",
                                            .scenario_key = "s",
                                            .schedule_bytes = 12,
                                            .schedule_hash = "h",
                                            .features = {0, 1, 262143}}};

  EXPECT_EQ(ToLine(receipt), "input o c s 12 h 0,1,262142");

  const auto read = ParseReceipt(ToLine(receipt));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->what, "o");
  ASSERT_TRUE(read->claim.has_value());
  EXPECT_EQ(read->claim->campaign_id, "c");
  EXPECT_EQ(read->claim->scenario_key, "s");
  EXPECT_EQ(read->claim->schedule_bytes, 12u);
  EXPECT_EQ(read->claim->schedule_hash, "h");
  EXPECT_EQ(read->claim->features, receipt.claim->features);
}

TEST(ReceiptTest, WordsOfANewerVersionAreLeftAlone) {
  const auto read = ParseReceipt("input o c s 12 h - more");

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->claim->features.empty());
}

TEST(ReceiptTest, WhatIsNoReceiptIsRefused) {
  struct Case {
    const char* line;
    const char* words;
  };
  for (const Case& c :
       {Case{"", "wanted finding or input"}, Case{"lease 1", "wanted finding or input"},
        Case{"input", "wanted an id"}, Case{"finding ", "wanted an id"},
        Case{"input o c", "five words more"}, Case{"input o c s 12 h", "five words more"},
        Case{"input o c s x h 1", "bytes"},
        Case{"input o c s 1 h 1,,2", "ascending"}, Case{"input o c s 1 h 1,0", "ascending"},
        Case{"input o c s 1 h 4294967295,1", "ascending"}}) {
    const auto read = ParseReceipt(c.line);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << c.line;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(c.words)) << c.line;
  }
}

}  // namespace
}  // namespace shootdown
