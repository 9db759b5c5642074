#include "fuzz/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "fuzz/store/store_keys.h"
#include "proto/convert.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/support/failure_builder.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::Open(folder_ / "store", OpenMode::kReadWrite);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  void Reopen(OpenMode mode = OpenMode::kReadWrite) {
    store_.reset();
    auto opened = Store::Open(folder_ / "store", mode);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  void Put(const Failure& failure) {
    const absl::Status put = store_->PutFailure(failure);
    ASSERT_TRUE(put.ok()) << put;
  }

  ScratchFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, AFailureIsFoundByItsIdAlsoAfterReopening) {
  Put(FullFailure());
  const std::string id = FailureId(FullFailure());

  EXPECT_EQ(*store_->GetFailure(id), FullFailure());
  Reopen();
  EXPECT_EQ(*store_->GetFailure(id), FullFailure());
  Reopen(OpenMode::kReadOnly);
  EXPECT_EQ(*store_->GetFailure(id), FullFailure());
}

TEST_F(StoreTest, FailuresAreListedByAscendingId) {
  for (int n = 0; n < 20; ++n) Put(NumberedFailure(n));

  const auto list = store_->ListFailures();

  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->failures, SizeIs(20));
  EXPECT_TRUE(std::ranges::is_sorted(list->failures, {}, FailureId));
  EXPECT_THAT(list->damaged, IsEmpty());
}

TEST_F(StoreTest, TheBetterRecordStaysWhicheverCameFirst) {
  const Failure found = NumberedFailure(1);
  const Failure minimized = Minimized(found);
  ASSERT_EQ(FailureId(found), FailureId(minimized));

  Put(found);
  Put(minimized);
  EXPECT_EQ(*store_->GetFailure(FailureId(found)), minimized);
  Put(found);
  EXPECT_EQ(*store_->GetFailure(FailureId(found)), minimized);
}

TEST_F(StoreTest, OfEquallyGoodRecordsOneStaysWhicheverCameFirst) {
  Failure one = NumberedFailure(1);
  Failure other = one;
  other.message = "another wording";
  ASSERT_TRUE(store_->PutFailures({{one, other}}).ok());
  const Failure first = *store_->GetFailure(FailureId(one));

  Put(one);
  Put(other);
  Put(one);

  EXPECT_EQ(*store_->GetFailure(FailureId(one)), first);
}

TEST_F(StoreTest, ABatchHoldsTheBetterOfTwoRecordsOfOneId) {
  const Failure found = NumberedFailure(1);

  ASSERT_TRUE(store_->PutFailures({{found, Minimized(found), found, NumberedFailure(2)}}).ok());

  EXPECT_EQ(*store_->GetFailure(FailureId(found)), Minimized(found));
  EXPECT_THAT(store_->ListFailures()->failures, SizeIs(2));
}

