#include "server/leases.h"

#include <gtest/gtest.h>

namespace shootdown::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000);

LeaseRecord Fuzz(std::uint64_t run_count) {
  LeaseRecord lease{.campaign_id = "c", .scenario_key = "s"};
  lease.fuzz.set_run_count(run_count);
  return lease;
}

TEST(LeasesTest, IdsOfTwoEpochsNeverMeet) {
  Leases first(1, 1);
  Leases second(2, 2);

  const std::string a = first.Grant(Fuzz(1), first.AddWorker("w"), kNow).id;
  const std::string b = first.Grant(Fuzz(1), first.AddWorker("w"), kNow).id;
  const std::string c = second.Grant(Fuzz(1), second.AddWorker("w"), kNow).id;

  EXPECT_EQ(a.size(), 16u);
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(b, c);
}

TEST(LeasesTest, AnotherWorkersLeaseIsNotFound) {
  Leases leases(1, 1);
  const std::string id = leases.Grant(Fuzz(1), leases.AddWorker("mine"), kNow).id;

  EXPECT_NE(leases.Find(id, "mine"), nullptr);
  EXPECT_EQ(leases.Find(id, "yours"), nullptr);
}

TEST(LeasesTest, ASilentWorkerLosesItsLeaseAndTheRunsAreFreeAgain) {
  Leases leases(1, 1);
  (void)leases.Grant(Fuzz(500), leases.AddWorker("w"), kNow);

  EXPECT_TRUE(leases.Expire(kNow + Leases::kTtl - absl::Seconds(1)).leases.empty());
  EXPECT_EQ(leases.RunsOut("c", "s"), 500u);
  EXPECT_EQ(leases.Expire(kNow + Leases::kTtl).leases.size(), 1u);

  EXPECT_EQ(leases.RunsOut("c", "s"), 0u);
  EXPECT_EQ(leases.LeasesOut("c", "s"), 0u);
}

TEST(LeasesTest, AWorkerThatIsHeardKeepsItsLease) {
  Leases leases(1, 1);
  WorkerRecord& worker = leases.AddWorker("w");
  const std::string id = leases.Grant(Fuzz(500), worker, kNow).id;

  leases.Touch(worker, {id}, kNow + absl::Seconds(20));

  EXPECT_TRUE(leases.Expire(kNow + Leases::kTtl).leases.empty());
}

TEST(LeasesTest, ALeaseThatTheLastAnswerHadIsKeptAndOneThatNobodyWasToldOfRunsOut) {
  Leases leases(1, 1);
  WorkerRecord& worker = leases.AddWorker("w");
  const std::string sent = leases.Grant(Fuzz(1), worker, kNow).id;
  const std::string untold = leases.Grant(Fuzz(2), worker, kNow).id;
  worker.sent = {sent};

  leases.Touch(worker, {}, kNow + absl::Seconds(20));

  const std::vector<LeaseRecord> expired = leases.Expire(kNow + Leases::kTtl).leases;
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].id, untold);
}

TEST(LeasesTest, AWorkerWithoutLeasesIsForgottenAfterAWhile) {
  Leases leases(1, 1);
  leases.Touch(leases.AddWorker("w"), {}, kNow);

  EXPECT_TRUE(leases.Expire(kNow + Leases::kMemory - absl::Seconds(1)).workers.empty());
  const std::vector<WorkerRecord> gone = leases.Expire(kNow + Leases::kMemory).workers;

  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].id, "w");
  EXPECT_EQ(leases.FindWorker("w"), nullptr);
}

TEST(LeasesTest, AWorkerWhoseSyncIsBeingAnsweredIsNotForgotten) {
  Leases leases(1, 1);
  WorkerRecord& worker = leases.AddWorker("w");
  leases.Touch(worker, {}, kNow);
  worker.in_sync = true;

  (void)leases.Expire(kNow + Leases::kMemory);

  EXPECT_NE(leases.FindWorker("w"), nullptr);
}

TEST(LeasesTest, AClockThatIsSetBackMakesNoLeaseLonger) {
  Leases leases(1, 1);
  (void)leases.Grant(Fuzz(1), leases.AddWorker("w"), kNow);
  const absl::Time set_back = kNow - absl::Hours(1);

  EXPECT_TRUE(leases.Expire(kNow + absl::Seconds(10)).leases.empty());
  EXPECT_TRUE(leases.Expire(set_back).leases.empty());
  EXPECT_TRUE(leases.Expire(set_back + absl::Seconds(19)).leases.empty());
  EXPECT_EQ(leases.Expire(set_back + absl::Seconds(20)).leases.size(), 1u);
}

TEST(LeasesTest, AClockThatIsSetBackForgetsAWorkerAsSoonAsAnyOther) {
  Leases leases(1, 1);
  leases.Touch(leases.AddWorker("w"), {}, kNow);
  const absl::Time set_back = kNow - absl::Hours(1);
  (void)leases.Expire(kNow);

  (void)leases.Expire(set_back);
  EXPECT_NE(leases.FindWorker("w"), nullptr);
  (void)leases.Expire(set_back + Leases::kMemory);
  EXPECT_EQ(leases.FindWorker("w"), nullptr);
}

TEST(LeasesTest, ACallThatWaitedForItsTurnMovesNoTime) {
  Leases leases(1, 1);
  (void)leases.Expire(kNow);

  EXPECT_EQ(leases.TimeOf(kNow - absl::Milliseconds(300)), kNow);
  (void)leases.Expire(kNow - absl::Milliseconds(300));

  EXPECT_EQ(leases.TimeOf(kNow + absl::Milliseconds(1)), kNow + absl::Milliseconds(1));
}

}  // namespace
}  // namespace shootdown::server
