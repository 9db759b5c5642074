// When a campaign ends: not before all is in that its leases found, and what comes later all the
// same is not lost.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

const absl::Duration kSecond = absl::Seconds(1);

v1::CampaignState StateOf(CoordinatorFixture& coordinator, const std::string& campaign,
                          absl::Time now) {
  coordinator->Tick(now);
  const auto shown = coordinator->GetCampaign(campaign, Coordinator::Tasks::kNo, now);
  SHOOTDOWN_CHECK(shown.ok());
  return shown->state();
}

std::uint64_t InputCount(CoordinatorFixture& coordinator, const std::string& campaign) {
  return Show(coordinator, campaign).scenarios(0).input_count();
}

// The verdict on `what`; unspecified if there is none.
v1::Settled::Verdict VerdictOn(const v1::SyncResponse& response, const std::string& what) {
  const auto found = std::ranges::find(response.settled(), what, &v1::Settled::what);
  return found == response.settled().end() ? v1::Settled::VERDICT_UNSPECIFIED : found->verdict();
}

std::string CreateForSeconds(CoordinatorFixture& coordinator, std::uint32_t second_count) {
  v1::CreateCampaignRequest request;
  request.set_request_id("seconds");
  request.mutable_spec()->set_name("test");
  request.mutable_spec()->add_scenarios()->set_text(ScenarioText());
  request.mutable_spec()->mutable_budget()->set_second_count(second_count);
  const auto campaign = coordinator->CreateCampaign(request, kNoon);
  SHOOTDOWN_CHECK(campaign.ok());
  return campaign->id();
}

TEST(CampaignEndTest, ALeaseIsNotOverBeforeAllIsInThatItsResultNames) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/20'000);
  FakeWorker worker(*coordinator, '1');
  const v1::Lease lease = worker.Poll(kNoon).leases(0);
  const v1::Input input = InputMessage(campaign, "T0@1>C1", {1, 2});
  const std::string hash = OfferHash(input);

  v1::SyncRequest offered = worker.Done(lease);
  offered.mutable_results(0)->add_content_hashes(hash);
  offered.add_offers()->set_hash(hash);
  const v1::SyncResponse wanted = worker.Send(offered, kNoon + kSecond);

  ASSERT_EQ(wanted.wanted_size(), 1);
  EXPECT_EQ(VerdictOn(wanted, lease.id()), v1::Settled::VERDICT_UNSPECIFIED);
  EXPECT_EQ(StateOf(coordinator, campaign, kNoon + kSecond), v1::CAMPAIGN_STATE_RUNNING);

  v1::SyncRequest sent = worker.Done(lease);
  sent.mutable_results(0)->add_content_hashes(hash);
  *sent.add_inputs() = input;
  const v1::SyncResponse taken = worker.Send(sent, kNoon + 2 * kSecond);

  EXPECT_EQ(VerdictOn(taken, hash), v1::Settled::VERDICT_ACCEPTED);
  EXPECT_EQ(VerdictOn(taken, lease.id()), v1::Settled::VERDICT_ACCEPTED);
  EXPECT_EQ(StateOf(coordinator, campaign, kNoon + 2 * kSecond), v1::CAMPAIGN_STATE_DONE);
  EXPECT_EQ(InputCount(coordinator, campaign), 1u);
}

TEST(CampaignEndTest, AWorkerWhoseResultWaitsForItsContentsHasAnotherLeaseMeanwhile) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/1'000'000);
  FakeWorker worker(*coordinator, '1');
  const v1::SyncResponse first = worker.Poll(kNoon);
  const std::string hash = OfferHash(InputMessage(campaign, "T0@1>C1", {1, 2}));

  v1::SyncRequest offered = worker.Done(first.leases(0));
  offered.mutable_results(0)->add_content_hashes(hash);
  offered.add_offers()->set_hash(hash);
  const v1::SyncResponse answer = worker.Send(offered, kNoon + kSecond);

  const auto to_run = std::ranges::count_if(
      answer.leases(), [&](const v1::Lease& lease) { return lease.id() != first.leases(0).id(); });
  EXPECT_EQ(to_run, first.leases_size());
}

