// A finding that another version of the model has run: kept, changed, fixed, regressed, or not runnable.
#include <gtest/gtest.h>

#include "server/coordinator.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

const absl::Duration kSecond = absl::Seconds(1);

// A finding that is minimized on model m1, and a campaign that still runs but has no runs to lease.
std::string MinimizedFinding(CoordinatorFixture& coordinator,
                             const Failure& smallest = MinimizedFailure(FoundFailure(1, ScenarioText()))) {
  const std::string campaign = coordinator.Create(/*run_count=*/1);
  FakeWorker finder(*coordinator, '1');
  FakeWorker other(*coordinator, '2');
  const std::string id = Report(finder, campaign, 1, kNoon);
  v1::SyncResponse answer = other.Poll(kNoon + kSecond);
  const v1::Lease* lease = Wanted(answer, v1::Lease::kReplay);
  SHOOTDOWN_CHECK(lease != nullptr);
  v1::SyncRequest confirmed = other.Done(*lease);
  *confirmed.mutable_results(0)->mutable_replayed() = ToProto(FoundFailure(1, ScenarioText()));
  answer = other.Send(confirmed, kNoon + kSecond);
  lease = Wanted(answer, v1::Lease::kMinimize);
  SHOOTDOWN_CHECK(lease != nullptr);
  v1::SyncRequest minimized = other.Done(*lease);
  *minimized.mutable_results(0)->mutable_minimized() = ToProto(smallest);
  (void)other.Send(minimized, kNoon + kSecond);
  SHOOTDOWN_CHECK(StateOf(*coordinator, id) == v1::FINDING_STATE_MINIMIZED);
  return id;
}

// `worker` is given the finding, and sees `seen`.
v1::Finding Replay(CoordinatorFixture& coordinator, FakeWorker& worker, const std::string& id,
                   const Failure& seen, absl::Time now = kNoon + 2 * kSecond) {
  const v1::SyncResponse answer = worker.Poll(now);
  const v1::Lease* lease = Wanted(answer, v1::Lease::kReplay);
  SHOOTDOWN_CHECK(lease != nullptr);
  SHOOTDOWN_CHECK(lease->replay().finding_id() == id);
  v1::SyncRequest request = worker.Done(*lease);
  *request.mutable_results(0)->mutable_replayed() = ToProto(seen);
  (void)worker.Send(request, now);
  const auto finding = coordinator->GetFinding(id);
  SHOOTDOWN_CHECK(finding.ok());
  return *finding;
}

Failure CleanRun() {
  Failure clean = FoundFailure(1, ScenarioText());
  clean.check.clear();
  clean.kind_key.clear();
  clean.trace_hash = std::string(32, 'c');
  return clean;
}

TEST(ModelVersionsTest, AnotherModelThatShowsTheSameKeepsTheState) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");

  const v1::Finding finding = Replay(coordinator, newer, id, FoundFailure(1, ScenarioText()));

  EXPECT_EQ(finding.state(), v1::FINDING_STATE_MINIMIZED);
  EXPECT_EQ(finding.model_version(), "m2");
  EXPECT_EQ(finding.words(), "model m2 still shows it, step by step");
  EXPECT_EQ(Wanted(newer.Poll(kNoon + 3 * kSecond), v1::Lease::kReplay), nullptr);
}

TEST(ModelVersionsTest, AnotherModelRunsTheScenarioThatMinimizingLeft) {
  CoordinatorFixture coordinator;
  Failure smallest = MinimizedFailure(FoundFailure(1, ScenarioText()));
  smallest.scenario_text = ScenarioText("reduced");
  smallest.found_scenario_text = ScenarioText();
  (void)MinimizedFinding(coordinator, smallest);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");

  const v1::SyncResponse answer = newer.Poll(kNoon + 2 * kSecond);

  const v1::Lease* const lease = Wanted(answer, v1::Lease::kReplay);
  ASSERT_NE(lease, nullptr);
  EXPECT_EQ(lease->scenario_text(), ScenarioText("reduced"));
}

TEST(ModelVersionsTest, AnotherTraceOfTheSameKindOnAnotherModelCountsAndTheWordsSayWhy) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  Failure seen = FoundFailure(1, ScenarioText());
  seen.trace_hash = std::string(32, 'b');

  const v1::Finding finding = Replay(coordinator, newer, id, seen);

  EXPECT_EQ(finding.state(), v1::FINDING_STATE_MINIMIZED);
  EXPECT_NE(finding.words().find("may have moved"), std::string::npos) << finding.words();
}

TEST(ModelVersionsTest, WhatAnotherModelDoesNotShowIsFixedAndRegressesWithAThird) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  FakeWorker newest(*coordinator, '4', /*job_count=*/1, "m3");

  const v1::Finding fixed = Replay(coordinator, newer, id, CleanRun());
  EXPECT_EQ(fixed.state(), v1::FINDING_STATE_FIXED);
  EXPECT_EQ(fixed.words(), "model m2 does not show it: the run is clean");
  EXPECT_EQ(fixed.model_version(), "m2");

  const v1::Finding regressed = Replay(coordinator, newest, id, FoundFailure(1, ScenarioText()));
  EXPECT_EQ(regressed.state(), v1::FINDING_STATE_REGRESSED);
  EXPECT_EQ(regressed.words(), "model m3 shows it again, step by step");
  EXPECT_EQ(regressed.model_version(), "m3");
}

