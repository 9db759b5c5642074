// How far campaigns have come: what many workers hand in adds up, whoever they are.
#include "server/progress.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <thread>

#include "absl/strings/str_format.h"
#include "fuzz/corpus/behaviour_sample.h"
#include "server/keys.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

// In a sample: a behaviour, and how often it came up.
constexpr std::uint64_t kOnce = 1;
constexpr std::uint64_t kTwice = 2;
std::uint64_t Behaviour(std::uint64_t hash, std::uint64_t times) { return hash << 2 | times; }

v1::SyncRequest DoneWith(FakeWorker& worker, const v1::Lease& lease,
                         std::initializer_list<std::uint64_t> behaviours) {
  v1::SyncRequest request = worker.Done(lease);
  for (const std::uint64_t entry : behaviours) request.mutable_results(0)->add_behaviours(entry);
  return request;
}

// Numbers as LeaseResult.reached has them.
v1::SyncRequest DoneReaching(FakeWorker& worker, const v1::Lease& lease,
                             std::initializer_list<std::uint32_t> reached) {
  v1::SyncRequest request = worker.Done(lease);
  for (const std::uint32_t number : reached) request.mutable_results(0)->add_reached(number);
  return request;
}

TEST(ProgressTest, HowFarRunsCameIsTheFarthestOfAllWorkersAndSurvivesARestart) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker first(*coordinator, '1');
  FakeWorker second(*coordinator, '2');
  FakeWorker older(*coordinator, '3');
  const v1::Lease lease = first.Poll(kNoon).leases(0);
  const v1::Lease other = second.Poll(kNoon).leases(0);
  const v1::Lease of_older = older.Poll(kNoon).leases(0);

  (void)first.Send(DoneReaching(first, lease, {3, 2, 1}), kNoon);
  (void)second.Send(DoneReaching(second, other, {2, 2, 0, 0, 4}), kNoon);
  (void)older.Send(DoneReaching(older, of_older, {}), kNoon);

  for (const char* when : {"live", "started again"}) {
    SCOPED_TRACE(when);
    const v1::ScenarioProgress shown = Show(coordinator, campaign).scenarios(0);
    EXPECT_EQ(std::vector<std::uint32_t>(shown.reached().begin(), shown.reached().end()),
              (std::vector<std::uint32_t>{3, 2, 1, 0, 4}));
    EXPECT_EQ(shown.reached_run_count(), lease.fuzz().run_count() + other.fuzz().run_count());
    coordinator.Start();
  }
}

TEST(ProgressTest, MoreNumbersThanThereMayBeAreRefused) {
  CoordinatorFixture coordinator;
  (void)coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  v1::SyncRequest many = worker.Done(worker.Poll(kNoon).leases(0));
  for (int i = 0; i < 129; ++i) many.mutable_results(0)->add_reached(1);

  const absl::Status status = coordinator->Sync(many, "", kNoon).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("results.reached"), std::string::npos) << status;
}

TEST(ProgressTest, WhatWorkersSawIsJoinedAndSurvivesARestart) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker first(*coordinator, '1');
  FakeWorker second(*coordinator, '2');
  const v1::Lease lease = first.Poll(kNoon).leases(0);
  const v1::Lease other = second.Poll(kNoon).leases(0);

  const v1::SyncRequest done =
      DoneWith(first, lease, {Behaviour(1, kOnce), Behaviour(2, kTwice), Behaviour(3, kOnce)});
  (void)first.Send(done, kNoon);
  v1::SyncRequest again = done;
  again.set_sequence(1'000'000);
  (void)first.Send(again, kNoon);
  (void)second.Send(DoneWith(second, other, {Behaviour(3, kOnce), Behaviour(4, kOnce)}), kNoon);

  for (const char* when : {"live", "started again"}) {
    SCOPED_TRACE(when);
    const v1::Campaign shown = Show(coordinator, campaign);
    const auto runs = static_cast<double>(lease.fuzz().run_count() + other.fuzz().run_count());
    for (const v1::BehaviourEstimate& estimate :
         {shown.scenarios(0).behaviours(), shown.behaviours()}) {
      EXPECT_EQ(static_cast<double>(estimate.run_count()), runs);
      EXPECT_EQ(estimate.behaviour_count(), 4u);
      EXPECT_EQ(estimate.new_per_run(), 2 / runs) << "1 and 4 came up once";
      EXPECT_LT(estimate.new_per_run_low(), estimate.new_per_run());
      EXPECT_GT(estimate.new_per_run_high(), estimate.new_per_run());
    }
    coordinator.Start();
  }
}