TEST(CampaignEndTest, ACampaignWhoseTimeIsUpWaitsForWhatItsWorkersHaveFound) {
  CoordinatorFixture coordinator;
  const std::string campaign = CreateForSeconds(coordinator, 10);
  FakeWorker worker(*coordinator, '1');
  const v1::SyncResponse leased = worker.Poll(kNoon);
  ASSERT_EQ(leased.leases_size(), 2);
  const absl::Time late = kNoon + 11 * kSecond;
  v1::SyncRequest running = worker.Next();

  EXPECT_EQ(StateOf(coordinator, campaign, late), v1::CAMPAIGN_STATE_RUNNING);
  EXPECT_EQ(worker.Send(running, late).leases_size(), 0) << "the worker shall drop its leases";

  // One was on an engine, the other one had not begun.
  v1::SyncRequest returned = worker.Done(leased.leases(0));
  returned.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_RETURNED);
  *returned.add_inputs() = InputMessage(campaign, "T0@1>C1", {1, 2});
  (void)worker.Send(returned, late + kSecond);

  EXPECT_EQ(StateOf(coordinator, campaign, late + kSecond), v1::CAMPAIGN_STATE_DONE);
  EXPECT_EQ(InputCount(coordinator, campaign), 1u);
}

TEST(CampaignEndTest, ACampaignThatIsPausedDoesNotEndThoughItsTimeIsUp) {
  CoordinatorFixture coordinator;
  const std::string campaign = CreateForSeconds(coordinator, 10);
  ASSERT_TRUE(
      coordinator->SetCampaignState(campaign, v1::CAMPAIGN_STATE_PAUSED, kNoon + kSecond).ok());

  EXPECT_EQ(StateOf(coordinator, campaign, kNoon + 20 * kSecond), v1::CAMPAIGN_STATE_PAUSED);
  ASSERT_TRUE(
      coordinator->SetCampaignState(campaign, v1::CAMPAIGN_STATE_RUNNING, kNoon + 20 * kSecond)
          .ok());
  EXPECT_EQ(StateOf(coordinator, campaign, kNoon + 21 * kSecond), v1::CAMPAIGN_STATE_DONE);
}

TEST(CampaignEndTest, AWorkerThatIsSilentDoesNotKeepACampaignFromItsEnd) {
  CoordinatorFixture coordinator;
  const std::string campaign = CreateForSeconds(coordinator, 10);
  FakeWorker worker(*coordinator, '1');
  (void)worker.Poll(kNoon + 9 * kSecond);

  EXPECT_EQ(StateOf(coordinator, campaign, kNoon + 11 * kSecond), v1::CAMPAIGN_STATE_RUNNING);
  EXPECT_EQ(StateOf(coordinator, campaign, kNoon + 9 * kSecond + Leases::kTtl),
            v1::CAMPAIGN_STATE_DONE);
}

TEST(CampaignEndTest, AWorkerThatWillNotDropALeaseDoesNotKeepACampaignFromItsEnd) {
  CoordinatorFixture coordinator;
  const std::string campaign = CreateForSeconds(coordinator, 10);
  FakeWorker worker(*coordinator, '1');
  (void)worker.Poll(kNoon);
  const v1::SyncRequest stubborn = worker.Next();
  absl::Time now = kNoon + 11 * kSecond;
  for (std::uint64_t i = 1; now < kNoon + absl::Seconds(60); ++i, now += 5 * kSecond) {
    coordinator->Tick(now);
    v1::SyncRequest again = stubborn;
    again.set_sequence(stubborn.sequence() + i);
    (void)worker.Send(again, now);
  }

  EXPECT_EQ(StateOf(coordinator, campaign, now), v1::CAMPAIGN_STATE_DONE);
}

