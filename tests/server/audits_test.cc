#include "server/audits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shootdown::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'000);
const std::string kRight(32, 'a');
const std::string kWrong(32, 'b');

Audits::Outcome Outcome(const std::string& worker, std::uint64_t last_checkpoint = 9) {
  return {.worker_id = worker,
          .run_count = 100,
          .checkpoints = {7, 8, last_checkpoint},
          .content_hashes = {"x"}};
}

Audits::Trace Trace(const std::string& worker, const std::string& hash) {
  return {.worker_id = worker,
          .trace_hash = hash,
          .steps = {{.text = "T0 load", .hash = 1},
                    {.text = hash == kRight ? "T1 store" : "T1 load", .hash = 2}}};
}

class AuditsTest : public ::testing::Test {
 protected:
  WorkerRecord& Worker(const std::string& id, const std::string& model = "m1") {
    WorkerRecord& worker = leases_.AddWorker(id);
    worker.model_version = model;
    return worker;
  }
  // The first of some leases of `worker` that is to be run again.
  void OfferOne(const std::string& worker) {
    for (int number = 0; audits_.audits().empty(); ++number) {
      LeaseRecord lease{.campaign_id = "c",
                        .scenario_key = "s",
                        .number = static_cast<std::uint64_t>(number)};
      lease.fuzz.set_random_seed(42);
      audits_.Offer(lease, "m1", Outcome(worker), kNow);
    }
  }
  void DisputeOf(const std::vector<std::string>& workers) {
    ASSERT_TRUE(audits_.Dispute("c", "s", "m1", "T0@1>C1", kRight, workers, kNow));
  }

  Leases leases_{1, 1};
  Audits audits_;
};

TEST_F(AuditsTest, OneInSoManyLeasesIsRunAgain) {
  for (int number = 0; number < 640; ++number) {
    LeaseRecord lease{.number = static_cast<std::uint64_t>(number)};
    audits_.Offer(lease, "m1", Outcome("w"), kNow);
  }

  EXPECT_GE(audits_.audits().size(), 3u);
  EXPECT_LE(audits_.audits().size(), Audits::kCountMax);
}

TEST_F(AuditsTest, AnotherWorkerOfTheSameModelRunsTheLeaseAgain) {
  OfferOne("first");

  EXPECT_FALSE(audits_.Next(leases_, Worker("first")).has_value());
  EXPECT_FALSE(audits_.Next(leases_, Worker("newer", "m2")).has_value());
  WorkerRecord& other = Worker("other");
  const std::optional<LeaseRecord> lease = audits_.Next(leases_, other);

  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->kind, TaskKind::kAudit);
  EXPECT_EQ(lease->fuzz.random_seed(), 42u);
  (void)leases_.Grant(*lease, other, kNow);
  EXPECT_FALSE(audits_.Next(leases_, Worker("third")).has_value());  // one is enough
}

TEST_F(AuditsTest, EqualOutcomesDoNotDiffer) {
  EXPECT_EQ(Audits::Difference(Outcome("a"), Outcome("b")), "");
  EXPECT_EQ(Audits::FirstForeign(Outcome("a"), Outcome("b")), "");
}

TEST_F(AuditsTest, TheWordsSayWhereTwoOutcomesPart) {
  Audits::Outcome more = Outcome("b");
  more.content_hashes = {"x", "y"};

  EXPECT_EQ(Audits::Difference(Outcome("a"), Outcome("b", 10)),
            "they part in part 3 of 64 of the runs");
  EXPECT_EQ(Audits::Difference(Outcome("a"), more), "they found other things");
  EXPECT_EQ(Audits::FirstForeign(Outcome("a"), more), "y");
}

TEST_F(AuditsTest, BothThatDifferRunTheInputAndAThirdOnlyAfterThem) {
  DisputeOf({"first", "second"});
  WorkerRecord& first = Worker("first");
  WorkerRecord& third = Worker("third");

  const std::optional<LeaseRecord> lease = audits_.Next(leases_, first);
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->kind, TaskKind::kTrace);
  EXPECT_EQ(lease->schedule_text, "T0@1>C1");
  EXPECT_TRUE(audits_.Next(leases_, Worker("second")).has_value());
  EXPECT_FALSE(audits_.Next(leases_, third).has_value());

  Audits::Audit& audit = *audits_.Find(lease->audit_number);
  audit.traces = {Trace("first", kRight), Trace("second", kWrong)};

  EXPECT_FALSE(audits_.Next(leases_, first).has_value());
  EXPECT_TRUE(audits_.Next(leases_, third).has_value());
}

TEST_F(AuditsTest, AnInputIsDisputedOnceAtATime) {
  DisputeOf({"first", "second"});

  EXPECT_FALSE(audits_.Dispute("c", "s", "m1", "T0@1>C1", kRight, {"first", "third"}, kNow));
  audits_.Expire(kNow + Audits::kTimeout);

  EXPECT_TRUE(audits_.Dispute("c", "s", "m1", "T0@1>C1", kRight, {"first", "third"}, kNow));
}

TEST_F(AuditsTest, OfTwoTheOneThatGivesTheStoredTraceIsBelieved) {
  Audits::Audit audit;
  audit.stored_trace_hash = kRight;
  audit.traces = {Trace("good", kRight), Trace("bad", kWrong)};

  const Audits::Verdict verdict = Audits::Judge(audit);

  EXPECT_THAT(verdict.quarantined, ElementsAre("bad"));
  EXPECT_THAT(verdict.words, HasSubstr("step 1: \"T1 store\" there, \"T1 load\" here"));
}

TEST_F(AuditsTest, OfTwoThatBothGiveAnotherTraceNobodyIsBelieved) {
  Audits::Audit audit;
  audit.stored_trace_hash = std::string(32, 'c');
  audit.traces = {Trace("one", kRight), Trace("two", kWrong)};

  const Audits::Verdict verdict = Audits::Judge(audit);

  EXPECT_THAT(verdict.quarantined, IsEmpty());
  EXPECT_THAT(verdict.words, HasSubstr("step 1"));
}

TEST_F(AuditsTest, OfThreeTheMajorityIsBelievedWhateverIsStored) {
  Audits::Audit audit;
  audit.stored_trace_hash = kWrong;
  audit.traces = {Trace("bad", kWrong), Trace("one", kRight), Trace("two", kRight)};

  const Audits::Verdict verdict = Audits::Judge(audit);

  EXPECT_THAT(verdict.quarantined, ElementsAre("bad"));
  EXPECT_THAT(verdict.words, HasSubstr("differs from that of 2 of 3 workers"));
}

TEST_F(AuditsTest, EqualTracesAccuseNobody) {
  Audits::Audit audit;
  audit.stored_trace_hash = kRight;
  audit.traces = {Trace("one", kRight), Trace("two", kRight)};

  EXPECT_THAT(Audits::Judge(audit).quarantined, IsEmpty());
}

}  // namespace
}  // namespace shootdown::server
