// Nothing acknowledged is lost, whatever is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

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
    // At any moment: in every third round while the store is being created or opened, else some
    // writes later, anywhere in the steps of the next one.
    if (round % 3 != 0) {
      for (std::uint32_t i = 1 + prng.Below(40); i > 0; --i) {
        const auto number = writer.ReadNumber();
        ASSERT_TRUE(number.has_value()) << "round " << round << ": the writer failed by itself";
        acknowledged.insert(*number);
      }
    }
    ::usleep(prng.Below(round % 3 == 0 ? 12'000 : 1'500));
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
    std::set<std::string> inputs;
    for (const auto& input : list->inputs) inputs.emplace(input.begin(), input.end());
    for (const int n : acknowledged) {
      const auto input = Input(n % 30'000);
      ASSERT_TRUE(inputs.contains(std::string(input.begin(), input.end()))) << "input " << n;
    }
    ASSERT_TRUE((*store)->ListFailures()->damaged.empty());
  }
}

TEST(StoreTortureTest, ReadersSeeAllThatABusyWriterHasAcknowledged) {
  const ScratchFolder folder;
  const std::string path = folder / "store";
  Child writer({"write", path, "0"});
  int last = -1;

  for (int round = 0; round < 40; ++round) {
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
