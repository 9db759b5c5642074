// A worker whose disk is full, that is told to end while something hangs, that comes back.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rpc/log.h"
#include "tests/worker/worker_fixture.h"

namespace shootdown::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WorkerFaultsTest : public WorkerTest {
 protected:
  // An answer of leases that the test made up.
  void Answer(const std::vector<v1::Lease>& leases) {
    v1::SyncResponse response;
    response.set_epoch(1);
    response.set_next_sync_ms(1000);
    for (const v1::Lease& lease : leases) *response.add_leases() = lease;
    (void)worker_->MakeRequest(now_);
    worker_->TakeOutcome({.response = response}, now_);
  }
  // The leases that its next message names.
  std::set<std::string> Held() {
    const v1::SyncRequest request = worker_->MakeRequest(now_);
    std::set<std::string> held;
    for (const v1::LeaseHeld& lease : request.held()) held.insert(lease.lease_id());
    return held;
  }
  static v1::Lease Replay(const std::string& id) {
    v1::Lease lease = Pattern();
    lease.mutable_replay()->set_schedule_text("");
    lease.set_id(id);
    return lease;
  }
};

// A limit on the size of files is a full disk that a test can make.
class FullDisk {
 public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small = {.rlim_cur = 0, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_ = {};
};

TEST_F(WorkerFaultsTest, WithAFullDiskNoLeaseIsBegunAndWithRoomAllIsHandedIn) {
  SyncIfDue();
  const std::string other = engines_[1].lease()->id();
  {
    const FullDisk full;
    engines_[0].Find("a");
    engines_[0].End();
    worker_->Step(now_);  // the next lease is at hand, and begun before the disk is asked
    engines_[0].End();
    worker_->Step(now_);
    engines_[1].End();
    worker_->Step(now_);
    EXPECT_FALSE(engines_[0].lease().has_value());
    EXPECT_FALSE(engines_[1].lease().has_value());
    EXPECT_THAT(journal_->results(), IsEmpty());
    EXPECT_THAT(journal_->findings(), IsEmpty());
    // What waits to be written is held still, so that the coordinator does not give it to others.
    EXPECT_TRUE(Held().contains(other));
    worker_->TakeOutcome({.response = absl::UnavailableError("gone")}, now_);
  }

  Pass(absl::Seconds(15));

  EXPECT_EQ(coordinator_.findings().size(), 1u);
  EXPECT_TRUE(coordinator_.results().contains(other));
  EXPECT_TRUE(engines_[0].lease().has_value());
}

// What is logged, through a pipe: with a full disk no file would take it.
class LogPipe {
 public:
  LogPipe() : before_(dup(STDERR_FILENO)) {
    StartLog("test", LogForm::kText, LogLevel::kInfo);
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_NONBLOCK), 0);
    from_ = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
  }
  ~LogPipe() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    close(from_);
  }
  LogPipe(const LogPipe&) = delete;
  LogPipe& operator=(const LogPipe&) = delete;

  // The lines since the last call that have `words` in them.
  int Count(std::string_view words) {
    std::string text(1 << 16, '\0');
    text.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, read(from_, text.data(), text.size()))));
    int count = 0;
    for (std::size_t at = text.find(words); at != std::string::npos;
         at = text.find(words, at + 1)) {
      ++count;
    }
    return count;
  }

 private:
  const int before_;
  int from_ = -1;
};

TEST_F(WorkerFaultsTest, AFullDiskIsSaidOnceAndSoIsItsEnd) {
  SyncIfDue();
  LogPipe log;
  {
    const FullDisk full;
    engines_[0].End();
    for (int i = 0; i < 5; ++i) {
      now_ += absl::Seconds(2);
      worker_->Step(now_);
    }
  }
  EXPECT_EQ(log.Count("the journal cannot be written"), 1);

  for (int i = 0; i < 2; ++i) {
    now_ += absl::Seconds(2);
    worker_->Step(now_);
  }

  EXPECT_EQ(log.Count("the journal can be written again"), 1);
}

