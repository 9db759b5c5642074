// A store on a disk that is full, or that has gone bad.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/store/store.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::Not;

constexpr int kMayNotMount = 77;

// A small disk needs the right to mount one, which a container may not give. FileLimit below then
// still covers a write that does not fit; the test says that it did not run.
void RunOnSmallDisk(const char* what) {
  const ScratchFolder folder;
  const int status = Child({what, folder.path()}).Wait();
  if (status == kMayNotMount) GTEST_SKIP() << "may not mount a small file system here";
  EXPECT_EQ(status, 0);
}

TEST(StoreFaultsTest, AFullDiskLosesNothingAndRecoversWhenThereIsRoom) {
  RunOnSmallDisk("disk-full");
}

TEST(StoreFaultsTest, AStoreThatDidNotFitIsCreatedLater) {
  RunOnSmallDisk("disk-full-from-the-start");
}

TEST(StoreFaultsTest, AFileLimitLosesNothingAndTheStoreGoesOnWithoutIt) {
  const ScratchFolder folder;

  EXPECT_EQ(Child({"file-limit", folder / "store"}).Wait(), 0);
}

// The one table that holds the failures.
fs::path LargestTable(const std::string& folder) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  return largest;
}

void FlipByte(const fs::path& path, std::size_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x10));
}

TEST(StoreFaultsTest, ABadBlockOnDiskCostsLittleAndIsNamed) {
  constexpr int kCount = 200;
  const ScratchFolder folder;
  const std::string path = folder / "store";
  {
    auto store = Store::Open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    std::vector<Failure> failures;
    for (int n = 0; n < kCount; ++n) {
      failures.push_back(NumberedFailure(n));
      // Does not compress away, so that there are many blocks.
      Prng prng(static_cast<std::uint64_t>(n));
      while (failures.back().message.size() < 1500) {
        failures.back().message += std::to_string(prng.Next());
      }
    }
    ASSERT_TRUE((*store)->PutFailures(failures).ok());
  }
  FlipByte(LargestTable(path), fs::file_size(LargestTable(path)) / 2);

  auto store = Store::Open(path, OpenMode::kReadOnly);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto list = (*store)->ListFailures();

  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->damaged, Not(IsEmpty()));
  EXPECT_GT(list->failures.size(), static_cast<std::size_t>(kCount) - 20);
  EXPECT_LT(list->failures.size(), static_cast<std::size_t>(kCount));
  for (const Failure& failure : list->failures) {
    EXPECT_TRUE((*store)->GetFailure(FailureId(failure)).ok());
  }
}

// In these two a record says how long it is; one that seems to go on beyond the end of the file is
// what a kill leaves behind, so RocksDB must believe it (README.md).
bool IsLog(const fs::path& path) {
  return path.extension() == ".log" || path.filename().string().starts_with("MANIFEST");
}

// Any single flipped byte in any file: never a crash, and never content that was not stored.
TEST(StoreFaultsTest, AFlippedByteAnywhereNeverInventsContent) {
  const ScratchFolder folder;
  const std::string good = folder / "good";
  int silent_count = 0;
  {
    auto store = Store::Open(good, OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->PutFailures({{NumberedFailure(1), NumberedFailure(2)}}).ok());
    ASSERT_TRUE((*store)->PutInputs(kScenarioKey, {{Input(1)}}).ok());
    // Killed, as it were: this copy has all of it in the write-ahead log.
    fs::copy(good, folder / "log");
  }
  for (const std::string& source : {good, folder / "log"}) {
    for (const auto& entry : fs::directory_iterator(source)) {
      const std::size_t bytes = fs::file_size(entry.path());
      const std::size_t stride = bytes < 4000 ? 7 : 4001;  // OPTIONS is large, and never read
      for (std::size_t offset = 0; offset < bytes; offset += stride) {
        const std::string path = folder / "bad";
        fs::remove_all(path);
        fs::copy(source, path);
        FlipByte(fs::path(path) / entry.path().filename(), offset);

        const auto store = Store::Open(path, OpenMode::kReadOnly);
        if (!store.ok()) continue;
        const auto failures = (*store)->ListFailures();
        const auto inputs = (*store)->ListInputs(kScenarioKey);
        if (!failures.ok() || !inputs.ok()) continue;
        for (const Failure& failure : failures->failures) {
          ASSERT_TRUE(failure == NumberedFailure(1) || failure == NumberedFailure(2))
              << entry.path() << " byte " << offset;
        }
        for (const auto& input : inputs->inputs) ASSERT_EQ(input, Input(1));
        const bool complete = failures->failures.size() == 2 && inputs->inputs.size() == 1;
        const bool told = !failures->damaged.empty() || !inputs->damaged.empty();
        if (complete || told) continue;
        ++silent_count;
        ASSERT_TRUE(IsLog(entry.path()))
            << entry.path() << " byte " << offset << ": something is lost, and nobody says so";
      }
    }
  }
  EXPECT_LE(silent_count, 6) << "more than the few bytes that say how long a record of a log is";
}

}  // namespace
}  // namespace shootdown
