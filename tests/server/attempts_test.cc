// What goes wrong is tried again, so often and no more; what goes well begins the count anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/policy.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

using ::testing::HasSubstr;

const absl::Duration kSecond = absl::Seconds(1);

// All that `worker` holds, in full: as if no answer before had reached it.
v1::SyncResponse InFull(FakeWorker& worker, absl::Time now) {
  v1::SyncRequest request = worker.Next();
  request.clear_held();
  return worker.Send(request, now);
}

// The engine fails on what `worker` has of this kind; the answer.
v1::SyncResponse FailOn(FakeWorker& worker, v1::Lease::WorkCase work, absl::Time now) {
  const v1::SyncResponse answer = InFull(worker, now);
  const v1::Lease* const lease = Wanted(answer, work);
  SHOOTDOWN_CHECK(lease != nullptr);
  v1::SyncRequest request = worker.Done(*lease);
  request.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_ENGINE_FAILED);
  request.mutable_results(0)->set_words("it crashed");
  return worker.Send(request, now);
}

// `worker` runs the finding and sees it.
v1::SyncResponse Confirm(FakeWorker& worker, const Failure& seen) {
  const v1::SyncResponse answer = InFull(worker, kNoon + kSecond);
  const v1::Lease* const lease = Wanted(answer, v1::Lease::kReplay);
  SHOOTDOWN_CHECK(lease != nullptr);
  v1::SyncRequest request = worker.Done(*lease);
  *request.mutable_results(0)->mutable_replayed() = ToProto(seen);
  return worker.Send(request, kNoon + kSecond);
}

v1::Finding FindingOf(CoordinatorFixture& coordinator, const std::string& id) {
  const auto finding = coordinator->GetFinding(id);
  SHOOTDOWN_CHECK(finding.ok());
  return *finding;
}

std::string RefusedOf(CoordinatorFixture& coordinator, const std::string& campaign) {
  return Show(coordinator, campaign).scenarios(0).refused();
}

TEST(AttemptsTest, AScenarioIsGivenUpWhenTheEngineFailsOnItManyTimesInARow) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/100'000'000);
  FakeWorker worker(*coordinator, '1');
  const auto fail_almost_too_often = [&] {
    for (std::uint32_t i = 1; i < Policy::kScenarioFailuresMax; ++i) {
      (void)FailOn(worker, v1::Lease::kFuzz, kNoon);
    }
  };

  fail_almost_too_often();
  (void)worker.Send(worker.Done(InFull(worker, kNoon).leases(0)), kNoon);  // this one works
  fail_almost_too_often();
  EXPECT_EQ(RefusedOf(coordinator, campaign), "");
  (void)FailOn(worker, v1::Lease::kFuzz, kNoon);

  EXPECT_EQ(RefusedOf(coordinator, campaign), "given up: the engine failed: it crashed");
}

TEST(AttemptsTest, EachStepOfAFindingHasItsOwnAttempts) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  const std::string id = Report(finder, campaign, 1, kNoon);
  FakeWorker other(*coordinator, '2');
  for (int i = 0; i < 2; ++i) (void)FailOn(other, v1::Lease::kReplay, kNoon + kSecond);
  EXPECT_THAT(FindingOf(coordinator, id).words(),
              HasSubstr("confirm, attempt 2: the engine failed"));
  (void)Confirm(other, FoundFailure(1, ScenarioText()));

  for (int i = 0; i < 2; ++i) (void)FailOn(other, v1::Lease::kMinimize, kNoon + kSecond);

  EXPECT_THAT(FindingOf(coordinator, id).words(),
              HasSubstr("minimize, attempt 2: the engine failed"));
  EXPECT_EQ(FindingOf(coordinator, id).state(), v1::FINDING_STATE_CONFIRMED);
  const v1::SyncResponse answer = InFull(other, kNoon + kSecond);
  const v1::Lease* const lease = Wanted(answer, v1::Lease::kMinimize);
  ASSERT_NE(lease, nullptr) << "it was given up";
  v1::SyncRequest minimized = other.Done(*lease);
  *minimized.mutable_results(0)->mutable_minimized() =
      ToProto(MinimizedFailure(FoundFailure(1, ScenarioText())));
  (void)other.Send(minimized, kNoon + kSecond);
  ASSERT_EQ(FindingOf(coordinator, id).state(), v1::FINDING_STATE_MINIMIZED);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  (void)FailOn(newer, v1::Lease::kReplay, kNoon + kSecond);
  EXPECT_NE(Wanted(InFull(newer, kNoon + kSecond), v1::Lease::kReplay), nullptr)
      << "the other model was given up after one attempt";
}

TEST(AttemptsTest, ARunThatFailsAnotherCheckConfirmsNothingThoughItsTraceIsTheSame) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  const std::string id = Report(finder, campaign, 1, kNoon);
  FakeWorker other(*coordinator, '2');
  Failure seen = FoundFailure(1, ScenarioText());
  seen.check = "lost_bit";

  (void)Confirm(other, seen);

  EXPECT_EQ(FindingOf(coordinator, id).state(), v1::FINDING_STATE_QUARANTINED);
}

TEST(AttemptsTest, AWorkerThatVanishedDoesNotKeepAScenarioThatNobodyCanRun) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker vanished(*coordinator, '1');
  FakeWorker there(*coordinator, '2');
  (void)vanished.Poll(kNoon);
  const auto refuse = [&](absl::Time now) {
    v1::SyncRequest request = there.Done(InFull(there, now).leases(0));
    request.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_REFUSED);
    request.mutable_results(0)->set_words("no such operation");
    (void)there.Send(request, now);
    return RefusedOf(coordinator, campaign);
  };

  EXPECT_EQ(refuse(kNoon + kSecond), "");
  EXPECT_EQ(refuse(kNoon + 40 * kSecond), "no such operation");
}

}  // namespace
}  // namespace shootdown::server
