#include "worker/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/base/prng.h"
#include "tests/worker/worker_fixture.h"

namespace shootdown::testing {
namespace {

using ::testing::IsEmpty;

TEST_F(WorkerTest, EveryEngineGetsALeaseAndOneWaits) {
  SyncIfDue();

  EXPECT_TRUE(engines_[0].lease().has_value());
  EXPECT_TRUE(engines_[1].lease().has_value());
  EXPECT_EQ(coordinator_.outstanding_count(), 3u);
}

TEST_F(WorkerTest, AnEngineGoesOnWithTheNextLeaseBeforeAnybodyIsAsked) {
  SyncIfDue();
  const std::string first = engines_[0].lease()->id();

  engines_[0].End();
  worker_->Step(now_);

  ASSERT_TRUE(engines_[0].lease().has_value());
  EXPECT_NE(engines_[0].lease()->id(), first);
}

TEST_F(WorkerTest, AResultIsToldSoonButNotAtOnce) {
  SyncIfDue();
  engines_[0].End();
  worker_->Step(now_);

  EXPECT_GT(worker_->NextSync(), now_);
  EXPECT_LE(worker_->NextSync(), now_ + absl::Milliseconds(100));
  Pass(absl::Seconds(1));
  EXPECT_EQ(coordinator_.run_count(), 100u);
  EXPECT_THAT(journal_->results(), IsEmpty());
}

TEST_F(WorkerTest, WhatWasFoundIsOfferedSentSettledAndForgotten) {
  SyncIfDue();
  engines_[0].Find("a");
  engines_[0].Learn(7);
  Pass(absl::Seconds(2));

  EXPECT_EQ(coordinator_.findings().size(), 1u);
  EXPECT_EQ(coordinator_.inputs().size(), 1u);
  EXPECT_THAT(journal_->findings(), IsEmpty());
  EXPECT_THAT(journal_->inputs(), IsEmpty());
  EXPECT_EQ(last_request_.offers_size(), 0);
}

TEST_F(WorkerTest, FeaturesArriveBeforeTheLeaseThatNeedsThem) {
  SyncIfDue();
  engines_[0].Learn(7);
  engines_[0].Learn(9);
  Pass(absl::Seconds(1));
  engines_[0].End();
  Pass(absl::Seconds(1));
  engines_[0].End();
  Pass(absl::Seconds(1));

  ASSERT_TRUE(engines_[0].lease().has_value());
  EXPECT_EQ(engines_[0].lease()->fuzz().known_feature_count(), 2u);
  EXPECT_THAT(engines_[0].known(), ::testing::UnorderedElementsAre(7, 9));
}

TEST_F(WorkerTest, ALeaseThatIsTakenBackIsDroppedAndItsFindingsAreKept) {
  SyncIfDue();
  engines_[0].Find("a");
  coordinator_.CancelLeases();
  coordinator_.StopLeasing();
  Pass(absl::Seconds(3));

  EXPECT_FALSE(engines_[0].lease().has_value());
  EXPECT_FALSE(engines_[1].lease().has_value());
  EXPECT_EQ(coordinator_.run_count(), 0u);
  EXPECT_EQ(coordinator_.findings().size(), 1u);
}

TEST_F(WorkerTest, ACoordinatorThatStartsAnewGetsWhatTheOldOneDidNotSettle) {
  SyncIfDue();
  const std::string first = engines_[0].lease()->id();
  engines_[1].Find("a");
  engines_[1].End();
  coordinator_.Restart();
  Pass(absl::Seconds(3));

  ASSERT_TRUE(engines_[0].lease().has_value());
  EXPECT_NE(engines_[0].lease()->id(), first);
  EXPECT_EQ(engines_[0].lease()->epoch(), 2u);
  EXPECT_EQ(coordinator_.findings().size(), 1u);
  EXPECT_THAT(journal_->results(), IsEmpty());
}

TEST_F(WorkerTest, WithoutACoordinatorHeldLeasesAreFinishedAndThenTheSearchGoesOn) {
  SyncIfDue();
  FailSync();
  now_ += absl::Seconds(6);
  FailSync();
  engines_[0].End();
  worker_->Step(now_);
  const std::string held = engines_[0].lease()->id();
  engines_[0].End();
  worker_->Step(now_);

  EXPECT_NE(held, "");
  ASSERT_TRUE(engines_[0].lease().has_value());
  EXPECT_EQ(engines_[0].lease()->id(), "");
  EXPECT_EQ(engines_[0].lease()->scenario_key(), kScenario);
  const std::uint64_t seed = engines_[0].lease()->fuzz().random_seed();
  engines_[0].Find("found while away");
  engines_[0].End();
  worker_->Step(now_);
  EXPECT_NE(engines_[0].lease()->fuzz().random_seed(), seed);

  now_ += absl::Seconds(20);
  Pass(absl::Seconds(3));
  EXPECT_EQ(coordinator_.findings().size(), 1u);
  EXPECT_NE(engines_[0].lease()->id(), "") << "real work comes first";
  EXPECT_EQ(coordinator_.run_count(), 200u) << "runs under no lease are not counted";
}

TEST_F(WorkerTest, WithoutACoordinatorAKindOfFindingIsKeptSixteenTimes) {
  SyncIfDue();
  FailSync();
  now_ += absl::Seconds(6);
  for (int i = 0; i < 50; ++i) {
    engines_[0].End();
    worker_->Step(now_);
  }
  for (int i = 0; i < 50; ++i) engines_[0].Find(std::to_string(i));
  worker_->Step(now_);

  EXPECT_EQ(journal_->findings().size(), 16u);
}

// It remembers 64 of them; a search for the first still runs when the 65th takes its place.
TEST_F(WorkerTest, WhileAwayNothingIsSearchedForACampaignThatIsForgotten) {
  const auto take_leases = [this](int first, int end) {
    v1::SyncResponse response;
    for (int i = first; i < end; ++i) {
      v1::Lease& lease = *response.add_leases();
      lease = Pattern();
      lease.set_id(absl::StrFormat("%016x", i));
      lease.set_campaign_id(absl::StrFormat("%016x", i));
    }
    (void)worker_->MakeRequest(now_);
    worker_->TakeOutcome({.response = response}, now_);
  };
  const auto go_away = [this] {
    FailSync();
    now_ += absl::Seconds(6);
    FailSync();
  };
  take_leases(0, 64);
  for (int i = 0; i < 32; ++i) {
    for (FakeEngine& engine : engines_) engine.End();
    worker_->Step(now_);
  }
  go_away();
  take_leases(0, 0);
  engines_[1].End();
  worker_->Step(now_);
  take_leases(64, 65);
  engines_[0].End();
  worker_->Step(now_);
  go_away();
  for (int i = 0; i < 70; ++i) {
    engines_[0].End();
    worker_->Step(now_);
  }

  EXPECT_EQ(engines_[0].started().size(), 32u + 1 + 1 + 70);
  for (const v1::Lease& lease : engines_[0].started()) EXPECT_EQ(lease.scenario_key(), kScenario);
}

TEST_F(WorkerTest, AServerThatSaysWhenIsNotAskedBefore) {
  worker_->Step(now_);
  (void)worker_->MakeRequest(now_);
  worker_->TakeOutcome({.response = absl::ResourceExhaustedError("too often"),
                        .retry_after = absl::Seconds(30)},
                       now_);

  EXPECT_GE(worker_->NextSync(), now_ + absl::Seconds(30));
}

TEST_F(WorkerTest, ADrainHandsInWhatItHasAndGivesLeasesBack) {
  SyncIfDue();
  engines_[0].Find("a");
  worker_->Drain(now_);
  EXPECT_FALSE(worker_->done(now_));
  Pass(absl::Seconds(3));

  EXPECT_TRUE(worker_->done(now_));
  EXPECT_EQ(last_request_.job_count(), 0u);
  EXPECT_EQ(coordinator_.outstanding_count(), 0u);
  EXPECT_EQ(coordinator_.findings().size(), 1u);
  EXPECT_EQ(coordinator_.results().size(), 3u);
}

TEST_F(WorkerTest, ADrainWaitsForConfirmingAndMinimizing) {
  v1::Lease replay = Pattern();
  replay.mutable_replay()->set_schedule_text("");
  replay.set_id("r1");
  v1::SyncResponse response;
  response.set_epoch(1);
  *response.add_leases() = replay;
  (void)worker_->MakeRequest(now_);
  worker_->TakeOutcome({.response = response}, now_);

  worker_->Drain(now_);
  worker_->Step(now_);

  EXPECT_TRUE(engines_[0].lease().has_value());
  EXPECT_FALSE(worker_->done(now_));
}

TEST_F(WorkerTest, ADrainWithoutACoordinatorLeavesTheRestInTheJournal) {
  SyncIfDue();
  engines_[0].Find("a");
  FailSync();
  worker_->Drain(now_);
  now_ += absl::Seconds(10);
  worker_->Step(now_);

  EXPECT_TRUE(worker_->done(now_));
  Begin();
  EXPECT_EQ(journal_->findings().size(), 1u);
  Pass(absl::Seconds(2));
  EXPECT_EQ(coordinator_.findings().size(), 1u);
}

TEST_F(WorkerTest, AnOperatorDrainsAWorker) {
  SyncIfDue();
  coordinator_.DrainWorkers();
  Pass(absl::Seconds(4));

  EXPECT_TRUE(worker_->done(now_));
}

TEST_F(WorkerTest, MessagesStayBelowTheirLimits) {
  SyncIfDue();
  for (int i = 0; i < 3000; ++i) engines_[0].Find(std::to_string(i) + std::string(4000, 'x'));
  std::size_t exchanges = 0;
  for (worker_->Step(now_); coordinator_.findings().size() < 3000 && exchanges < 1000; ++exchanges) {
    now_ = std::max(now_, worker_->NextSync());
    last_request_ = worker_->MakeRequest(now_);
    EXPECT_LT(last_request_.ByteSizeLong(), std::size_t{4} << 20);
    EXPECT_LE(last_request_.offers_size(), 1024);
    worker_->TakeOutcome({.response = coordinator_.Sync(last_request_)}, now_);
  }

  EXPECT_EQ(coordinator_.findings().size(), 3000u);
  EXPECT_LT(exchanges, 20u);
}

TEST_F(WorkerTest, HowALeaseEndedIsToldNoEarlierThanAllThatItFound) {
  SyncIfDue();
  const std::string lease = engines_[0].lease()->id();
  std::vector<std::string> hashes;
  for (int i = 0; i < 1500; ++i) {
    hashes.push_back(engines_[0].Find(std::to_string(i)));
  }
  engines_[0].End();
  engines_[0].NameContents(hashes);
  worker_->Step(now_);
  std::set<std::string> told;
  while (!coordinator_.results().contains(lease)) {
    now_ = std::max(now_, worker_->NextSync());
    const v1::SyncRequest request = worker_->MakeRequest(now_);
    for (const v1::Offer& offer : request.offers()) told.insert(offer.hash());
    if (request.results_size() != 0) {
      EXPECT_EQ(told.size(), hashes.size());
    } else {
      EXPECT_TRUE(std::ranges::any_of(
          request.held(), [&](const v1::LeaseHeld& held) { return held.lease_id() == lease; }));
    }
    worker_->TakeOutcome({.response = coordinator_.Sync(request)}, now_);
  }
}

// Whatever the network does, and whenever worker or coordinator die: in the end the coordinator has all
// that was found, each run counts at most once, and what was settled is not offered again.
TEST_F(WorkerTest, NothingIsLostWhateverTheNetworkDoes) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    coordinator_ = FakeCoordinator(Pattern());
    Begin();
    Prng prng(seed);
    std::set<std::string> found;
    std::set<std::string> settled;
    std::deque<v1::SyncRequest> late;
    std::uint64_t runs_made = 0;
    const auto answer = [this](const v1::SyncRequest& request) { return coordinator_.Sync(request); };
    for (int move = 0; move < 600; ++move) {
      now_ += absl::Milliseconds(prng.Below(300));
      FakeEngine& engine = engines_[prng.Below(2)];
      const std::uint32_t what = prng.Below(100);
      if (what < 15 && engine.lease().has_value()) {
        const std::string name = std::to_string(seed) + " " + std::to_string(move);
        engine.Find(name);
        worker_->Step(now_);  // in the journal: from here on it must not be lost
        if (journal_->findings().size() != 0) found.insert(name);
      } else if (what < 35 && engine.lease().has_value()) {
        engine.Learn(static_cast<std::uint32_t>(seed * 1000) + static_cast<std::uint32_t>(move));
        if (!engine.lease()->id().empty()) runs_made += 100;
        engine.End();
      } else if (what < 37) {
        coordinator_.Restart();
      } else if (what < 39) {
        Begin();
      }
      worker_->Step(now_);
      if (worker_->NextSync() > now_) continue;
      v1::SyncRequest request = worker_->MakeRequest(now_);
      for (const v1::Offer& offer : request.offers()) EXPECT_FALSE(settled.contains(offer.hash()));
      const std::uint32_t fate = prng.Below(10);
      if (fate < 2) {  // the request is lost
        worker_->TakeOutcome({.response = absl::UnavailableError("lost")}, now_);
      } else if (fate < 4) {  // the answer is lost, or the request comes late
        late.push_back(request);
        if (fate == 3) (void)answer(request);
        worker_->TakeOutcome({.response = absl::DeadlineExceededError("lost")}, now_);
      } else {
        if (fate == 4) (void)answer(request);  // it comes twice
        if (!late.empty() && fate == 5) {
          (void)answer(late.front());
          late.pop_front();
        }
        const v1::SyncResponse response = answer(request);
        worker_->TakeOutcome({.response = response}, now_);
        for (const v1::Settled& s : response.settled()) settled.insert(s.what());
      }
    }
    Pass(absl::Seconds(20));

    std::set<std::string> have;
    for (const auto& [hash, finding] : coordinator_.findings()) {
      have.insert(finding.failure().found_schedule_text());
    }
    for (const std::string& name : found) EXPECT_TRUE(have.contains(name)) << name;
    EXPECT_LE(coordinator_.run_count(), runs_made);
    EXPECT_THAT(journal_->findings(), IsEmpty());
    EXPECT_THAT(journal_->results(), IsEmpty());
  }
}

}  // namespace
}  // namespace shootdown::testing
