// The list of campaigns, page after page.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

class CampaignListTest : public ::testing::Test {
 protected:
  // Number `n` is created `n` seconds after noon, and has ended, so that any number may be there.
  std::string Add(int n) {
    v1::CreateCampaignRequest request;
    request.set_request_id("r" + std::to_string(n));
    request.mutable_spec()->set_name("test");
    request.mutable_spec()->add_scenarios()->set_text(ScenarioText());
    request.mutable_spec()->mutable_budget()->set_run_count(1);
    const absl::Time now = kNoon + absl::Seconds(n);
    const auto campaign = coordinator_->CreateCampaign(request, now);
    SHOOTDOWN_CHECK(campaign.ok());
    SHOOTDOWN_CHECK(
        coordinator_->SetCampaignState(campaign->id(), v1::CAMPAIGN_STATE_STOPPED, now).ok());
    return campaign->id();
  }
  v1::ListCampaignsResponse Page(std::uint32_t size, const std::string& token) {
    v1::ListCampaignsRequest request;
    request.set_page_size(size);
    request.set_page_token(token);
    const auto page = coordinator_->ListCampaigns(request, kNoon);
    SHOOTDOWN_CHECK(page.ok());
    return *page;
  }
  // All of them, in the order of the list, and how long each page was.
  std::vector<std::string> Ids(std::uint32_t size, std::vector<int>* lengths) {
    std::vector<std::string> ids;
    std::string token;
    do {
      const v1::ListCampaignsResponse page = Page(size, token);
      EXPECT_LE(page.ByteSizeLong(), static_cast<std::size_t>(kMessageBytesMax));
      lengths->push_back(page.campaigns_size());
      for (const v1::Campaign& campaign : page.campaigns()) ids.push_back(campaign.id());
      token = page.next_page_token();
    } while (!token.empty());
    return ids;
  }

  CoordinatorFixture coordinator_;
};

TEST_F(CampaignListTest, PagesHaveEachCampaignOnceNewestFirst) {
  std::vector<std::string> ids;
  for (int n = 0; n < 130; ++n) ids.insert(ids.begin(), Add(n));
  std::vector<int> lengths;

  EXPECT_EQ(Ids(50, &lengths), ids);
  EXPECT_EQ(lengths, (std::vector<int>{50, 50, 30}));
  lengths.clear();
  EXPECT_EQ(Ids(0, &lengths), ids);
  EXPECT_EQ(lengths, (std::vector<int>{100, 30}));
}

TEST_F(CampaignListTest, WhatComesAndGoesBetweenTwoPagesMovesNoOther) {
  const std::string oldest = Add(0);
  const std::string middle = Add(1);
  (void)Add(2);
  const v1::ListCampaignsResponse first = Page(2, "");
  ASSERT_EQ(first.campaigns(1).id(), middle);

  ASSERT_TRUE(coordinator_->DeleteCampaign(middle).ok());
  (void)Add(3);
  const v1::ListCampaignsResponse second = Page(2, first.next_page_token());

  ASSERT_EQ(second.campaigns_size(), 1);
  EXPECT_EQ(second.campaigns(0).id(), oldest);
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(CampaignListTest, APageEndsWhenItsMessageIsFull) {
  std::vector<std::string> ids;
  for (int n = 0; n < 40; ++n) ids.insert(ids.begin(), Add(n));
  coordinator_.Stop();
  {
    const auto store = Store::Open(coordinator_.data(), OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok());
    RefusedRow row;
    row.set_words(std::string(100'000, 'x'));
    StoreBatch batch;
    for (const std::string& id : ids) {
      batch.service.push_back({.key = keys::Key(keys::kRefused, id, ScenarioKey(ScenarioText())),
                               .value = row.SerializeAsString()});
    }
    ASSERT_TRUE((*store)->Commit(batch).ok());
  }
  coordinator_.Start();
  std::vector<int> lengths;

  EXPECT_EQ(Ids(0, &lengths), ids);
  EXPECT_EQ(lengths.size(), 2u);
}

TEST_F(CampaignListTest, WhatIsNoPageIsRefused) {
  v1::ListCampaignsRequest request;
  request.set_page_size(1001);
  EXPECT_EQ(coordinator_->ListCampaigns(request, kNoon).status().code(),
            absl::StatusCode::kInvalidArgument);
  request.set_page_size(1000);
  request.set_page_token("x");
  EXPECT_EQ(coordinator_->ListCampaigns(request, kNoon).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace shootdown::server