// 511 hashes below the last one, of about 1000.4 in all: a sample that is full.
void FillSample(v1::LeaseResult& result) {
  const auto step = static_cast<std::uint64_t>(std::ldexp(1, 62) / 1000.4);
  for (std::uint64_t i = 1; i <= BehaviourSample::kSizeMax; ++i) {
    result.add_behaviours(
        Behaviour(i == BehaviourSample::kSizeMax ? 511 * step : i * (step - 1'000'000), kTwice));
  }
}

TEST(ProgressTest, TheBehavioursOfACampaignAreThoseOfItsScenariosAsTheyAreShown) {
  CoordinatorFixture coordinator;
  v1::CreateCampaignRequest create;
  create.set_request_id("r");
  create.mutable_spec()->set_name("test");
  for (const char* name : {"one", "two"}) {
    create.mutable_spec()->add_scenarios()->set_text(ScenarioText(name));
  }
  create.mutable_spec()->mutable_budget()->set_run_count(100'000);
  const auto campaign = coordinator->CreateCampaign(create, kNoon);
  ASSERT_TRUE(campaign.ok()) << campaign.status();
  FakeWorker worker(*coordinator, '1');
  const v1::SyncResponse leased = worker.Poll(kNoon);
  for (const v1::Lease& lease : leased.leases()) {
    v1::SyncRequest done = worker.Done(lease);
    FillSample(*done.mutable_results(0));
    (void)worker.Send(done, kNoon);
  }

  const v1::Campaign shown = Show(coordinator, campaign->id());

  ASSERT_EQ(shown.scenarios_size(), 2);
  EXPECT_EQ(shown.scenarios(0).behaviours().behaviour_count(), 1000u);
  EXPECT_EQ(shown.scenarios(1).behaviours().behaviour_count(), 1000u);
  EXPECT_EQ(shown.behaviours().behaviour_count(), 2000u) << "the estimates add up to 2000.8";
}

TEST(ProgressTest, ALeaseWithoutASampleCountsRunsAndSaysNothingOfBehaviours) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  const v1::SyncResponse leased = worker.Poll(kNoon);
  EXPECT_EQ(Show(coordinator, campaign).behaviours().new_per_run(), 1);

  (void)worker.Send(worker.Done(leased.leases(0)), kNoon);
  (void)worker.Send(DoneWith(worker, leased.leases(1), {Behaviour(1, kOnce)}), kNoon);

  const v1::ScenarioProgress shown = Show(coordinator, campaign).scenarios(0);
  EXPECT_EQ(shown.behaviours().run_count(), leased.leases(1).fuzz().run_count());
  EXPECT_EQ(shown.run_count(),
            leased.leases(0).fuzz().run_count() + leased.leases(1).fuzz().run_count());
}

