#include "server/coordinator.h"

#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "fuzz/base/prng.h"
#include "proto/failure_file.h"
#include "server/limits.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

const absl::Duration kSecond = absl::Seconds(1);

TEST(CoordinatorTest, AFindingIsConfirmedElsewhereMinimizedAndSurvivesARestart) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  FakeWorker other(*coordinator, '2');
  (void)other.Poll(kNoon);

  const std::string id = Report(finder, campaign, 1, kNoon);
  EXPECT_EQ(StateOf(*coordinator, id), v1::FINDING_STATE_NEW);
  EXPECT_EQ(Wanted(finder.Poll(kNoon + kSecond), v1::Lease::kReplay), nullptr);
  (void)other.Poll(kNoon + kSecond);
  // Its engines have work; the next free one confirms.
  v1::SyncResponse answer = other.Poll(kNoon + kSecond);
  FakeWorker third(*coordinator, '3');
  answer = third.Poll(kNoon + 2 * kSecond);
  const v1::Lease* confirm = Wanted(answer, v1::Lease::kReplay);
  ASSERT_NE(confirm, nullptr);
  v1::SyncRequest confirmed = third.Done(*confirm);
  *confirmed.mutable_results(0)->mutable_replayed() = ToProto(FoundFailure(1, ScenarioText()));
  answer = third.Send(confirmed, kNoon + 3 * kSecond);
  EXPECT_EQ(StateOf(*coordinator, id), v1::FINDING_STATE_CONFIRMED);

  const v1::Lease* minimize = Wanted(answer, v1::Lease::kMinimize);
  ASSERT_NE(minimize, nullptr);
  EXPECT_EQ(minimize->minimize().failure().found_schedule_text(), "T0@1>C1");
  v1::SyncRequest minimized = third.Done(*minimize);
  *minimized.mutable_results(0)->mutable_minimized() =
      ToProto(MinimizedFailure(FoundFailure(1, ScenarioText())));
  (void)third.Send(minimized, kNoon + 4 * kSecond);
  EXPECT_EQ(StateOf(*coordinator, id), v1::FINDING_STATE_MINIMIZED);

  coordinator.Start();
  const auto finding = coordinator->GetFinding(id.substr(0, 6));
  ASSERT_TRUE(finding.ok()) << finding.status();
  EXPECT_EQ(finding->state(), v1::FINDING_STATE_MINIMIZED);
  EXPECT_EQ(finding->group_id(), id);
  EXPECT_EQ(finding->found_by(), finder.id());
  EXPECT_EQ(finding->confirmed_by(), third.id());
}

// A worker of a newer version tells more of a finding than this coordinator understands.
v1::Failure NewerFailure(const Failure& failure) {
  v1::Failure message = ToProto(failure);
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(99, "of a failure");
  v1::TraceStep& step = *message.mutable_trace(1);
  step.GetReflection()->MutableUnknownFields(&step)->AddVarint(98, 3);
  return message;
}

