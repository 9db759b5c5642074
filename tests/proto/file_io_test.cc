#include "proto/file_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

int FileCount(const std::string& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// The exit status of a child process that runs `body`; -1 if it was killed.
template <class Body>
int InChild(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(FileIoTest, WhatWasWrittenIsRead) {
  const ScratchFolder folder;
  const std::string bytes("a\0b\n\xff", 5);

  ASSERT_TRUE(WriteWholeFile(folder / "f", bytes).ok());

  const auto read = ReadWholeFile(folder / "f", 5);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, bytes);
  EXPECT_EQ(FileCount(folder.path()), 1) << "a temporary file is left over";
}

TEST(FileIoTest, AFileAboveTheLimitIsRefused) {
  const ScratchFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "f", "123456").ok());

  const auto read = ReadWholeFile(folder / "f", 5);

  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("more than 5 bytes"));
}

TEST(FileIoTest, WhatIsNoRegularFileIsRefused) {
  const ScratchFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);

  EXPECT_THAT(std::string(ReadWholeFile(folder.path(), 5).status().message()),
              HasSubstr("is a folder, wanted a file"));
  EXPECT_THAT(std::string(ReadWholeFile(folder / "pipe", 5).status().message()),
              HasSubstr("is no regular file"));
  EXPECT_EQ(WriteWholeFile(folder.path(), "x").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(WriteWholeFile(folder / "pipe", "x").code(), absl::StatusCode::kInvalidArgument);
}

TEST(FileIoTest, WhatCannotBeWrittenIsKnownBeforeAndNothingIsLeftBehind) {
  const ScratchFolder folder;

  EXPECT_TRUE(CanWriteWholeFile(folder / "new").ok());
  EXPECT_EQ(CanWriteWholeFile(folder.path()).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CanWriteWholeFile(folder / "no/new").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(FileCount(folder.path()), 0);
}

TEST(FileIoTest, AFolderSaysWhatIsInItAndWhatAKilledWriteLeftThere) {
  const ScratchFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "a", "1").ok());
  ASSERT_TRUE(WriteWholeFile(folder / "a.tmp-12-0", "2").ok());

  const absl::StatusOr<std::vector<std::string>> names = NamesIn(folder.path(), "store");

  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_EQ(std::set(names->begin(), names->end()), (std::set<std::string>{"a", "a.tmp-12-0"}));
  EXPECT_TRUE(IsLeftover("a.tmp-12-0", "a"));
  EXPECT_FALSE(IsLeftover("a.tmp-12-0", "b"));
  EXPECT_FALSE(IsLeftover("a", "a"));
  EXPECT_EQ(NamesIn(folder / "none", "store").status().message(), "store: No such file or directory");
}

TEST(FileIoTest, AMissingFolderIsNotFound) {
  const ScratchFolder folder;

  EXPECT_EQ(WriteWholeFile(folder / "no/f", "x").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadWholeFile(folder / "no/f", 1).status().code(), absl::StatusCode::kNotFound);
}

TEST(FileIoTest, AWriteThatDoesNotFitLeavesTheOldFile) {
  const ScratchFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "f", "old").ok());

  const int code = InChild([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 99;
    return static_cast<int>(WriteWholeFile(folder / "f", std::string(10'000, 'x')).code());
  });

  EXPECT_EQ(code, static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(*ReadWholeFile(folder / "f", 100), "old");
  EXPECT_EQ(FileCount(folder.path()), 1) << "a temporary file is left over";
}

TEST(FileIoTest, WithoutPermissionTheOldFileStays) {
  const ScratchFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "f", "old").ok());
  ASSERT_EQ(::chmod((folder / "f").c_str(), 0), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);

  const int codes = InChild([&] {
    constexpr uid_t kNobody = 65534;  // permissions do not stop root
    if (::geteuid() == 0 && ::seteuid(kNobody) != 0) return 99;
    const auto read = static_cast<int>(ReadWholeFile(folder / "f", 9).status().code());
    const auto write = static_cast<int>(WriteWholeFile(folder / "f", "new").code());
    return read == write ? read : 98;
  });

  EXPECT_EQ(codes, static_cast<int>(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  EXPECT_EQ(::chmod((folder / "f").c_str(), 0644), 0);
  EXPECT_EQ(*ReadWholeFile(folder / "f", 9), "old");
}

}  // namespace
}  // namespace shootdown
