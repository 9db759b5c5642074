// What a campaign says of what it did not take, and that nothing of it is left on disk when it is
// deleted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

using ::testing::ElementsAre;

// The keys of all rows in the folder of a coordinator that was stopped.
std::vector<std::string> KeysIn(const std::string& data) {
  const auto store = Store::Open(data, OpenMode::kReadOnly);
  SHOOTDOWN_CHECK(store.ok());
  std::vector<std::string> keys;
  const auto damaged = (*store)->VisitService(
      "", [&](std::string_view key, std::string_view /*value*/) { keys.emplace_back(key); });
  SHOOTDOWN_CHECK(damaged.ok());
  SHOOTDOWN_CHECK(damaged->empty());
  return keys;
}

TEST(CampaignRowsTest, FindingsAboveTheLimitAreCounted) {
  CoordinatorFixture coordinator;
  v1::CreateCampaignRequest request;
  request.set_request_id("one");
  request.mutable_spec()->set_name("test");
  request.mutable_spec()->add_scenarios()->set_text(ScenarioText());
  request.mutable_spec()->mutable_budget()->set_run_count(100);
  request.mutable_spec()->mutable_budget()->set_finding_count_max(1);
  const auto campaign = coordinator->CreateCampaign(request, kNoon);
  ASSERT_TRUE(campaign.ok());
  FakeWorker worker(*coordinator, '1');
  (void)Report(worker, campaign->id(), 1, kNoon);

  for (int n = 2; n <= 3; ++n) {
    v1::SyncRequest more = worker.Next();
    *more.add_findings() = FoundMessage(campaign->id(), n);
    EXPECT_EQ(worker.Send(more, kNoon).settled(0).verdict(), v1::Settled::VERDICT_NOT_NEEDED);
  }

  const auto shown = coordinator->GetCampaign(campaign->id(), Coordinator::Tasks::kNo, kNoon);
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(shown->scenarios(0).finding_count(), 1u);
  EXPECT_EQ(shown->scenarios(0).findings_dropped(), 2u);
}

TEST(CampaignRowsTest, ACampaignThatIsDeletedLeavesNoRow) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  (void)Report(worker, campaign, 1, kNoon);
  v1::SyncRequest request = worker.Done(worker.Poll(kNoon).leases(0));
  *request.add_inputs() = InputMessage(campaign, "T0@1>C1", {1, 2});
  const v1::SyncResponse answer = worker.Send(request, kNoon);
  v1::SyncRequest refused = worker.Done(answer.leases(0));
  refused.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_REFUSED);
  refused.mutable_results(0)->set_words("no such operation");
  (void)worker.Send(refused, kNoon);
  for (const v1::CampaignState state : {v1::CAMPAIGN_STATE_PAUSED, v1::CAMPAIGN_STATE_STOPPED}) {
    ASSERT_TRUE(coordinator->SetCampaignState(campaign, state, kNoon).ok());
  }
  coordinator.Stop();
  ASSERT_EQ(KeysIn(coordinator.data()).size(), 9u) << "not all sorts of rows";
  coordinator.Start();

  ASSERT_TRUE(coordinator->DeleteCampaign(campaign).ok());

  coordinator.Stop();
  EXPECT_THAT(KeysIn(coordinator.data()), ElementsAre("epoch"));
}

}  // namespace
}  // namespace shootdown::server