TEST(CoordinatorTest, AFieldOfANewerVersionComesOutOfAnExportAsItWentIn) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  FakeWorker other(*coordinator, '2');
  const v1::Failure sent = NewerFailure(FoundFailure(1, ScenarioText()));
  v1::SyncRequest found = finder.Next();
  *found.add_findings() = FoundMessage(campaign, 1);
  *found.mutable_findings(0)->mutable_failure() = sent;
  const std::string id = finder.Send(found, kNoon).settled(0).finding_id();
  const auto exported = [&] {
    const auto file = coordinator->ExportFinding(id);
    SHOOTDOWN_CHECK(file.ok());
    const auto failure = ParseFailureFile(file->failure_file(), "export");
    SHOOTDOWN_CHECK(failure.ok());
    return ToProto(*failure).SerializeAsString();
  };

  EXPECT_EQ(exported(), sent.SerializeAsString());
  EXPECT_EQ(coordinator->GetFinding(id)->failure().SerializeAsString(), sent.SerializeAsString());

  // Who minimizes it is given all of it, and what comes back is kept as well.
  v1::SyncResponse answer = other.Poll(kNoon + kSecond);
  v1::SyncRequest confirmed = other.Done(*Wanted(answer, v1::Lease::kReplay));
  *confirmed.mutable_results(0)->mutable_replayed() = sent;
  answer = other.Send(confirmed, kNoon + 2 * kSecond);
  const v1::Lease* const lease = Wanted(answer, v1::Lease::kMinimize);
  ASSERT_NE(lease, nullptr);
  EXPECT_EQ(lease->minimize().failure().SerializeAsString(), sent.SerializeAsString());
  const v1::Failure small = NewerFailure(MinimizedFailure(FoundFailure(1, ScenarioText())));
  v1::SyncRequest minimized = other.Done(*lease);
  *minimized.mutable_results(0)->mutable_minimized() = small;
  (void)other.Send(minimized, kNoon + 3 * kSecond);
  coordinator.Start();
  EXPECT_EQ(exported(), small.SerializeAsString());
}

TEST(CoordinatorTest, ATraceThatDiffersQuarantinesTheFindingWithItsFirstStep) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  FakeWorker other(*coordinator, '2');
  const std::string id = Report(finder, campaign, 1, kNoon);
  const v1::SyncResponse answer = other.Poll(kNoon + kSecond);
  const v1::Lease* confirm = Wanted(answer, v1::Lease::kReplay);
  ASSERT_NE(confirm, nullptr);

  Failure seen = FoundFailure(1, ScenarioText());
  seen.trace[1] = {.text = "T1 load", .hash = 9};
  seen.trace_hash = std::string(32, 'b');
  v1::SyncRequest request = other.Done(*confirm);
  *request.mutable_results(0)->mutable_replayed() = ToProto(seen);
  (void)other.Send(request, kNoon + 2 * kSecond);

  const auto finding = coordinator->GetFinding(id);
  ASSERT_TRUE(finding.ok());
  EXPECT_EQ(finding->state(), v1::FINDING_STATE_QUARANTINED);
  EXPECT_NE(finding->words().find("step 1"), std::string::npos) << finding->words();
}

// `worker` says that the run of one input has this trace.
v1::SyncResponse SendInput(FakeWorker& worker, const std::string& campaign, char trace) {
  v1::SyncRequest request = worker.Next();
  v1::Input& input = *request.add_inputs();
  input = InputMessage(campaign, "T0@1>C1", {1, 2});
  input.set_trace_hash(std::string(32, trace));
  return worker.Send(request, kNoon);
}

// `lease` asks to run an input exactly; the worker sees this trace.
v1::SyncRequest Traced(FakeWorker& worker, const v1::Lease& lease, char trace) {
  Failure seen = FoundFailure(1, ScenarioText());
  seen.check.clear();
  seen.trace_hash = std::string(32, trace);
  if (trace != 'a') seen.trace[1].text = "T1 load";
  v1::SyncRequest request = worker.Done(lease);
  *request.mutable_results(0)->mutable_replayed() = ToProto(seen);
  return request;
}
v1::SyncResponse Trace(FakeWorker& worker, const v1::Lease& lease, char trace) {
  return worker.Send(Traced(worker, lease, trace), kNoon + kSecond);
}

v1::Lease TraceLease(const v1::SyncResponse& answer) {
  const v1::Lease* lease = Wanted(answer, v1::Lease::kReplay);
  SHOOTDOWN_CHECK(lease != nullptr);
  SHOOTDOWN_CHECK(lease->replay().finding_id().empty());
  SHOOTDOWN_CHECK(lease->replay().schedule_text() == "T0@1>C1");
  return *lease;
}

// Of one input two workers say other traces, and the first one has run it exactly. By this lease the other one
// is to do so.
v1::Lease LeaseOfTheOddOne(FakeWorker& first, FakeWorker& odd, const std::string& campaign) {
  (void)SendInput(first, campaign, 'a');
  const v1::Lease of_odd = TraceLease(SendInput(odd, campaign, 'b'));
  (void)Trace(first, TraceLease(first.Poll(kNoon + kSecond)), 'a');
  return of_odd;
}

