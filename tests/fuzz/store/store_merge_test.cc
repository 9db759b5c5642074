// Stores are grow-only sets: whatever order things come in, and through whichever stores, the
// content is the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/store/store.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::unique_ptr<Store> MustOpen(const std::string& path) {
  auto store = Store::Open(path, OpenMode::kReadWrite);
  SHOOTDOWN_CHECK(store.ok());
  return *std::move(store);
}

// One of a few failures, in one of many states.
Failure RandomRecord(Prng& prng) {
  Failure failure = NumberedFailure(static_cast<int>(prng.Below(6)));
  if (prng.OneIn(2)) failure = Minimized(failure);
  if (failure.minimized && prng.OneIn(3)) failure.schedule_text = "T1@10>C1";
  if (prng.OneIn(2)) failure.message = std::string(1, static_cast<char>('a' + prng.Below(3)));
  if (prng.OneIn(2)) failure.why = std::string(1, static_cast<char>('a' + prng.Below(3)));
  failure.seed = prng.Below(3);
  return failure;
}

void MustMerge(Store& into, const Store& from) {
  const auto merged = into.MergeFrom(from);
  ASSERT_TRUE(merged.ok()) << merged.status();
  ASSERT_THAT(*merged, IsEmpty());
}

// With no anchors it would rank as the smaller one.
TEST(StoreMergeTest, NonsenseDoesNotTakeTheRecordsPlace) {
  const ScratchFolder folder;
  const auto good = MustOpen(folder / "good");
  const auto odd = MustOpen(folder / "odd");
  const Failure failure = Minimized(NumberedFailure(1));
  Failure nonsense = failure;
  nonsense.anchors.clear();
  nonsense.minimality = Minimality::kMinimum;
  ASSERT_TRUE(good->PutFailure(failure).ok());
  ASSERT_TRUE(odd->PutFailures(std::vector{nonsense, NumberedFailure(2)}).ok());

  const auto merged = good->MergeFrom(*odd);

  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_THAT(*merged, ElementsAre(HasSubstr("anchors: 0 of them")));
  EXPECT_EQ(good->GetFailure(FailureId(failure)).value(), failure);
  EXPECT_TRUE(good->GetFailure(FailureId(NumberedFailure(2))).ok());
}

TEST(StoreMergeTest, EveryOrderGivesTheSameContent) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Prng prng(seed);
    const ScratchFolder folder;
    std::vector<std::unique_ptr<Store>> parts;
    std::vector<Failure> failures;
    std::vector<std::vector<std::uint8_t>> inputs;
    for (int part = 0; part < 3; ++part) {
      parts.push_back(MustOpen(folder / std::to_string(part)));
      for (std::uint32_t i = prng.Below(10); i > 0; --i) {
        failures.push_back(RandomRecord(prng));
        ASSERT_TRUE(parts.back()->PutFailure(failures.back()).ok());
      }
      for (std::uint32_t i = prng.Below(5); i > 0; --i) {
        inputs.push_back(Input(static_cast<int>(prng.Below(8))));
        ASSERT_TRUE(parts.back()->PutInputs(kScenarioKey, {{inputs.back()}}).ok());
      }
    }

    // All at once, in another order.
    const auto whole = MustOpen(folder / "whole");
    std::ranges::reverse(failures);
    ASSERT_TRUE(whole->PutFailures(failures).ok());
    ASSERT_TRUE(whole->PutInputs(kScenarioKey, inputs).ok());
    const auto forward = MustOpen(folder / "forward");
    for (int part : {0, 1, 2}) MustMerge(*forward, *parts[static_cast<std::size_t>(part)]);
    const auto backward = MustOpen(folder / "backward");
    for (int part : {2, 1, 0, 1}) MustMerge(*backward, *parts[static_cast<std::size_t>(part)]);
    MustMerge(*parts[1], *parts[2]);
    MustMerge(*parts[0], *parts[1]);

    EXPECT_EQ(Content(*forward), Content(*whole)) << "seed " << seed;
    EXPECT_EQ(Content(*backward), Content(*whole)) << "seed " << seed;
    EXPECT_EQ(Content(*parts[0]), Content(*whole)) << "seed " << seed;
  }
}

TEST(StoreMergeTest, MergingAStoreIntoItselfChangesNothing) {
  const ScratchFolder folder;
  const auto store = MustOpen(folder / "s");
  ASSERT_TRUE(store->PutFailure(NumberedFailure(1)).ok());
  const auto before = Content(*store);

  MustMerge(*store, *store);

  EXPECT_EQ(Content(*store), before);
}

TEST(StoreMergeTest, ManyLargeFailuresCrossInSeveralBatches) {
  const ScratchFolder folder;
  const auto from = MustOpen(folder / "from");
  const auto into = MustOpen(folder / "into");
  for (int n = 0; n < 12; ++n) {
    Failure failure = NumberedFailure(n);
    failure.trace.resize(1000, {.text = std::string(1000, 'x'), .hash = 1});
    ASSERT_TRUE(from->PutFailure(failure).ok());
  }

  MustMerge(*into, *from);

  EXPECT_THAT(into->ListFailures()->failures, SizeIs(12));
  EXPECT_EQ(Content(*into), Content(*from));
}

TEST(StoreMergeTest, WhatCannotBeReadIsNamedAndTheRestIsTaken) {
  const ScratchFolder folder;
  {
    const auto from = MustOpen(folder / "from");
    ASSERT_TRUE(from->PutFailures({{NumberedFailure(1), NumberedFailure(2)}}).ok());
  }
  {
    RawDatabase(folder / "from").Put("failures", FailureId(NumberedFailure(2)), "bad");
  }
  const auto into = MustOpen(folder / "into");
  auto from = Store::Open(folder / "from", OpenMode::kReadOnly);
  ASSERT_TRUE(from.ok()) << from.status();

  const auto merged = into->MergeFrom(**from);

  ASSERT_TRUE(merged.ok()) << merged.status();
  ASSERT_THAT(*merged, SizeIs(1));
  EXPECT_THAT(merged->front(), HasSubstr(FailureId(NumberedFailure(2))));
  EXPECT_THAT(into->ListFailures()->failures, SizeIs(1));
}

TEST(StoreMergeTest, AReaderCannotTakeAnythingIn) {
  const ScratchFolder folder;
  const auto from = MustOpen(folder / "from");
  ASSERT_TRUE(from->PutFailure(NumberedFailure(1)).ok());
  {
    MustOpen(folder / "into");
  }
  auto into = Store::Open(folder / "into", OpenMode::kReadOnly);
  ASSERT_TRUE(into.ok()) << into.status();

  EXPECT_EQ((*into)->MergeFrom(*from).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace shootdown
