#include "server/fsck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "fuzz/base/content_hash.h"
#include "proto/receipt.h"
#include "server/keys.h"
#include "server/rows.pb.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

using ::testing::HasSubstr;

constexpr int kWhole = 0;
constexpr int kWrongUsage = 2;
constexpr int kDamaged = 3;
constexpr char kSchedule[] = "T0@1>C1 T0@2>C1";  // of the input that is there
constexpr char kShorter[] = "T0@1>C1";
constexpr char kLonger[] = "T0@1>C1 T0@2>C1 T0@3>C1";

// A data folder with a finding and an input, and nobody who has it open.
class FsckTest : public ::testing::Test {
 protected:
  FsckTest() {
    campaign_ = coordinator_.Create();
    FakeWorker worker(*coordinator_, '1');
    v1::SyncRequest request = worker.Next();
    *request.add_inputs() = InputMessage(campaign_, kSchedule, {1, 2});
    *request.add_findings() = FoundMessage(campaign_, 1);
    const v1::SyncResponse answer = worker.Send(request, kNoon);
    for (const v1::Settled& settled : answer.settled()) {
      if (settled.finding_id().empty()) {
        input_ = settled.what();
      } else {
        finding_ = settled.finding_id();
      }
    }
    coordinator_.Stop();
  }
  // What a worker writes down about an input that was taken.
  static std::string ReceiptOf(const v1::Input& input) {
    return ToLine({.kind = Receipt::Kind::kInput,
                   .what = OfferHash(input),
                   .claim = InputClaim{.campaign_id = input.campaign_id(),
                                       .scenario_key = input.scenario_key(),
                                       .schedule_bytes = input.schedule().size(),
                                       .schedule_hash = ToHex(HashBytes(input.schedule())),
                                       .features = {input.features().begin(),
                                                    input.features().end()}}}) +
           "\n";
  }
  // A worker brings another input, which is taken.
  void Bring(const v1::Input& input) {
    coordinator_.Start();
    FakeWorker worker(*coordinator_, '2');
    v1::SyncRequest request = worker.Next();
    *request.add_inputs() = input;
    const v1::SyncResponse answer = worker.Send(request, kNoon);
    ASSERT_EQ(answer.settled(0).verdict(), v1::Settled::VERDICT_ACCEPTED);
    coordinator_.Stop();
  }
  // As a disk that loses a row.
  void Lose(const v1::Input& input) {
    auto store = Store::Open(coordinator_.data(), OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    const std::string key = keys::Key(keys::kInput, campaign_, input.scenario_key(),
                                      ToHex(HashBytes(input.schedule())));
    ASSERT_TRUE((*store)->Commit({.service = {{.key = key, .value = std::nullopt}}}).ok());
  }
  void Put(const std::string& key, const std::string& value) {
    auto store = Store::Open(coordinator_.data(), OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->Commit({.service = {{.key = key, .value = value}}}).ok());
  }
  std::string Receipts(const std::string& lines) {
    const std::string path = folder_ / "receipts";
    std::ofstream(path) << lines;
    return path;
  }
  // The exit status; what is wrong is in words_ then, and what it looked at in said_.
  int Check(const std::vector<std::string>& receipts = {}) {
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    const int status = Fsck(coordinator_.data(), receipts);
    said_ = ::testing::internal::GetCapturedStdout();
    words_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  CoordinatorFixture coordinator_;
  ScratchFolder folder_;
  std::string campaign_;
  std::string finding_;
  std::string input_;
  std::string words_;
  std::string said_;
};

TEST_F(FsckTest, AllIsWell) {
  const std::string receipts = Receipts("finding " + finding_ + "\ninput " + input_ + "\n");

  EXPECT_EQ(Check({receipts}), kWhole) << words_;
  EXPECT_EQ(words_, "");
}

TEST_F(FsckTest, AFindingThatWasAcknowledgedIsMissing) {
  const std::string missing(16, '7');

  EXPECT_EQ(Check({Receipts("finding " + missing + "\n")}), kDamaged);
  EXPECT_THAT(words_, HasSubstr("finding " + missing + ": was acknowledged, and is missing"));
}

TEST_F(FsckTest, AnInputThatWasAcknowledgedIsMissing) {
  const v1::Input input = InputMessage(campaign_, kSchedule, {1, 2});
  const std::string receipts = Receipts(ReceiptOf(input));
  ASSERT_EQ(Check({receipts}), kWhole) << words_;

  Lose(input);

  EXPECT_EQ(Check({receipts}), kDamaged);
  EXPECT_THAT(words_, HasSubstr("input " + input_ + ": was acknowledged, and is missing"));
}

TEST_F(FsckTest, AnInputWhosePlaceAShorterOneTookIsNotMissing) {
  const v1::Input input = InputMessage(campaign_, kSchedule, {1, 2});
  const v1::Input shorter = InputMessage(campaign_, kShorter, {1, 2, 3});
  Bring(shorter);
  Lose(input);  // as the coordinator's next commit does
  const std::string receipts = Receipts(ReceiptOf(input) + ReceiptOf(shorter));

  EXPECT_EQ(Check({receipts}), kWhole) << words_;
  EXPECT_THAT(said_, HasSubstr("2 inputs, 1 of them distilled away since"));

  Lose(shorter);

  EXPECT_EQ(Check({receipts}), kDamaged);
  EXPECT_THAT(words_, HasSubstr(OfferHash(shorter)));
  EXPECT_THAT(words_, HasSubstr(input_)) << "nobody has its place now";
}

TEST_F(FsckTest, ALongerInputWithTheSameFeaturesHidesNoLoss) {
  const v1::Input input = InputMessage(campaign_, kSchedule, {1, 2});
  Bring(InputMessage(campaign_, kLonger, {1, 2, 3}));

  Lose(input);

  EXPECT_EQ(Check({Receipts(ReceiptOf(input))}), kDamaged);
  EXPECT_THAT(words_, HasSubstr("has 2 of its 2 features from no input"));
}

TEST_F(FsckTest, AnInputOfACampaignThatWasDeletedIsNotMissing) {
  const v1::Input input = InputMessage(std::string(16, '7'), kSchedule, {1, 2});

  EXPECT_EQ(Check({Receipts(ReceiptOf(input))}), kWhole) << words_;
  EXPECT_THAT(said_, HasSubstr("1 forgotten with their campaigns"));
}

TEST_F(FsckTest, AReceiptOfAnOlderWorkerIsCountedAndNotJudged) {
  EXPECT_EQ(Check({Receipts("input " + std::string(32, '7') + "\n")}), kWhole) << words_;
  EXPECT_THAT(said_, HasSubstr("1 that say too little to be judged"));
}

TEST_F(FsckTest, ARecordWhoseBytesChangedIsDamage) {
  {
    RawDatabase raw(coordinator_.data());
    std::string record = raw.Get("failures", finding_);
    char& byte = record[record.size() / 2];
    byte = static_cast<char>(byte ^ 1);
    raw.Put("failures", finding_, record);
  }

  EXPECT_EQ(Check(), kDamaged);
  EXPECT_THAT(words_, HasSubstr(finding_));
}

TEST_F(FsckTest, ARowThatIsNoneIsDamage) {
  Put(keys::Key(keys::kFinding, std::string(16, '7')), "\xff\xff junk");

  EXPECT_EQ(Check(), kDamaged);
  EXPECT_THAT(words_, HasSubstr("no FindingRow"));
}

TEST_F(FsckTest, AFindingInAStateThatIsNoneIsDamage) {
  const std::string id(16, '7');
  FindingRow row;
  row.set_state(static_cast<v1::FindingState>(v1::FindingState_ARRAYSIZE));
  Put(keys::Key(keys::kFinding, id), row.SerializeAsString());

  EXPECT_EQ(Check(), kDamaged);
  EXPECT_THAT(words_, HasSubstr("service finding/" + id + ": its state is 7, which is none"));
}

TEST_F(FsckTest, ARowWithoutItsContentIsDamage) {
  const std::string hash(32, '7');
  InputRow row;
  row.set_schedule(ScheduleBytes("T0@1>C1"));
  row.add_features(77);
  row.set_offer_hash(hash);
  Put(keys::Key(keys::kInput, campaign_, ScenarioKey(ScenarioText()), hash),
      row.SerializeAsString());

  EXPECT_EQ(Check(), kDamaged);
  EXPECT_THAT(words_, HasSubstr("its input " + hash + " is missing"));
}

TEST_F(FsckTest, ARowWithAnotherScheduleThanItsContentIsDamage) {
  const v1::Input input = InputMessage(campaign_, kSchedule, {1, 2});
  const std::string hash = ToHex(HashBytes(input.schedule()));
  InputRow row;
  row.set_schedule(ScheduleBytes(kShorter));
  row.add_features(1);
  row.set_offer_hash(input_);
  Put(keys::Key(keys::kInput, campaign_, input.scenario_key(), hash), row.SerializeAsString());

  EXPECT_EQ(Check(), kDamaged);
  EXPECT_THAT(words_, HasSubstr("the row of its input " + hash + " has another schedule"));
}

TEST_F(FsckTest, AFindingWithoutItsFailureIsDamage) {
  const std::string id(16, '7');
  FindingRow row;
  row.set_scenario_key(ScenarioKey(ScenarioText()));
  Put(keys::Key(keys::kFinding, id), row.SerializeAsString());

  EXPECT_EQ(Check(), kDamaged);
  EXPECT_THAT(words_, HasSubstr("finding " + id + ": its failure is missing"));
}

TEST_F(FsckTest, WhatIsNoReceiptIsDamageAndNoFileIsWrongUsage) {
  EXPECT_EQ(Check({Receipts("nonsense 1\n")}), kDamaged);
  EXPECT_EQ(Check({folder_ / "missing"}), kWrongUsage);
}

}  // namespace
}  // namespace shootdown::server