TEST(CoordinatorTest, TwoWorkersThatSayOtherTracesOfAnInputAreTracedAndTheOddOneIsQuarantined) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/1);
  FakeWorker first(*coordinator, '1');
  FakeWorker odd(*coordinator, '2');
  (void)SendInput(first, campaign, 'a');

  const v1::Lease of_odd = TraceLease(SendInput(odd, campaign, 'b'));
  const v1::Lease of_first = TraceLease(first.Poll(kNoon + kSecond));
  EXPECT_FALSE(Trace(first, of_first, 'a').drain());
  const v1::SyncResponse answer = Trace(odd, of_odd, 'b');

  EXPECT_TRUE(answer.drain());
  EXPECT_NE(answer.words().find("step 1: \"T1 store\" there, \"T1 load\" here"), std::string::npos)
      << answer.words();
  EXPECT_FALSE(first.Poll(kNoon + 2 * kSecond).drain());
}

// Sends it until it is stored: so many times nothing can be. Returns the last answer.
v1::SyncResponse SendToAFullDisk(CoordinatorFixture& coordinator, FakeWorker& worker,
                                 v1::SyncRequest request, absl::Time now, int times = 20) {
  coordinator.FillDisk(absl::ResourceExhaustedError("the disk is full"));
  for (int i = 0; i < times; ++i) {
    SHOOTDOWN_CHECK(!coordinator->Sync(request, "", now).ok());
    request.set_sequence(request.sequence() + 1);
  }
  coordinator.FillDisk(absl::OkStatus());
  return worker.Send(request, now);
}

TEST(CoordinatorTest, AWorkerIsQuarantinedAlsoIfThatCouldNotBeStoredAtFirst) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/1);
  FakeWorker first(*coordinator, '1');
  FakeWorker odd(*coordinator, '2');
  const v1::Lease of_odd = LeaseOfTheOddOne(first, odd, campaign);

  const v1::SyncResponse answer =
      SendToAFullDisk(coordinator, odd, Traced(odd, of_odd, 'b'), kNoon + kSecond);

  EXPECT_TRUE(answer.drain());
  EXPECT_FALSE(first.Poll(kNoon + 2 * kSecond).drain());
}

// The odd one brings a finding with its trace, so that its messages cannot be stored.
TEST(CoordinatorTest, WhoSaysATraceAgainAndAgainHasOneVote) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/1);
  FakeWorker first(*coordinator, '1');
  FakeWorker odd(*coordinator, '2');
  FakeWorker third(*coordinator, '3');
  (void)third.Poll(kNoon);
  const v1::Lease of_odd = LeaseOfTheOddOne(first, odd, campaign);
  v1::SyncRequest request = Traced(odd, of_odd, 'b');
  *request.add_findings() = FoundMessage(campaign, 1);

  (void)SendToAFullDisk(coordinator, odd, request, kNoon + kSecond, /*times=*/1);

  EXPECT_FALSE(first.Poll(kNoon + kSecond).drain());
}

TEST(CoordinatorTest, RunsAreCountedOnceHoweverOftenTheyCouldNotBeStored) {
  CoordinatorFixture coordinator;
  (void)coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  const v1::Lease lease = worker.Poll(kNoon).leases(0);

  (void)SendToAFullDisk(coordinator, worker, worker.Done(lease), kNoon);

  const Coordinator::Totals totals = coordinator->GetTotals();
  EXPECT_EQ(totals.run_count, lease.fuzz().run_count());
  EXPECT_EQ(totals.lease_outcomes.at("done"), 1u);
}