TEST_F(StoreTest, ABadFailureKeepsItsWholeBatchOut) {
  Failure bad = NumberedFailure(2);
  bad.why = "\xff";

  const absl::Status put = store_->PutFailures({{NumberedFailure(1), bad}});

  EXPECT_EQ(put.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(store_->ListFailures()->failures, IsEmpty());
}

TEST_F(StoreTest, AUniquePrefixIsEnough) {
  for (int n = 0; n < 40; ++n) Put(NumberedFailure(n));

  for (int n = 0; n < 40; ++n) {
    const std::string id = FailureId(NumberedFailure(n));
    const auto found = store_->GetFailure(id.substr(0, 12));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(FailureId(*found), id);
  }
}

TEST_F(StoreTest, AnAmbiguousPrefixNamesWhatItFits) {
  for (int n = 0; n < 200; ++n) Put(NumberedFailure(n));

  const absl::Status status = store_->GetFailure("0").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("\"0\" fits several failures, wanted more digits: 0"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(" ..."));
}

TEST_F(StoreTest, WhatIsNoIdOrNotThereIsSaid) {
  EXPECT_EQ(store_->GetFailure("0").status().code(), absl::StatusCode::kNotFound);
  for (const char* id : {"", "xyz", "ABC", "0123456789abcdef0", "../x", "a\n"}) {
    EXPECT_EQ(store_->GetFailure(id).status().code(), absl::StatusCode::kInvalidArgument) << id;
  }
}

TEST_F(StoreTest, InputsAreASetForEachScenario) {
  const std::string other = ScenarioKey("other");
  ASSERT_TRUE(store_->PutInputs(kScenarioKey, {{Input(1), Input(2), Input(1), {}}}).ok());
  ASSERT_TRUE(store_->PutInputs(kScenarioKey, {{Input(2), Input(3)}}).ok());
  ASSERT_TRUE(store_->PutInputs(other, {{Input(4)}}).ok());
  Reopen();

  EXPECT_THAT(store_->ListInputs(kScenarioKey)->inputs,
              UnorderedElementsAre(Input(1), Input(2), Input(3), std::vector<std::uint8_t>{}));
  EXPECT_THAT(store_->ListInputs(other)->inputs, ElementsAre(Input(4)));
  EXPECT_THAT(store_->ListInputs(ScenarioKey("none"))->inputs, IsEmpty());
  EXPECT_THAT(*store_->ListScenarioKeys(), UnorderedElementsAre(kScenarioKey, other));
}

TEST_F(StoreTest, ABadScenarioKeyOrAHugeInputIsRefused) {
  const std::vector<std::uint8_t> huge(Store::kInputBytesMax + 1);

  EXPECT_EQ(store_->PutInputs("x", {}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->ListInputs("x/y").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->PutInputs(kScenarioKey, {{Input(1), huge}}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(store_->ListInputs(kScenarioKey)->inputs, IsEmpty());
}

TEST_F(StoreTest, ThreadsDoNotLoseEachOthersRecords) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 25; ++n) {
        const Failure failure = NumberedFailure(n);
        EXPECT_TRUE(store_->PutFailure(t == 2 ? Minimized(failure) : failure).ok());
        EXPECT_TRUE(store_->PutInputs(kScenarioKey, {{Input(100 * t + n)}}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(store_->ListInputs(kScenarioKey)->inputs, SizeIs(100));
  const auto list = store_->ListFailures();
  ASSERT_THAT(list->failures, SizeIs(25));
  for (const Failure& failure : list->failures) EXPECT_TRUE(failure.minimized);
}

TEST_F(StoreTest, AReaderWritesNothingAndSeesWhatWasSynced) {
  Put(NumberedFailure(1));

  // The writer is still open here.
  auto reader = Store::Open(folder_ / "store", OpenMode::kReadOnly);
  ASSERT_TRUE(reader.ok()) << reader.status();

  EXPECT_THAT((*reader)->ListFailures()->failures, SizeIs(1));
  const absl::Status put = (*reader)->PutFailure(NumberedFailure(2));
  EXPECT_EQ(put.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*reader)->PutInputs(kScenarioKey, {{Input(1)}}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(put.message()), HasSubstr("opened to read only"));
}

// ------------------------------------------------------------------------------------- damage

TEST_F(StoreTest, ABadRecordIsNamedAndHidesNoOther) {
  for (int n = 0; n < 5; ++n) Put(NumberedFailure(n));
  const std::string bad = FailureId(NumberedFailure(3));
  store_.reset();
  {
    RawDatabase raw(folder_ / "store");
    std::string value = raw.Get("failures", bad);
    value.back() = static_cast<char>(value.back() ^ 1);
    raw.Put("failures", bad, value);
    raw.Put("failures", "ffffffffffffffff", "short");
    raw.Put("failures", "fffffffffffffff0", raw.Get("failures", FailureId(NumberedFailure(1))));
  }
  Reopen();

  const auto list = store_->ListFailures();
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->failures, SizeIs(4));
  EXPECT_THAT(list->damaged,
              UnorderedElementsAre(
                  "failures " + bad + ": the checksum does not fit",
                  "failures ffffffffffffffff: the checksum does not fit",
                  "failures fffffffffffffff0: holds the failure " + FailureId(NumberedFailure(1))));

  const absl::Status got = store_->GetFailure(bad).status();
  EXPECT_EQ(got.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(got.message()), HasSubstr(bad));

  Put(NumberedFailure(3));
  EXPECT_EQ(*store_->GetFailure(bad), NumberedFailure(3)) << "a new record did not heal the old";
}

TEST_F(StoreTest, EveryFlippedBitOfARecordIsNoticed) {
  Put(FullFailure());
  const std::string id = FailureId(FullFailure());
  store_.reset();
  std::string good;
  {
    RawDatabase raw(folder_ / "store");
    good = raw.Get("failures", id);
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
      // Any key will do: what is checked first is the checksum.
      char key[17];
      std::snprintf(key, sizeof key, "%016zx", i);
      raw.Put("failures", key, bad);
    }
  }
  Reopen();

  const auto list = store_->ListFailures();

  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->failures, ElementsAre(FullFailure()));
  EXPECT_THAT(list->damaged, SizeIs(good.size()));
}

TEST_F(StoreTest, ABadInputIsNamedAndHidesNoOther) {
  ASSERT_TRUE(store_->PutInputs(kScenarioKey, {{Input(1), Input(2)}}).ok());
  store_.reset();
  const auto input = Input(1);
  const std::string key = store_keys::InputKey(
      kScenarioKey, {reinterpret_cast<const char*>(input.data()), input.size()});
  {
    RawDatabase raw(folder_ / "store");
    raw.Put("corpus", key, "rubbish that is longer than a checksum");
  }
  Reopen();

  const auto list = store_->ListInputs(kScenarioKey);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->inputs, ElementsAre(Input(2)));
  EXPECT_THAT(list->damaged, ElementsAre("corpus " + key + ": the checksum does not fit"));

  ASSERT_TRUE(store_->PutInputs(kScenarioKey, {{Input(1)}}).ok());
  EXPECT_THAT(store_->ListInputs(kScenarioKey)->damaged, IsEmpty());
}

}  // namespace
}  // namespace shootdown