TEST(ProgressTest, ASampleThatNoSearchMakesIsRefused) {
  CoordinatorFixture coordinator;
  (void)coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  const v1::Lease lease = worker.Poll(kNoon).leases(0);
  const auto refused = [&](const v1::SyncRequest& request) {
    return coordinator->Sync(request, "", kNoon).status();
  };
  v1::SyncRequest many = DoneWith(worker, lease, {});
  for (std::uint64_t hash = 1; hash <= BehaviourSample::kSizeMax + 1; ++hash) {
    many.mutable_results(0)->add_behaviours(Behaviour(hash, kOnce));
  }
  v1::SyncRequest few_runs = DoneWith(worker, lease, {Behaviour(1, kTwice), Behaviour(2, kTwice)});
  few_runs.mutable_results(0)->set_run_count(3);

  for (const v1::SyncRequest& request :
       {many, few_runs, DoneWith(worker, lease, {Behaviour(2, kOnce), Behaviour(1, kOnce)}),
        DoneWith(worker, lease, {Behaviour(1, kOnce), Behaviour(1, kTwice)}),
        DoneWith(worker, lease, {Behaviour(1, 0)})}) {
    const absl::Status status = refused(request);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("results.behaviours"), std::string::npos) << status;
  }
}

TEST(ProgressTest, AResultCountsNoMoreRunsThanItsLeaseHas) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker worker(*coordinator, '1');
  const v1::Lease lease = worker.Poll(kNoon).leases(0);
  v1::SyncRequest boasting = worker.Done(lease);
  boasting.mutable_results(0)->set_run_count(1'000'000'000);

  (void)worker.Send(boasting, kNoon);

  EXPECT_EQ(Show(coordinator, campaign).scenarios(0).run_count(), lease.fuzz().run_count());
}

// Each hands in the runs of its lease while the others' are on their way to the disk.
TEST(ProgressTest, ResultsThatComeAtOnceAllCount) {
  constexpr int kWorkerCount = 8;
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create(/*run_count=*/10'000'000);
  std::vector<FakeWorker> workers;
  std::vector<v1::SyncRequest> done;
  std::uint64_t run_count = 0;
  for (int i = 0; i < kWorkerCount; ++i) {
    workers.emplace_back(*coordinator, static_cast<char>('1' + i));
    const v1::Lease lease = workers.back().Poll(kNoon).leases(0);
    run_count += lease.fuzz().run_count();
    done.push_back(
        DoneWith(workers.back(), lease,
                 {Behaviour(1, kOnce), Behaviour(10 + static_cast<std::uint64_t>(i), kOnce)}));
  }
  std::vector<std::thread> late;
  std::atomic<bool> is_first = true;
  coordinator.BeforeWrite([&] {
    if (!is_first.exchange(false)) return;
    for (int i = 1; i < kWorkerCount; ++i) {
      const auto at = static_cast<std::size_t>(i);
      late.emplace_back([&, at] { (void)workers[at].Send(done[at], kNoon); });
    }
    while (coordinator->TakeCommitCounts().waiting_count < kWorkerCount - 1) {
      std::this_thread::yield();
    }
  });

  (void)workers[0].Send(done[0], kNoon);
  for (std::thread& thread : late) thread.join();

  const v1::ScenarioProgress shown = Show(coordinator, campaign).scenarios(0);
  EXPECT_EQ(shown.run_count(), run_count);
  EXPECT_EQ(shown.behaviours().run_count(), run_count);
  EXPECT_EQ(shown.behaviours().behaviour_count(), 1u + kWorkerCount);
}

TEST(ProgressTest, RowsOfWorkersAsOlderServersWroteThemAreAddedUpAtTheStart) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  coordinator.Stop();
  const auto prefix = keys::Key(keys::kProgress, campaign, ScenarioKey(ScenarioText()));
  {
    const auto store = Store::Open(coordinator.data(), OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok());
    StoreBatch batch;
    for (int i = 0; i < 20; ++i) {
      ProgressRow row;
      row.set_run_count(5);
      row.set_findings_dropped(1);
      batch.service.push_back(
          {.key = prefix + absl::StrFormat("/%016x", i), .value = row.SerializeAsString()});
    }
    ASSERT_TRUE((*store)->Commit(batch).ok());
  }

  coordinator.Start();

  EXPECT_EQ(Show(coordinator, campaign).scenarios(0).run_count(), 100u);
  EXPECT_EQ(Show(coordinator, campaign).scenarios(0).findings_dropped(), 20u);
  coordinator.Stop();
  const auto store = Store::Open(coordinator.data(), OpenMode::kReadOnly);
  ASSERT_TRUE(store.ok());
  std::vector<std::string> keys;
  const auto damaged = (*store)->VisitService(
      prefix, [&](std::string_view key, std::string_view /*value*/) { keys.emplace_back(key); });
  ASSERT_TRUE(damaged.ok());
  EXPECT_EQ(keys, std::vector<std::string>{prefix + "/00"});
}