TEST_F(WorkerFaultsTest, WithAFullDiskALeaseThatWaitsGoesOnWaiting) {
  Answer({Replay("r1"), Replay("r2"), Replay("r3"), Replay("r4")});
  {
    const FullDisk full;
    engines_[0].End();
    worker_->Step(now_);  // the next one is begun before the disk is asked
    engines_[1].End();
    worker_->Step(now_);
    EXPECT_FALSE(engines_[1].lease().has_value());
  }
  now_ += absl::Seconds(2);
  worker_->Step(now_);
  worker_->Step(now_);

  ASSERT_TRUE(engines_[1].lease().has_value());
  EXPECT_EQ(engines_[1].lease()->id(), "r4");
}

TEST_F(WorkerFaultsTest, ADrainEndsThoughAnEngineDoesNot) {
  Answer({Replay("r1")});
  worker_->Drain(now_);
  const absl::Duration drain_max = Worker::Options().drain_max;

  EXPECT_FALSE(worker_->done(now_ + drain_max - absl::Milliseconds(1)));
  EXPECT_TRUE(worker_->done(now_ + drain_max));
}

TEST_F(WorkerFaultsTest, ADrainIsNotDoneBeforeTheCoordinatorHasHeardOfIt) {
  coordinator_.StopLeasing();
  SyncIfDue();

  worker_->Drain(now_);

  EXPECT_FALSE(worker_->done(now_)) << "it would be waited for, as one that vanished";
  Pass(absl::Seconds(2));
  EXPECT_TRUE(worker_->done(now_));
}

TEST_F(WorkerFaultsTest, WithoutACoordinatorAllCampaignsAreSearchedInTurn) {
  v1::Lease first = Pattern();
  first.set_id("1");
  v1::Lease second = Pattern();
  second.set_id("2");
  second.set_campaign_id("00000000000000c2");
  Answer({first, second});
  FailSync();
  now_ += absl::Seconds(6);
  engines_[0].End();
  engines_[1].End();
  worker_->Step(now_);

  EXPECT_EQ((std::set<std::string>{engines_[0].lease()->campaign_id(),
                                   engines_[1].lease()->campaign_id()}),
            (std::set<std::string>{first.campaign_id(), second.campaign_id()}));
}

TEST_F(WorkerFaultsTest, AWorkerThatIsStartedAgainDoesNotCountItsMessagesFromTheBeginning) {
  Pass(absl::Seconds(5));
  const std::uint64_t before = last_request_.sequence();

  Begin();
  SyncIfDue();

  EXPECT_GT(last_request_.sequence(), before) << "what it says would be taken for an old message";
}

TEST_F(WorkerFaultsTest, AfterAnAbsenceTheNextOneBeginsAnew) {
  const auto go_away = [this] {
    FailSync();
    now_ += absl::Seconds(6);
    worker_->Step(now_);
    engines_[0].End();
    worker_->Step(now_);  // the lease in reserve
    if (!engines_[0].lease()->id().empty()) {
      engines_[0].End();
      worker_->Step(now_);
    }
    ASSERT_EQ(engines_[0].lease()->id(), "");
  };
  const auto find_often = [this](std::string_view what) {
    for (int i = 0; i < 50; ++i) engines_[0].Find(std::string(what) + std::to_string(i));
    worker_->Step(now_);
  };
  SyncIfDue();
  go_away();
  find_often("first ");
  engines_[0].Learn(50);
  engines_[0].End();
  worker_->Step(now_);
  EXPECT_THAT(engines_[0].known(), ElementsAre(50));
  now_ += absl::Seconds(20);
  Pass(absl::Seconds(5));
  ASSERT_EQ(coordinator_.findings().size(), 16u);

  go_away();
  find_often("second ");

  EXPECT_EQ(journal_->findings().size(), 16u);
}

TEST_F(WorkerFaultsTest, TheFirstWaitAfterASuccessIsShort) {
  for (int i = 0; i < 20; ++i) {
    FailSync();
    now_ += absl::Seconds(20);
  }
  SyncIfDue();

  FailSync();

  EXPECT_LE(worker_->NextSync(), now_ + absl::Milliseconds(250));
}

