#include <gtest/gtest.h>

#include "server/coordinator.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class RetentionTest : public ::testing::Test {
 protected:
  // A campaign that holds inputs of these features; its id.
  std::string Campaign(const std::string& name, const std::vector<std::uint32_t>& features) {
    const std::string id = coordinator_.Create(100'000, name);
    v1::SyncRequest request = worker_.Next();
    for (const std::uint32_t f : features) {
      *request.add_inputs() = InputMessage(id, "T0@" + std::to_string(f) + ">C1", {f});
    }
    *request.add_findings() = FoundMessage(id, 1);
    (void)worker_.Send(request, kNoon);
    return id;
  }
  void Stop(const std::string& id, absl::Time when) {
    ASSERT_TRUE(coordinator_->SetCampaignState(id, v1::CAMPAIGN_STATE_STOPPED, when).ok());
  }
  v1::CompactResponse Compact(std::optional<std::uint32_t> days, absl::Time now,
                              bool dry_run = false) {
    v1::CompactRequest request;
    request.set_dry_run(dry_run);
    if (days.has_value()) request.set_ended_days_min(*days);
    const auto response = coordinator_->Compact(request, now);
    SHOOTDOWN_CHECK(response.ok());
    return *response;
  }

  CoordinatorFixture coordinator_;
  FakeWorker worker_{*coordinator_, '1', /*job_count=*/0};
};

TEST_F(RetentionTest, CampaignsThatEndedLongAgoGoOldestFirstAndTheAnswerSaysWithWhat) {
  const std::string running = Campaign("running", {1});
  const std::string young = Campaign("young", {1, 2});
  const std::string old = Campaign("old", {1, 2, 3});
  const std::string oldest = Campaign("oldest", {4});
  Stop(oldest, kNoon);
  Stop(old, kNoon + kDay);
  Stop(young, kNoon + 9 * kDay);
  const std::vector<std::string> before = coordinator_->DescribeState();

  const v1::CompactResponse foreseen = Compact(7, kNoon + 10 * kDay, /*dry_run=*/true);
  EXPECT_EQ(coordinator_->DescribeState(), before);
  const v1::CompactResponse dropped = Compact(7, kNoon + 10 * kDay);

  ASSERT_EQ(dropped.campaigns_size(), 2);
  EXPECT_EQ(dropped.campaigns(0).id(), oldest);
  EXPECT_EQ(dropped.campaigns(0).ended_us(), absl::ToUnixMicros(kNoon));
  EXPECT_EQ(dropped.campaigns(0).input_count(), 1u);
  EXPECT_EQ(dropped.campaigns(1).id(), old);
  EXPECT_EQ(dropped.campaigns(1).input_count(), 3u);
  EXPECT_EQ(dropped.campaigns(1).finding_count(), 1u);
  EXPECT_EQ(dropped.input_count(), 2u);    // 3 and 4; others hold 1 and 2
  EXPECT_EQ(dropped.finding_count(), 0u);  // others hold the finding
  EXPECT_EQ(foreseen.campaigns_size(), dropped.campaigns_size());
  EXPECT_EQ(foreseen.input_count(), dropped.input_count());
  EXPECT_TRUE(coordinator_->GetCampaign(running, Coordinator::Tasks::kNo, kNoon).ok());
  EXPECT_TRUE(coordinator_->GetCampaign(young, Coordinator::Tasks::kNo, kNoon).ok());
  EXPECT_TRUE(absl::IsNotFound(
      coordinator_->GetCampaign(old, Coordinator::Tasks::kNo, kNoon).status()));
}

TEST_F(RetentionTest, AFindingIsForgottenWithTheLastCampaignThatHoldsItAndItsFailureStays) {
  Stop(Campaign("one", {1}), kNoon);
  Stop(Campaign("two", {1}), kNoon);

  EXPECT_EQ(Compact(0, kNoon, /*dry_run=*/true).finding_count(), 1u);
  EXPECT_EQ(Compact(0, kNoon).finding_count(), 1u);

  EXPECT_EQ(coordinator_->GetStats(kNoon).finding_count(), 0u);
  coordinator_.Stop();
  const auto store = Store::Open(coordinator_.data(), OpenMode::kReadOnly);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->ListFailures()->failures.size(), 1u);
}

TEST_F(RetentionTest, WithoutAnAgeNoCampaignGoes) {
  Stop(Campaign("one", {1}), kNoon);

  EXPECT_EQ(Compact(std::nullopt, kNoon + 1000 * kDay).campaigns_size(), 0);
  EXPECT_EQ(coordinator_->GetStats(kNoon).campaign_count(), 1u);
}

TEST(BackupTest, ANameThatLeadsElsewhereIsRefused) {
  CoordinatorFixture coordinator;
  EXPECT_TRUE(coordinator->Backup("monday").ok());
  for (const char* name : {"", ".", "..", ".hidden", "../out", "a/b", "a b"}) {
    EXPECT_EQ(coordinator->Backup(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace shootdown::server