// A campaign that is done, and what a worker that was away says of it then.
struct Late {
  CoordinatorFixture coordinator;
  std::string campaign = coordinator.Create(/*run_count=*/20'000);
  absl::Time now = kNoon + 2 * kSecond;

  void Finish() {
    FakeWorker worker(*coordinator, '9');
    (void)worker.Send(worker.Done(worker.Poll(kNoon).leases(0)), kNoon + kSecond);
    SHOOTDOWN_CHECK(StateOf(coordinator, campaign, now) == v1::CAMPAIGN_STATE_DONE);
  }
  // The finding's id.
  std::string Report() {
    FakeWorker away(*coordinator, '1');
    v1::SyncRequest request = away.Next();
    *request.add_findings() = FoundMessage(campaign, 1);
    const v1::SyncResponse response = away.Send(request, now);
    SHOOTDOWN_CHECK(response.settled_size() == 1);
    EXPECT_EQ(response.settled(0).verdict(), v1::Settled::VERDICT_ACCEPTED)
        << response.settled(0).words();
    return response.settled(0).finding_id();
  }
  v1::FindingState Finding(const std::string& id) {
    const auto finding = coordinator->GetFinding(id);
    SHOOTDOWN_CHECK(finding.ok());
    return finding->state();
  }
};

TEST(CampaignEndTest, AFindingThatComesWhenItsCampaignIsDoneIsConfirmedAndMinimizedAllTheSame) {
  Late late;
  late.Finish();
  const std::string id = late.Report();
  FakeWorker other(*late.coordinator, '2');

  v1::SyncResponse answer = other.Poll(late.now);
  ASSERT_EQ(answer.leases_size(), 1);
  ASSERT_TRUE(answer.leases(0).has_replay());
  v1::SyncRequest confirmed = other.Done(answer.leases(0));
  *confirmed.mutable_results(0)->mutable_replayed() = ToProto(FoundFailure(1, ScenarioText()));
  late.coordinator->Tick(late.now);
  answer = other.Send(confirmed, late.now);
  ASSERT_EQ(answer.leases_size(), 1);
  ASSERT_TRUE(answer.leases(0).has_minimize());
  v1::SyncRequest minimized = other.Done(answer.leases(0));
  *minimized.mutable_results(0)->mutable_minimized() =
      ToProto(MinimizedFailure(FoundFailure(1, ScenarioText())));
  late.coordinator->Tick(late.now);
  (void)other.Send(minimized, late.now);

  EXPECT_EQ(late.Finding(id), v1::FINDING_STATE_MINIMIZED);
  EXPECT_EQ(StateOf(late.coordinator, late.campaign, late.now), v1::CAMPAIGN_STATE_DONE);
}

TEST(CampaignEndTest, AFindingThatComesWhenItsCampaignWasStoppedIsKeptAsNew) {
  Late late;
  ASSERT_TRUE(
      late.coordinator->SetCampaignState(late.campaign, v1::CAMPAIGN_STATE_STOPPED, late.now).ok());

  const std::string id = late.Report();

  EXPECT_EQ(late.Finding(id), v1::FINDING_STATE_NEW);
  FakeWorker other(*late.coordinator, '2');
  EXPECT_EQ(other.Poll(late.now).leases_size(), 0);
  const auto shown =
      late.coordinator->GetCampaign(late.campaign, Coordinator::Tasks::kYes, late.now);
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(shown->tasks(0).finding_id(), id);
  EXPECT_EQ(shown->tasks(0).reason(), "its campaign is paused, or was stopped");
}

TEST(CampaignEndTest, WorkersThatSubmitAtOnceTogetherKeepToTheLimitOfInputs) {
  CoordinatorFixture coordinator;
  v1::CreateCampaignRequest create;
  create.set_request_id("inputs");
  create.mutable_spec()->set_name("test");
  create.mutable_spec()->add_scenarios()->set_text(ScenarioText());
  create.mutable_spec()->mutable_budget()->set_run_count(1'000'000);
  create.mutable_spec()->mutable_budget()->set_input_count_max(10);
  const std::string campaign = coordinator->CreateCampaign(create, kNoon)->id();
  FakeWorker first(*coordinator, '1');
  FakeWorker second(*coordinator, '2');
  (void)first.Poll(kNoon);
  const v1::SyncResponse leased = second.Poll(kNoon);
  const auto add = [&](v1::SyncRequest& request, std::uint32_t n) {
    *request.add_inputs() = InputMessage(campaign, "T0@" + std::to_string(n + 1) + ">C1", {n});
  };
  v1::SyncRequest of_first = first.Next();
  for (std::uint32_t n = 0; n < 7; ++n) add(of_first, n);
  v1::SyncRequest of_second = second.Done(leased.leases(0));
  of_second.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_RETURNED);
  for (std::uint32_t n = 7; n < 14; ++n) add(of_second, n);

  const v1::SyncResponse answer = SendAtOnce(coordinator, first, of_first, second, of_second);

  EXPECT_EQ(InputCount(coordinator, campaign), 10u);
  EXPECT_EQ(answer.settled_size(), 1 + 3);
  // What was left open is settled when it is offered again.
  coordinator.BeforeWrite(nullptr);
  v1::SyncRequest again = second.Next();
  add(again, 13);
  EXPECT_EQ(second.Send(again, kNoon).settled(0).verdict(), v1::Settled::VERDICT_NOT_NEEDED);
  EXPECT_EQ(InputCount(coordinator, campaign), 10u);
}

}  // namespace
}  // namespace shootdown::server