// A worker that loses its state folder comes as another one each time.
TEST(ProgressTest, TenThousandWorkersThatComeAndGoLeaveNothingBehind) {
  const ScratchFolder folder;
  auto store = Store::Open(folder / "data", OpenMode::kReadWrite);
  ASSERT_TRUE(store.ok());
  std::map<std::string, std::size_t> disk;  // what would be on it, and its bytes
  const auto opened = Coordinator::Open(
      *std::move(store),
      [&](const StoreBatch& batch) {
        for (const ServiceChange& change : batch.service) {
          disk.erase(change.key);
          if (change.value.has_value()) disk.emplace(change.key, change.value->size());
        }
        return absl::OkStatus();
      },
      kNoon);
  ASSERT_TRUE(opened.ok());
  Coordinator& coordinator = **opened;
  v1::CreateCampaignRequest create;
  create.set_request_id("r");
  create.mutable_spec()->set_name("test");
  create.mutable_spec()->add_scenarios()->set_text(ScenarioText());
  create.mutable_spec()->mutable_budget()->set_run_count(std::uint64_t{1} << 40);
  ASSERT_TRUE(coordinator.CreateCampaign(create, kNoon).ok());

  absl::Time now = kNoon;
  std::size_t rows = 0;
  std::size_t lines = 0;
  for (int i = 0; i < 10'000; ++i) {
    v1::SyncRequest request;
    request.set_worker_key(absl::StrFormat("%032x", i));
    request.set_worker_name("w");
    request.set_model_version("m1");
    request.set_job_count(1);
    request.set_sequence(1);
    const auto leased = coordinator.Sync(request, "", now);
    ASSERT_TRUE(leased.ok()) << leased.status();
    const v1::Lease& lease = leased->leases(0);
    v1::LeaseResult& result = *request.add_results();
    result.set_lease_id(lease.id());
    result.set_epoch(lease.epoch());
    result.set_campaign_id(lease.campaign_id());
    result.set_outcome(v1::LeaseResult::OUTCOME_DONE);
    result.set_run_count(lease.fuzz().run_count());
    result.add_behaviours(Behaviour(static_cast<std::uint64_t>(i % 100 + 1), kOnce));
    request.set_sequence(2);
    ASSERT_TRUE(coordinator.Sync(request, "", now).ok());
    now += absl::Seconds(10);
    coordinator.Tick(now);
    if (i == 1'000) {
      rows = disk.size();
      lines = coordinator.DescribeState().size();
    }
  }

  EXPECT_EQ(disk.size(), rows);
  EXPECT_EQ(coordinator.DescribeState().size(), lines);
  EXPECT_LT(coordinator.GetTotals().worker_count, 500u);
  // All that is not audited: those leases run what was run before.
  const v1::ScenarioProgress shown = coordinator.ListCampaigns({}, now)->campaigns(0).scenarios(0);
  EXPECT_GT(shown.run_count(), 9'500 * Policy::kFirstRunCount);
  EXPECT_EQ(shown.behaviours().run_count(), shown.run_count());
  EXPECT_EQ(shown.behaviours().behaviour_count(), 100u);
}

}  // namespace
}  // namespace shootdown::server