TEST(CoordinatorTest, AnEngineThatFailedOnceHasNotFailedAsOftenAsThatCouldNotBeStored) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  const v1::Lease lease = worker.Poll(kNoon).leases(0);
  v1::SyncRequest request = worker.Done(lease);
  request.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_ENGINE_FAILED);
  *request.add_findings() = FoundMessage(campaign, 1);

  (void)SendToAFullDisk(coordinator, worker, request, kNoon);

  EXPECT_EQ(Show(coordinator, campaign).scenarios(0).refused(), "");
}

// A receipt for it would promise features that no disk has.
TEST(CoordinatorTest, AnInputWhoseScheduleIsHeldWithOtherFeaturesIsNotSaidToBeKnown) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  const auto verdict = [&](const std::vector<std::uint32_t>& features, char trace) {
    v1::Input input = InputMessage(campaign, "T0@1>C1", features);
    input.set_trace_hash(std::string(32, trace));
    v1::SyncRequest request = worker.Next();
    *request.add_inputs() = input;
    return worker.Send(request, kNoon).settled(0).verdict();
  };

  EXPECT_EQ(verdict({1, 2}, 'a'), v1::Settled::VERDICT_ACCEPTED);
  EXPECT_EQ(verdict({1, 2}, 'a'), v1::Settled::VERDICT_KNOWN);
  EXPECT_EQ(verdict({1, 2}, 'b'), v1::Settled::VERDICT_KNOWN);
  EXPECT_EQ(verdict({1, 2, 3}, 'a'), v1::Settled::VERDICT_NOT_NEEDED);
}

TEST(CoordinatorTest, OfVeryManyInQuarantineTheOldestIsForgotten) {
  CoordinatorFixture coordinator;
  coordinator.Stop();
  {
    const auto store = Store::Open(coordinator.data(), OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok());
    StoreBatch batch;
    for (std::size_t i = 0; i < kQuarantinedCountMax; ++i) {
      WorkerRow row;
      row.set_quarantined("step 7");
      row.set_quarantined_us(static_cast<std::int64_t>((i + 100) % kQuarantinedCountMax + 1));
      batch.service.push_back({.key = absl::StrFormat("worker/%016x", i),
                               .value = row.SerializeAsString()});
    }
    ASSERT_TRUE((*store)->Commit(batch).ok());
  }
  coordinator.Start();
  const auto remembered = [&](const std::string& id) {
    return std::ranges::any_of(coordinator->DescribeState(), [&](const std::string& line) {
      return line.starts_with("worker " + id);
    });
  };
  const std::string oldest = absl::StrFormat("%016x", kQuarantinedCountMax - 100);
  ASSERT_TRUE(remembered(oldest));
  const std::string campaign = coordinator.Create(/*run_count=*/1);
  FakeWorker first(*coordinator, '1');
  FakeWorker odd(*coordinator, '2');
  const v1::Lease of_odd = LeaseOfTheOddOne(first, odd, campaign);

  EXPECT_TRUE(Trace(odd, of_odd, 'b').drain());

  EXPECT_TRUE(remembered(odd.id()));
  EXPECT_FALSE(remembered(oldest));
  EXPECT_TRUE(remembered(absl::StrFormat("%016x", kQuarantinedCountMax - 99)));
}

TEST(CoordinatorTest, OfThreeTheMajorityIsBelievedThoughTheOddOneWasFirst) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/1);
  FakeWorker odd(*coordinator, '1');
  FakeWorker second(*coordinator, '2');
  FakeWorker third(*coordinator, '3');
  (void)SendInput(odd, campaign, 'b');
  (void)third.Poll(kNoon);

  const v1::Lease of_second = TraceLease(SendInput(second, campaign, 'a'));
  const v1::Lease of_odd = TraceLease(odd.Poll(kNoon + kSecond));
  (void)Trace(second, of_second, 'a');
  EXPECT_FALSE(Trace(odd, of_odd, 'b').drain());
  (void)Trace(third, TraceLease(third.Poll(kNoon + kSecond)), 'a');

  EXPECT_TRUE(odd.Poll(kNoon + 2 * kSecond).drain());
  EXPECT_FALSE(second.Poll(kNoon + 2 * kSecond).drain());
}

