#include "server/fsck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

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

// A data folder with a finding and an input, and nobody who has it open.
class FsckTest : public ::testing::Test {
 protected:
  FsckTest() {
    campaign_ = coordinator_.Create();
    FakeWorker worker(*coordinator_, '1');
    v1::SyncRequest request = worker.Next();
    *request.add_inputs() = InputMessage(campaign_, "T0@1>C1", {1, 2});
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
  // The exit status; what is wrong is in words_ then.
  int Check(const std::vector<std::string>& receipts = {}) {
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    const int status = Fsck(coordinator_.data(), receipts);
    (void)::testing::internal::GetCapturedStdout();
    words_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  CoordinatorFixture coordinator_;
  ScratchFolder folder_;
  std::string campaign_;
  std::string finding_;
  std::string input_;
  std::string words_;
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
