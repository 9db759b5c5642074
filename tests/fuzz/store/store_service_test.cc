// What a coordinator needs of its store: rows of its own, batches, backups, compaction.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "fuzz/store/store.h"
#include "fuzz/store/store_keys.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

using Rows = std::map<std::string, std::string>;

class StoreServiceTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Store> Open(const std::string& path,
                                     OpenMode mode = OpenMode::kReadWrite) {
    auto store = Store::Open(path, mode);
    SHOOTDOWN_CHECK(store.ok());
    return *std::move(store);
  }
  static Rows ReadRows(const Store& store, const std::string& prefix = "") {
    Rows rows;
    const auto damaged = store.VisitService(
        prefix, [&](std::string_view key, std::string_view value) { rows.emplace(key, value); });
    SHOOTDOWN_CHECK(damaged.ok());
    SHOOTDOWN_CHECK(damaged->empty());
    return rows;
  }

  ScratchFolder folder_;
  const std::string path_ = folder_ / "store";
};

TEST_F(StoreServiceTest, ABatchIsThereAfterReopening) {
  ASSERT_TRUE(
      Open(path_)
          ->Commit({.failures = {NumberedFailure(1)},
                    .inputs = {{.scenario_key = kScenarioKey, .bytes = Input(1)}},
                    .service = {{.key = "a/1", .value = "x"}, {.key = "b/1", .value = "y"}}})
          .ok());

  const auto store = Open(path_, OpenMode::kReadOnly);
  EXPECT_EQ(Content(*store).size(), 2u);
  EXPECT_EQ(ReadRows(*store), (Rows{{"a/1", "x"}, {"b/1", "y"}}));
  EXPECT_EQ(ReadRows(*store, "b/"), (Rows{{"b/1", "y"}}));
}

TEST_F(StoreServiceTest, OfTwoChangesOfOneRowTheLaterOneCounts) {
  const auto store = Open(path_);

  ASSERT_TRUE(store
                  ->Commit({.service = {{.key = "a", .value = "1"},
                                        {.key = "a", .value = "2"},
                                        {.key = "b", .value = "1"},
                                        {.key = "b", .value = std::nullopt}}})
                  .ok());

  EXPECT_EQ(ReadRows(*store), (Rows{{"a", "2"}}));
}

TEST_F(StoreServiceTest, ABatchWithAMalformedPartWritesNothing) {
  const auto store = Open(path_);

  const absl::Status refused =
      store->Commit({.failures = {NumberedFailure(1)},
                     .inputs = {{.scenario_key = "no key", .bytes = Input(1)}},
                     .service = {{.key = "a", .value = "1"}}});

  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(ReadRows(*store).empty());
  EXPECT_TRUE(Content(*store).empty());
}

TEST_F(StoreServiceTest, ADamagedRowIsNamedAndHidesNoOther) {
  ASSERT_TRUE(Open(path_)->Commit({.service = {{.key = "a", .value = "1"}}}).ok());
  {
    RawDatabase(path_).Put("service", "b", "no checksum in front of this");
  }

  Rows rows;
  const auto damaged = Open(path_)->VisitService(
      "", [&](std::string_view key, std::string_view value) { rows.emplace(key, value); });

  ASSERT_TRUE(damaged.ok());
  ASSERT_EQ(damaged->size(), 1u);
  EXPECT_EQ(damaged->front(), "service b: the checksum does not fit");
  EXPECT_EQ(rows, (Rows{{"a", "1"}}));
}

TEST_F(StoreServiceTest, ABackupIsAStoreOfThatMoment) {
  const auto store = Open(path_);
  ASSERT_TRUE(
      store->Commit({.failures = {NumberedFailure(1)}, .service = {{.key = "a", .value = "1"}}})
          .ok());

  ASSERT_TRUE(store->Backup(folder_ / "copy").ok());
  ASSERT_TRUE(store->PutFailure(NumberedFailure(2)).ok());

  const auto copy = Open(folder_ / "copy");
  EXPECT_EQ(Content(*copy).size(), 1u);
  EXPECT_EQ(ReadRows(*copy), (Rows{{"a", "1"}}));
  EXPECT_EQ(store->Backup(folder_ / "copy").code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(StoreServiceTest, CompactingDropsTheInputsThatNobodyWants) {
  const auto store = Open(path_);
  ASSERT_TRUE(store->PutInputs(kScenarioKey, std::vector{Input(1), Input(2)}).ok());
  ASSERT_TRUE(store->PutFailure(NumberedFailure(1)).ok());
  const auto bytes = Input(1);
  const std::string wanted =
      ToHex(HashBytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  const auto keep = [&](std::string_view scenario, std::string_view hash) {
    return scenario == kScenarioKey && hash == wanted;
  };

  const auto foreseen = store->Compact(keep, Store::DryRun::kYes);
  ASSERT_TRUE(foreseen.ok());
  EXPECT_EQ(foreseen->input_count, 1u);
  EXPECT_GE(foreseen->input_bytes, Input(2).size());
  EXPECT_EQ(Content(*store).size(), 3u);
  const auto done = store->Compact(keep, Store::DryRun::kNo);
  ASSERT_TRUE(done.ok());

  EXPECT_EQ(done->input_count, 1u);
  EXPECT_EQ(done->input_bytes, foreseen->input_bytes);
  EXPECT_EQ(Content(*store).size(), 2u);
  EXPECT_TRUE(store->HasInput(kScenarioKey, wanted).value());
}

}  // namespace
}  // namespace shootdown