TEST_F(WorkerFaultsTest, AListOfAnEpochThatIsOverIsForgotten) {
  SyncIfDue();
  engines_[0].Learn(7);
  engines_[0].Learn(9);
  const auto run_on = [this] {
    for (int i = 0; i < 3; ++i) {
      Pass(absl::Seconds(2));
      engines_[0].End();
    }
    Pass(absl::Seconds(2));
    return engines_[0].known();
  };
  std::vector<std::uint32_t> list = run_on();
  ASSERT_EQ(list.size(), 2u);

  coordinator_.Restart();  // its list is in another order

  std::ranges::reverse(list);
  EXPECT_EQ(run_on(), list);
  EXPECT_EQ(engines_[0].lease()->epoch(), 2u);
}

TEST_F(WorkerFaultsTest, WhatIsTooLargeForAMessageWithOthersGoesAlone) {
  SyncIfDue();
  engines_[0].Find(std::string((std::size_t{3} << 20) + 1000, 'x'));
  engines_[0].Find("small");
  Pass(absl::Seconds(3));

  EXPECT_EQ(coordinator_.findings().size(), 2u);
}

TEST_F(WorkerFaultsTest, AMessageHasNoMoreResultsThanItMay) {
  for (int i = 0; i < 100; ++i) {
    Harvest harvest;
    harvest.result.emplace().set_lease_id(std::to_string(i));
    ASSERT_TRUE(journal_->Add(harvest).ok());
  }
  EXPECT_EQ(worker_->MakeRequest(now_).results_size(), 64);
}

// Two exchanges, a tenth of a second each; the coordinator asks for one a second.
TEST_F(WorkerFaultsTest, WhatIsWantedIsSentAtOnceAndSoIsTheRest) {
  Pass(absl::Seconds(2));
  engines_[0].Find("a");
  Pass(absl::Milliseconds(350));
  EXPECT_EQ(coordinator_.findings().size(), 1u);

  // The coordinator has all of these from elsewhere, and there are more than a message may name.
  Harvest known;
  for (int i = 0; i < 1500; ++i) {
    v1::FoundFailure& found = known.findings.emplace_back();
    found.set_campaign_id(kCampaign);
    found.mutable_failure()->set_found_schedule_text(std::to_string(i));
  }
  ASSERT_TRUE(journal_->Add(known).ok());
  Pass(absl::Seconds(3));
  ASSERT_TRUE(journal_->Add(known).ok());
  engines_[0].Learn(1);
  Pass(absl::Milliseconds(450));
  EXPECT_THAT(journal_->findings(), IsEmpty());
}

TEST_F(WorkerFaultsTest, ALeaseThatWaitsIsHeld) {
  Answer({Replay("r1"), Replay("r2"), Replay("r3")});

  EXPECT_THAT(Held(), ElementsAre("r1", "r2", "r3"));
}

TEST_F(WorkerFaultsTest, AListWithAGapAndOneThatComesTwiceAreSorted) {
  const auto tail = [](std::uint32_t first, const std::vector<std::uint32_t>& features) {
    v1::FeatureTail of;
    of.set_campaign_id(kCampaign);
    of.set_scenario_key(kScenario);
    of.set_first(first);
    of.mutable_features()->Add(features.begin(), features.end());
    return of;
  };
  v1::Lease lease = Pattern();
  lease.set_id("1");
  lease.mutable_fuzz()->set_known_feature_count(4);
  v1::SyncResponse response;
  response.set_epoch(1);
  *response.add_leases() = lease;
  for (const v1::FeatureTail& of :
       {tail(0, {5, 6}), tail(3, {9}), tail(0, {5, 6}), tail(1, {6, 7, 8})}) {
    *response.add_features() = of;
  }
  (void)worker_->MakeRequest(now_);
  worker_->TakeOutcome({.response = response}, now_);

  ASSERT_TRUE(engines_[0].lease().has_value());
  EXPECT_THAT(engines_[0].known(), ElementsAre(5, 6, 7, 8));
}

}  // namespace
}  // namespace shootdown::testing
