// Nothing acknowledged is lost, whatever is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/store/store.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

constexpr int kRoundCount = 30;
constexpr int kNumbersARound = 1'000'000;

TEST(StoreTortureTest, KilledWritersLoseNothingAcknowledged) {
  const ScratchFolder folder;
  const std::string path = folder / "store";
  Prng prng(20240607);
  std::set<int> acknowledged;

  for (int round = 0; round < kRoundCount; ++round) {
    Child writer({"write", path, std::to_string(round * kNumbersARound)});
    // At any moment: while the store is being created or opened (the first milliseconds), and
    // between any two steps of a write.
    ::usleep(prng.Below(round % 3 == 0 ? 12'000 : 120'000));
    writer.Kill();
    ASSERT_EQ(writer.Wait(), -1) << "round " << round << ": the writer failed by itself";
    while (const auto number = writer.ReadNumber()) acknowledged.insert(*number);

    if (round % 5 != 4) continue;
    auto store = Store::Open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << "round " << round << ": " << store.status();
    for (const int n : acknowledged) {
      ASSERT_TRUE((*store)->GetFailure(FailureId(NumberedFailure(n))).ok())
          << "round " << round << ": failure " << n << " of " << acknowledged.size() << " is lost";
    }
    const auto list = (*store)->ListInputs(kScenarioKey);
    ASSERT_TRUE(list.ok()) << list.status();
    const std::set<std::vector<std::uint8_t>> inputs(list->inputs.begin(), list->inputs.end());
    for (const int n : acknowledged) ASSERT_TRUE(inputs.contains(Input(n % 30'000))) << n;
    ASSERT_TRUE((*store)->ListFailures()->damaged.empty());
  }
  RecordProperty("acknowledged", static_cast<int>(acknowledged.size()));
  EXPECT_GT(acknowledged.size(), 100u) << "the writers were killed before they did anything";
}

TEST(StoreTortureTest, ReadersSeeAllThatABusyWriterHasAcknowledged) {
  const ScratchFolder folder;
  const std::string path = folder / "store";
  Child writer({"write", path, "0"});
  int last = -1;

  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 20; ++i) {
      const auto number = writer.ReadNumber();
      ASSERT_TRUE(number.has_value()) << "the writer failed";
      last = *number;
    }
    const auto reader = Store::Open(path, OpenMode::kReadOnly);
    ASSERT_TRUE(reader.ok()) << "round " << round << ": " << reader.status();
    for (int n = 0; n <= last; n += n + 50 < last ? 7 : 1) {
      const auto found = (*reader)->GetFailure(FailureId(NumberedFailure(n)));
      ASSERT_TRUE(found.ok()) << "round " << round << " of " << last << ": " << found.status();
    }
  }
}

}  // namespace
}  // namespace shootdown
