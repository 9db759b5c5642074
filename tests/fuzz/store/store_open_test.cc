// Opening: what is ours, what is not, and what a store does to a folder that is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "fuzz/store/store.h"
#include "fuzz/store/store_keys.h"
#include "tests/fuzz/store/store_testing.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;

// Every file below `folder`, with its bytes.
std::map<std::string, std::string> Files(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    std::stringstream bytes;
    if (entry.is_regular_file()) bytes << std::ifstream(entry.path()).rdbuf();
    files[entry.path().string()] = bytes.str();
  }
  return files;
}

class StoreOpenTest : public testing::Test {
 protected:
  // A store with one failure and one input.
  void MakeStore() {
    auto store = Store::Open(path_, OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->PutFailure(NumberedFailure(1)).ok());
    ASSERT_TRUE((*store)->PutInputs(kScenarioKey, {{Input(1)}}).ok());
  }

  // Opening in either mode fails in the same words, on one line, and changes nothing.
  void ExpectRefused(absl::StatusCode code, const std::string& words) {
    const auto before = Files(folder_.path());
    for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
      const absl::Status status = Store::Open(path_, mode).status();
      EXPECT_EQ(status.code(), code) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("store " + path_ + ": "));
      EXPECT_THAT(std::string(status.message()), HasSubstr(words));
      EXPECT_EQ(status.message().find('\n'), std::string::npos);
    }
    EXPECT_EQ(Files(folder_.path()), before);
  }

  ScratchFolder folder_;
  const std::string path_ = folder_ / "store";
};

TEST_F(StoreOpenTest, AMissingFolderIsCreatedWithThoseAboveIt) {
  const std::string deep = folder_ / "a/b/c";

  EXPECT_TRUE(Store::Open(deep, OpenMode::kReadWrite).ok());

  EXPECT_TRUE(Store::Open(deep, OpenMode::kReadOnly).ok());
}

TEST_F(StoreOpenTest, AnEmptyFolderBecomesAStore) {
  fs::create_directory(path_);

  EXPECT_TRUE(Store::Open(path_, OpenMode::kReadWrite).ok());
}