TEST(CoordinatorTest, TracesOfTwoModelsMayDiffer) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/1);
  FakeWorker first(*coordinator, '1');
  FakeWorker newer(*coordinator, '2', /*job_count=*/1, "m2");
  (void)SendInput(first, campaign, 'a');

  const v1::SyncResponse answer = SendInput(newer, campaign, 'b');

  EXPECT_EQ(Wanted(answer, v1::Lease::kReplay), nullptr);
  EXPECT_EQ(Wanted(first.Poll(kNoon + kSecond), v1::Lease::kReplay), nullptr);
}

TEST(CoordinatorTest, OnlyWhenNobodyElseIsThereTheFinderConfirms) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(1'000'000'000);
  FakeWorker finder(*coordinator, '1');
  (void)Report(finder, campaign, 1, kNoon);

  v1::SyncResponse answer = finder.Poll(kNoon + kSecond);
  const v1::Lease fuzz = answer.leases(0);
  EXPECT_EQ(Wanted(answer, v1::Lease::kReplay), nullptr);
  coordinator->Tick(kNoon + absl::Seconds(40));  // its leases run out
  answer = finder.Poll(kNoon + absl::Seconds(41));

  EXPECT_NE(Wanted(answer, v1::Lease::kReplay), nullptr);
}

TEST(CoordinatorTest, TheBudgetIsLeasedOnceAndThenTheCampaignIsDone) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(50'000);
  FakeWorker worker(*coordinator, '1');
  absl::Time now = kNoon;
  v1::SyncResponse answer = worker.Poll(now);
  while (answer.leases_size() > 0) {
    now += kSecond;
    v1::Lease lease = answer.leases(0);
    lease.set_campaign_id(campaign);
    if (!lease.has_fuzz()) break;
    answer = worker.Send(worker.Done(lease), now);
    answer.mutable_leases()->DeleteSubrange(0, answer.leases_size());
    // What it holds by id alone is asked for in full again by one that has lost its memory.
    v1::SyncRequest again = worker.Next();
    again.clear_held();
    answer = worker.Send(again, now);
  }
  coordinator->Tick(now);

  const auto shown = coordinator->GetCampaign(campaign, Coordinator::Tasks::kYes, now);
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(shown->scenarios(0).run_count(), 50'000u);
  EXPECT_EQ(shown->state(), v1::CAMPAIGN_STATE_DONE);
}

TEST(CoordinatorTest, AResultCountsOnceHoweverOftenItComes) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  const v1::Lease lease = worker.Poll(kNoon).leases(0);

  v1::SyncRequest done = worker.Done(lease);
  EXPECT_EQ(worker.Send(done, kNoon).settled(0).verdict(), v1::Settled::VERDICT_ACCEPTED);
  EXPECT_EQ(worker.Send(done, kNoon).settled_size(), 0);  // an older message
  done.set_sequence(1'000'000);
  EXPECT_EQ(worker.Send(done, kNoon).settled(0).verdict(), v1::Settled::VERDICT_KNOWN);

  EXPECT_EQ(Show(coordinator, campaign).scenarios(0).run_count(), lease.fuzz().run_count());
}

TEST(CoordinatorTest, ACampaignThatStopsAtTheFirstFindingTakesOneOfAScenario) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(100'000, "r", /*stop_at_first=*/true);
  FakeWorker worker(*coordinator, '1');
  v1::SyncRequest request = worker.Next();
  *request.add_findings() = FoundMessage(campaign, 1);
  *request.add_findings() = FoundMessage(campaign, 2);

  const v1::SyncResponse answer = worker.Send(request, kNoon);

  EXPECT_EQ(answer.settled(0).verdict(), v1::Settled::VERDICT_ACCEPTED);
  EXPECT_EQ(answer.settled(1).verdict(), v1::Settled::VERDICT_NOT_NEEDED);
}

