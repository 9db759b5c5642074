// A finding that is confirmed, and cannot be minimized: why is kept, and no worker waits for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/coordinator.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

using ::testing::HasSubstr;

const absl::Duration kSecond = absl::Seconds(1);

// A worker other than the finder confirms what it is given; what it is told then.
v1::SyncResponse Confirm(FakeWorker& worker) {
  const v1::SyncResponse answer = worker.Poll(kNoon + kSecond);
  const v1::Lease* lease = Wanted(answer, v1::Lease::kReplay);
  SHOOTDOWN_CHECK(lease != nullptr);
  v1::SyncRequest confirmed = worker.Done(*lease);
  *confirmed.mutable_results(0)->mutable_replayed() = ToProto(FoundFailure(1, ScenarioText()));
  return worker.Send(confirmed, kNoon + kSecond);
}

// The first task of the campaign, as `shootdown campaign show` prints it.
v1::CampaignTask FirstTask(CoordinatorFixture& coordinator, const std::string& campaign) {
  const auto shown = coordinator->GetCampaign(campaign, Coordinator::Tasks::kYes, kNoon + kSecond);
  SHOOTDOWN_CHECK(shown.ok());
  return shown->tasks(0);
}

TEST(MinimizingTest, AFindingThatTheDiskSpoiltIsGivenUpAndItsWorkerGoesOn) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  {
    FakeWorker finder(*coordinator, '1');
    (void)Report(finder, campaign, 1, kNoon);
  }
  const std::string id = FailureId(FoundFailure(1, ScenarioText()));
  coordinator.Stop();
  {
    RawDatabase raw(coordinator.data());
    std::string record = raw.Get("failures", id);
    char& byte = record[record.size() / 2];
    byte = static_cast<char>(byte ^ 1);
    raw.Put("failures", id, record);
  }
  coordinator.Start();
  FakeWorker worker(*coordinator, '2');

  EXPECT_EQ(Wanted(Confirm(worker), v1::Lease::kMinimize), nullptr);
  EXPECT_EQ(FirstTask(coordinator, campaign).state(), "waiting");
  EXPECT_EQ(FirstTask(coordinator, campaign).attempts(), 1u);
  (void)worker.Poll(kNoon + 2 * kSecond);
  (void)worker.Poll(kNoon + 3 * kSecond);

  const v1::CampaignTask task = FirstTask(coordinator, campaign);
  EXPECT_EQ(task.finding_id(), id);
  EXPECT_EQ(task.state(), "given up");
  EXPECT_THAT(task.reason(), HasSubstr("minimize, attempt 3: it cannot be read"));
  const v1::SyncResponse answer = worker.Poll(kNoon + 4 * kSecond);
  EXPECT_EQ(answer.leases_size(), 2) << "no place is taken by what cannot be sent";
}

TEST(MinimizingTest, AMinimizerThatSawNoFailureIsQuoted) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  FakeWorker worker(*coordinator, '2');
  const std::string id = Report(finder, campaign, 1, kNoon);
  const v1::SyncResponse answer = Confirm(worker);
  const v1::Lease* lease = Wanted(answer, v1::Lease::kMinimize);
  ASSERT_NE(lease, nullptr);

  v1::SyncRequest clean = worker.Done(*lease);
  clean.mutable_results(0)->set_words("it does not fail as it did");
  (void)worker.Send(clean, kNoon + 2 * kSecond);

  const auto finding = coordinator->GetFinding(id);
  ASSERT_TRUE(finding.ok());
  EXPECT_EQ(finding->state(), v1::FINDING_STATE_CONFIRMED);
  EXPECT_EQ(finding->words(), "minimize, attempt 1: it does not fail as it did");
}

}  // namespace
}  // namespace shootdown::server