TEST_F(StoreOpenTest, AReaderCreatesNothing) {
  EXPECT_EQ(Store::Open(path_, OpenMode::kReadOnly).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(path_));

  fs::create_directory(path_);
  EXPECT_EQ(Store::Open(path_, OpenMode::kReadOnly).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(fs::is_empty(path_));
}

TEST_F(StoreOpenTest, AReaderLeavesTheStoreAsItWas) {
  MakeStore();
  const auto before = Files(path_);

  {
    EXPECT_THAT((*Store::Open(path_, OpenMode::kReadOnly))->ListFailures()->failures, SizeIs(1));
  }

  EXPECT_EQ(Files(path_), before);
}

TEST_F(StoreOpenTest, AFileIsRefused) {
  std::ofstream(path_) << "text";

  ExpectRefused(absl::StatusCode::kFailedPrecondition, "is a file, wanted a folder");
}

TEST_F(StoreOpenTest, AFolderWithOtherThingsIsRefused) {
  fs::create_directory(path_);
  std::ofstream(path_ + "/thesis.tex") << "text";

  ExpectRefused(absl::StatusCode::kFailedPrecondition, "not a Shootdown store");
  // Who only reads would not be helped by an empty folder.
  const auto words = [&](OpenMode mode) {
    return std::string(Store::Open(path_, mode).status().message());
  };
  EXPECT_THAT(words(OpenMode::kReadWrite), EndsWith("or an empty one"));
  EXPECT_THAT(words(OpenMode::kReadOnly), EndsWith("the folder of a store"));
}

TEST_F(StoreOpenTest, AnotherRocksDatabaseIsRefused) {
  {
    RawDatabase(path_, /*create=*/true).Put("default", "k", "v");
  }

  ExpectRefused(absl::StatusCode::kFailedPrecondition, "not a Shootdown store");
}

TEST_F(StoreOpenTest, ANewerSchemaIsRefused) {
  MakeStore();
  {
    RawDatabase(path_).Put("meta", "schema", "3");
  }

  ExpectRefused(absl::StatusCode::kFailedPrecondition,
                "has schema 3, but this program knows up to schema 2");
}

TEST_F(StoreOpenTest, AnOlderSchemaIsReadAsItIsAndMigratedWhenWritten) {
  MakeStore();
  {
    RawDatabase raw(path_);
    raw.DropFamily("service");
    raw.Put("meta", "schema", "1");
  }
  {
    const auto store = Store::Open(path_, OpenMode::kReadOnly);
    ASSERT_TRUE(store.ok()) << store.status();
    int row_count = 0;
    EXPECT_TRUE((*store)->VisitService("", [&](auto, auto) { ++row_count; }).ok());
    EXPECT_EQ(row_count, 0);
  }
  EXPECT_EQ(RawDatabase(path_).Get("meta", "schema"), "1");
  {
    const auto store = Store::Open(path_, OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE((*store)->Commit({.service = {{.key = "k", .value = "v"}}}).ok());
  }
  EXPECT_EQ(RawDatabase(path_).Get("meta", "schema"), "2");
}

TEST_F(StoreOpenTest, ASchemaThatIsNoNumberIsDamage) {
  MakeStore();
  for (const char* schema : {"", "one", "0", "-1", "1x"}) {
    {
      RawDatabase(path_).Put("meta", "schema", schema);
    }
    ExpectRefused(absl::StatusCode::kDataLoss, "schema version is no number above 0");
  }
}

TEST_F(StoreOpenTest, DataWithoutASchemaIsDamage) {
  MakeStore();
  {
    RawDatabase(path_).Delete("meta", "schema");
  }

  ExpectRefused(absl::StatusCode::kDataLoss, "it holds data, but no schema version");
}

TEST_F(StoreOpenTest, AMissingColumnFamilyIsNamed) {
  MakeStore();
  {
    RawDatabase(path_).DropFamily("corpus");
  }

  ExpectRefused(absl::StatusCode::kDataLoss, "no column family \"corpus\"");
}

TEST_F(StoreOpenTest, AnUnknownColumnFamilyIsNamed) {
  MakeStore();
  {
    RawDatabase(path_).CreateFamily("leases");
  }

  ExpectRefused(absl::StatusCode::kFailedPrecondition, "has a column family \"leases\"");
}

TEST_F(StoreOpenTest, AMissingCurrentFileIsDamageAndNotAFreshStart) {
  MakeStore();
  fs::remove(path_ + "/CURRENT");

  ExpectRefused(absl::StatusCode::kDataLoss, "its file CURRENT is missing");
}

TEST_F(StoreOpenTest, AMissingManifestIsDamage) {
  MakeStore();
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) fs::remove(entry.path());
  }

  ExpectRefused(absl::StatusCode::kDataLoss, "damaged");
}

TEST_F(StoreOpenTest, AMissingTableIsDamage) {
  MakeStore();
  {
    MakeStore();
  }  // once more, so that all lies in tables
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (entry.path().extension() == ".sst") fs::remove(entry.path());
  }

  for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    EXPECT_EQ(Store::Open(path_, mode).status().code(), absl::StatusCode::kDataLoss);
  }
}

// Each state that a kill can leave behind on the way to a store.
TEST_F(StoreOpenTest, ACreationThatWasCutShortIsFinished) {
  const auto make = [&](const std::string& name, bool marker, int families) {
    const std::string path = folder_ / name;
    fs::create_directory(path);
    if (marker) {
      std::ofstream(path + '/' + std::string(store_keys::kMarkerFile)) << store_keys::kMarkerText;
    } else {
      std::ofstream(path + '/' + std::string(store_keys::kMarkerFile) + ".tmp-77-0") << "Th";
    }
    if (families >= 0) {
      RawDatabase raw(path, /*create=*/true);
      for (int i = 0; i < families; ++i) {
        raw.CreateFamily(std::string(store_keys::kFamilyNames[static_cast<std::size_t>(i)]));
      }
    }
    return path;
  };
  for (const std::string& path :
       {make("half-marker", false, -1), make("marker", true, -1), make("database", true, 0),
        make("one-family", true, 1), make("all-families", true, 3)}) {
    EXPECT_EQ(Store::Open(path, OpenMode::kReadOnly).status().code(), absl::StatusCode::kNotFound)
        << path;
    auto store = Store::Open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE((*store)->PutFailure(NumberedFailure(1)).ok()) << path;
    store->reset();
    EXPECT_THAT((*Store::Open(path, OpenMode::kReadOnly))->ListFailures()->failures, SizeIs(1));
  }
}