TEST(CoordinatorTest, WorkersThatSubmitAtOnceTogetherKeepToTheLimitOfAKind) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker first(*coordinator, '1');
  FakeWorker second(*coordinator, '2');
  (void)first.Poll(kNoon);
  const v1::SyncResponse leased = second.Poll(kNoon);
  v1::SyncRequest of_first = first.Next();
  for (int n = 0; n < 12; ++n) *of_first.add_findings() = FoundMessage(campaign, n);
  v1::SyncRequest of_second = second.Done(leased.leases(0));
  of_second.mutable_results(0)->set_outcome(v1::LeaseResult::OUTCOME_RETURNED);
  for (int n = 12; n < 24; ++n) *of_second.add_findings() = FoundMessage(campaign, n);

  const v1::SyncResponse answer = SendAtOnce(coordinator, first, of_first, second, of_second);

  const auto accepted = [](const v1::SyncResponse& response) {
    return std::ranges::count_if(response.settled(), [](const v1::Settled& s) {
      return !s.finding_id().empty() && s.verdict() == v1::Settled::VERDICT_ACCEPTED;
    });
  };
  EXPECT_EQ(accepted(answer), 4);
  EXPECT_EQ(coordinator->GetStats(kNoon).finding_count(), 16u);
  // What was left open is settled when it is offered again.
  coordinator.BeforeWrite(nullptr);
  v1::SyncRequest again = second.Next();
  *again.add_findings() = FoundMessage(campaign, 23);
  EXPECT_EQ(second.Send(again, kNoon).settled(0).verdict(), v1::Settled::VERDICT_NOT_NEEDED);
  // And so it is after a restart: the count is made of rows.
  const std::vector<std::string> before = coordinator->DescribeState();
  coordinator.Start();
  std::vector<std::string> after = coordinator->DescribeState();
  after.front() = before.front();  // the epoch
  EXPECT_EQ(after, before);
}

TEST(CoordinatorTest, AFullDiskAcknowledgesNothingAndIsSeen) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  v1::SyncRequest request = worker.Next();
  *request.add_findings() = FoundMessage(campaign, 1);
  const std::vector<std::string> before = coordinator->DescribeState();

  coordinator.FillDisk(absl::ResourceExhaustedError("the disk is full"));
  EXPECT_EQ(coordinator->Sync(request, "", kNoon).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(coordinator->Readiness().ok());
  EXPECT_EQ(coordinator->DescribeState(), before);
  coordinator.FillDisk(absl::OkStatus());
  request.set_sequence(request.sequence() + 1);

  const v1::SyncResponse answer = worker.Send(request, kNoon);
  EXPECT_EQ(answer.settled(0).verdict(), v1::Settled::VERDICT_ACCEPTED);
  EXPECT_TRUE(coordinator->Readiness().ok());
}

TEST(CoordinatorTest, AnyOrderAndRepetitionOfTheSameContentsEndsInTheSameState) {
  std::vector<std::string> first;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    CoordinatorFixture coordinator;
    const std::string campaign = coordinator.Create();
    Prng prng(seed);
    std::vector<int> order;
    for (int n = 0; n < 40; ++n) order.insert(order.end(), 1 + prng.Below(3), n);
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[prng.Below(static_cast<std::uint32_t>(i))]);
    }
    FakeWorker worker(*coordinator, '1', /*job_count=*/0);
    for (const int n : order) {
      v1::SyncRequest request = worker.Next();
      const auto feature = static_cast<std::uint32_t>(n % 13);
      *request.add_inputs() =
          InputMessage(campaign, "T0@" + std::to_string(n + 1) + ">C1", {feature, feature + 20});
      if (n % 5 == 0) *request.add_findings() = FoundMessage(campaign, n);
      (void)worker.Send(request, kNoon + absl::Seconds(n));
    }
    coordinator.Start();  // what is on disk, not what is in memory
    std::vector<std::string> state = coordinator->DescribeState();
    if (seed == 0) first = state;
    EXPECT_EQ(state, first);
  }
}

}  // namespace
}  // namespace shootdown::server
