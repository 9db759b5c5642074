// What an answer to a Sync has in it, and what a worker's words about itself are worth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/limits.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

// A worker brings an input of two features.
void BringInput(CoordinatorFixture& coordinator, const std::string& campaign) {
  FakeWorker worker(*coordinator, '9');
  v1::SyncRequest request = worker.Next();
  *request.add_inputs() = InputMessage(campaign, "T0@1>C1", {1, 2});
  const v1::SyncResponse response = worker.Send(request, kNoon);
  SHOOTDOWN_CHECK(response.settled(0).verdict() == v1::Settled::VERDICT_ACCEPTED);
}

TEST(AnswerTest, AListOfFeaturesComesOnceForAllLeasesOfItsScenario) {
  CoordinatorFixture coordinator;
  BringInput(coordinator, coordinator.Create(/*run_count=*/1'000'000));
  FakeWorker worker(*coordinator, '1', /*job_count=*/2);

  const v1::SyncResponse answer = worker.Poll(kNoon);

  ASSERT_EQ(answer.leases_size(), 4);
  for (const v1::Lease& lease : answer.leases()) EXPECT_EQ(lease.fuzz().known_feature_count(), 2u);
  ASSERT_EQ(answer.features_size(), 1);
  EXPECT_EQ(answer.features(0).features_size(), 2);
}

TEST(AnswerTest, AListOfFeaturesThatAWorkerHasOfAnotherEpochIsWorthNothing) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  BringInput(coordinator, campaign);
  const auto request_of = [&](FakeWorker& worker, std::uint64_t epoch) {
    v1::SyncRequest request = worker.Next();
    request.set_epoch(epoch);
    v1::FeaturesHeld& held = *request.add_features_held();
    held.set_campaign_id(campaign);
    held.set_scenario_key(ScenarioKey(ScenarioText()));
    held.set_count(2);
    return request;
  };
  FakeWorker first(*coordinator, '1');
  const std::uint64_t epoch = first.Poll(kNoon).epoch();
  FakeWorker second(*coordinator, '2');
  EXPECT_EQ(second.Send(request_of(second, epoch), kNoon).features_size(), 0);

  coordinator.Start();

  FakeWorker again(*coordinator, '1');
  const v1::SyncResponse answer = again.Send(request_of(again, epoch), kNoon);
  ASSERT_EQ(answer.features_size(), 1);
  EXPECT_EQ(answer.features(0).first(), 0u);
  EXPECT_EQ(answer.features(0).features_size(), 2);
}

TEST(AnswerTest, ALeaseOfAnAnswerThatWasLostRunsAnewWithTheNext) {
  CoordinatorFixture coordinator;
  (void)coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  v1::SyncRequest first = worker.Next();
  v1::SyncRequest second = worker.Next();  // names no lease
  ASSERT_TRUE(coordinator->Sync(first, "", kNoon).ok());
  ASSERT_EQ(coordinator->GetTotals().lease_count, 2u);

  const auto answer = coordinator->Sync(second, "", kNoon + 20 * kSecond);
  coordinator->Tick(kNoon + 40 * kSecond);

  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->leases_size(), 2);
  EXPECT_EQ(coordinator->GetTotals().lease_outcomes["expired"], 0u);
}

TEST(AnswerTest, ALeaseCountsNoMoreRunsThanItHasWhateverItsWorkerSays) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  (void)worker.Poll(kNoon);
  coordinator->Tick(kNoon);
  v1::SyncRequest boasting = worker.Next();
  for (v1::LeaseHeld& held : *boasting.mutable_held()) held.set_run_count(1'000'000'000'000);

  (void)worker.Send(boasting, kNoon + 2 * kSecond);
  coordinator->Tick(kNoon + 2 * kSecond);

  const auto shown =
      coordinator->GetCampaign(campaign, Coordinator::Tasks::kNo, kNoon + 2 * kSecond);
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(shown->runs_per_second(), 20'000.0);  // two leases of 20,000 runs in two seconds
}

TEST(AnswerTest, AWorkerThatSyncsTooOftenIsToldWhenToComeBack) {
  CoordinatorFixture coordinator;
  FakeWorker worker(*coordinator, '1');
  for (int i = 0; i < static_cast<int>(kSyncBurst); ++i) (void)worker.Poll(kNoon);

  const absl::Status hasty = coordinator->Sync(worker.Next(), "", kNoon).status();

  EXPECT_EQ(hasty.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryAfterMs(hasty), "250");
  EXPECT_TRUE(coordinator->Sync(worker.Next(), "", kNoon + absl::Milliseconds(250)).ok());
}

// The answer that asks `worker` to minimize `id`, which it confirms first.
v1::SyncResponse AskToMinimize(FakeWorker& worker) {
  const v1::SyncResponse answer = worker.Poll(kNoon + kSecond);
  const v1::Lease* lease = Wanted(answer, v1::Lease::kReplay);
  SHOOTDOWN_CHECK(lease != nullptr);
  v1::SyncRequest confirmed = worker.Done(*lease);
  *confirmed.mutable_results(0)->mutable_replayed() = ToProto(FoundFailure(1, ScenarioText()));
  return worker.Send(confirmed, kNoon + kSecond);
}

TEST(AnswerTest, AFailureWhoseTraceIsTooLongIsMinimizedWithoutIt) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  v1::SyncRequest request = finder.Next();
  v1::FoundFailure& found = *request.add_findings();
  found = FoundMessage(campaign, 1);
  found.mutable_failure()->mutable_trace(0)->set_text(std::string((1 << 20) + 1, 'x'));
  ASSERT_EQ(finder.Send(request, kNoon).settled(0).verdict(), v1::Settled::VERDICT_ACCEPTED);
  FakeWorker other(*coordinator, '2');

  const v1::SyncResponse answer = AskToMinimize(other);

  const v1::Lease* const lease = Wanted(answer, v1::Lease::kMinimize);
  ASSERT_NE(lease, nullptr);
  EXPECT_EQ(lease->minimize().failure().trace_size(), 0);
  EXPECT_EQ(lease->minimize().failure().trace_hash(), kTraceHash);
}

TEST(AnswerTest, AFailureThatTheStoreHasMinimizedIsMinimizedAsItWasFound) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  Failure small = MinimizedFailure(FoundFailure(1, ScenarioText()));
  small.schedule_text = "T0@7>C1";
  small.found_scenario_text = small.scenario_text;
  small.scenario_text = ScenarioText("reduced");
  coordinator.Stop();
  {
    const auto store = Store::Open(coordinator.data(), OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->PutFailure(small).ok());
  }
  coordinator.Start();
  FakeWorker finder(*coordinator, '1');
  (void)Report(finder, campaign, 1, kNoon);
  FakeWorker other(*coordinator, '2');

  const v1::SyncResponse answer = AskToMinimize(other);

  const v1::Lease* const lease = Wanted(answer, v1::Lease::kMinimize);
  ASSERT_NE(lease, nullptr);
  const v1::Failure& failure = lease->minimize().failure();
  EXPECT_EQ(failure.schedule_text(), "T0@1>C1");
  EXPECT_EQ(failure.scenario_text(), ScenarioText());
  EXPECT_FALSE(failure.minimized());
  EXPECT_EQ(failure.found_scenario_text(), "");
  EXPECT_EQ(failure.proof_size(), 0);
}

}  // namespace
}  // namespace shootdown::server