TEST_F(StoreOpenTest, ASecondWriterIsTurnedAwayAndAReaderIsNot) {
  Child writer({"hold", path_});
  ASSERT_TRUE(writer.ReadNumber().has_value());

  const absl::Status second = Store::Open(path_, OpenMode::kReadWrite).status();
  const auto reader = Store::Open(path_, OpenMode::kReadOnly);

  EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable) << second;
  EXPECT_THAT(std::string(second.message()), HasSubstr("in use: another process has it open"));
  EXPECT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT((*reader)->ListFailures()->failures, SizeIs(1));

  writer.Kill();
  EXPECT_EQ(writer.Wait(), -1);
  EXPECT_TRUE(Store::Open(path_, OpenMode::kReadWrite).ok()) << "a dead writer's lock stayed";
}

TEST_F(StoreOpenTest, ALockInThisProcessIsNoticedToo) {
  const auto first = Store::Open(path_, OpenMode::kReadWrite);
  ASSERT_TRUE(first.ok());

  EXPECT_EQ(Store::Open(path_, OpenMode::kReadWrite).status().code(),
            absl::StatusCode::kUnavailable);
}

// Permissions do not stop root, so a child asks as somebody else.
absl::StatusCode OpenAsNobody(const std::string& path, OpenMode mode) {
  Child child({"open-as-nobody", path, mode == OpenMode::kReadOnly ? "ro" : "rw"});
  return static_cast<absl::StatusCode>(child.Wait());
}

TEST_F(StoreOpenTest, MissingPermissionsAreSaid) {
  MakeStore();
  fs::create_directory(folder_ / "theirs");
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder_ / "theirs").c_str(), 0555), 0);

  // May look, but not write.
  ASSERT_EQ(::chmod(path_.c_str(), 0555), 0);
  for (const auto& entry : fs::directory_iterator(path_)) {
    ASSERT_EQ(::chmod(entry.path().c_str(), 0444), 0);
  }
  EXPECT_EQ(OpenAsNobody(path_, OpenMode::kReadOnly), absl::StatusCode::kOk);
  EXPECT_EQ(OpenAsNobody(path_, OpenMode::kReadWrite), absl::StatusCode::kPermissionDenied);
  // May create nothing, here or below.
  EXPECT_EQ(OpenAsNobody(folder_ / "theirs", OpenMode::kReadWrite),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(OpenAsNobody(folder_ / "theirs/new", OpenMode::kReadWrite),
            absl::StatusCode::kPermissionDenied);
  // May not even look.
  ASSERT_EQ(::chmod(path_.c_str(), 0), 0);
  EXPECT_EQ(OpenAsNobody(path_, OpenMode::kReadOnly), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(OpenAsNobody(path_, OpenMode::kReadWrite), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(::chmod(path_.c_str(), 0755), 0);
  EXPECT_EQ(::chmod((folder_ / "theirs").c_str(), 0755), 0);
}

TEST_F(StoreOpenTest, ManyShortVisitsLeaveFewFiles) {
  for (int n = 0; n < 100; ++n) {
    auto store = Store::Open(path_, OpenMode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->PutFailure(NumberedFailure(n)).ok());
    if (n % 3 == 0) {
      ASSERT_TRUE((*store)->PutInputs(kScenarioKey, {{Input(n)}}).ok());
    }
  }

  EXPECT_THAT((*Store::Open(path_, OpenMode::kReadOnly))->ListFailures()->failures, SizeIs(100));
  EXPECT_LE(Files(path_).size(), 40u);
}

TEST_F(StoreOpenTest, ManyVisitsThatWriteNothingLeaveFewFiles) {
  for (int n = 0; n < 50; ++n) ASSERT_TRUE(Store::Open(path_, OpenMode::kReadWrite).ok());

  EXPECT_LE(Files(path_).size(), 30u);
}

}  // namespace
}  // namespace shootdown