// What each model shows is known; which of them is connected changes.
TEST(ModelVersionsTest, AFixThatIsTakenBackBringsTheBugBackAndAnotherFixEndsIt) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  FakeWorker older(*coordinator, '4', /*job_count=*/1, "m1");
  coordinator->Tick(kNoon);
  EXPECT_EQ(Replay(coordinator, newer, id, CleanRun()).state(), v1::FINDING_STATE_FIXED);
  // Both are connected: the last one's word counts.
  absl::Time now = kNoon + Leases::kMemory;
  (void)newer.Poll(now);
  (void)older.Poll(now);
  coordinator->Tick(now);
  EXPECT_EQ(Wanted(older.Poll(now), v1::Lease::kReplay), nullptr);

  now += Leases::kMemory;
  (void)older.Poll(now);
  coordinator->Tick(now);
  const v1::Finding back = Replay(coordinator, older, id, FoundFailure(1, ScenarioText()), now);
  EXPECT_EQ(back.state(), v1::FINDING_STATE_REGRESSED);
  EXPECT_EQ(back.words(), "model m1 shows it again, step by step");

  now += Leases::kMemory;
  (void)newer.Poll(now);
  coordinator->Tick(now);
  EXPECT_EQ(Replay(coordinator, newer, id, CleanRun(), now).state(), v1::FINDING_STATE_FIXED);
  EXPECT_EQ(Wanted(newer.Poll(now), v1::Lease::kReplay), nullptr);
}

TEST(ModelVersionsTest, AfterAStartNoModelIsTakenForGoneBeforeItCouldComeBack) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  EXPECT_EQ(Replay(coordinator, newer, id, CleanRun()).state(), v1::FINDING_STATE_FIXED);
  coordinator.Start();
  FakeWorker older(*coordinator, '4', /*job_count=*/1, "m1");

  (void)older.Poll(kNoon + kSecond);
  coordinator->Tick(kNoon + kSecond);

  EXPECT_EQ(Wanted(older.Poll(kNoon + 2 * kSecond), v1::Lease::kReplay), nullptr);
}

TEST(ModelVersionsTest, WhatWasFixedAndIsFoundAgainHasRegressed) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  (void)Replay(coordinator, newer, id, CleanRun());
  const std::string later = coordinator.Create(/*run_count=*/1, "later");
  FakeWorker newest(*coordinator, '4', /*job_count=*/1, "m3");

  EXPECT_EQ(Report(newest, later, 1, kNoon + 3 * kSecond), id);

  const auto finding = coordinator->GetFinding(id);
  ASSERT_TRUE(finding.ok());
  EXPECT_EQ(finding->state(), v1::FINDING_STATE_REGRESSED);
  EXPECT_EQ(finding->words(), "model m3 shows it again: a search found it");
  EXPECT_EQ(finding->model_version(), "m3");
}

TEST(ModelVersionsTest, AFailureOfAnotherKindOnAnotherModelIsNotTheSameFinding) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  Failure seen = FoundFailure(1, ScenarioText());
  seen.check = "use_after_free";

  const v1::Finding finding = Replay(coordinator, newer, id, seen);

  EXPECT_EQ(finding.state(), v1::FINDING_STATE_FIXED);
  EXPECT_NE(finding.words().find("use_after_free"), std::string::npos) << finding.words();
}

TEST(ModelVersionsTest, AModelThatCannotRunAFindingLeavesItAsItIs) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  const v1::SyncResponse answer = newer.Poll(kNoon + 2 * kSecond);
  const v1::Lease* lease = Wanted(answer, v1::Lease::kReplay);
  ASSERT_NE(lease, nullptr);
  v1::SyncRequest request = newer.Done(*lease);
  request.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_REFUSED);
  request.mutable_results(0)->set_words("no operation mmap");

  const v1::SyncResponse after = newer.Send(request, kNoon + 2 * kSecond);

  const auto finding = coordinator->GetFinding(id);
  ASSERT_TRUE(finding.ok());
  EXPECT_EQ(finding->state(), v1::FINDING_STATE_MINIMIZED);
  EXPECT_EQ(finding->model_version(), "m1");
  EXPECT_NE(finding->words().find("no operation mmap"), std::string::npos) << finding->words();
  EXPECT_EQ(Wanted(after, v1::Lease::kReplay), nullptr);
  const auto listed = coordinator->ListCampaigns({}, kNoon);
  ASSERT_TRUE(listed.ok());
  for (const v1::Campaign& campaign : listed->campaigns()) {
    EXPECT_EQ(campaign.scenarios(0).refused(), "");
  }
}

// It may be the engine's fault, not the finding's.
TEST(ModelVersionsTest, AnEngineThatFailsOnAFindingIsTriedThreeTimesThenItIsLeftAsItIs) {
  CoordinatorFixture coordinator;
  const std::string id = MinimizedFinding(coordinator);
  FakeWorker newer(*coordinator, '3', /*job_count=*/1, "m2");
  v1::SyncResponse answer = newer.Poll(kNoon + 2 * kSecond);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const v1::Lease* lease = Wanted(answer, v1::Lease::kReplay);
    ASSERT_NE(lease, nullptr) << attempt;
    v1::SyncRequest request = newer.Done(*lease);
    request.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_ENGINE_FAILED);
    request.mutable_results(0)->set_words("signal 11");
    answer = newer.Send(request, kNoon + (2 + attempt) * kSecond);
  }

  EXPECT_EQ(Wanted(answer, v1::Lease::kReplay), nullptr);
  const auto finding = coordinator->GetFinding(id);
  ASSERT_TRUE(finding.ok());
  EXPECT_EQ(finding->state(), v1::FINDING_STATE_MINIMIZED);
  EXPECT_EQ(finding->model_version(), "m1");
  EXPECT_NE(finding->words().find("model m2 cannot run it (the engine failed: signal 11)"),
            std::string::npos)
      << finding->words();
}

}  // namespace
}  // namespace shootdown::server
