// What the tests of the store let another process do. Prints numbers as bytes; ends with 0 if all
// went as it should.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "fuzz/store/store.h"
#include "tests/fuzz/store/store_testing.h"

namespace shootdown {
namespace {

bool Print(int number) { return ::write(STDOUT_FILENO, &number, sizeof number) == sizeof number; }

int Fail(const std::string& what, const absl::Status& status) {
  std::fprintf(stderr, "store_child: %s: %s\n", what.c_str(), status.ToString().c_str());
  return 1;
}

Failure FailureOfBytes(int n, std::size_t bytes) {
  Failure failure = NumberedFailure(n);
  failure.trace.resize(bytes / 200, {.text = std::string(200, 'x'), .hash = 0});
  return failure;
}

// Stores failures and inputs without end, and prints each number when it has been acknowledged.
int Write(const std::string& path, int first) {
  auto store = Store::Open(path, OpenMode::kReadWrite);
  if (!store.ok()) return Fail("open", store.status());
  for (int n = first;; ++n) {
    // Large enough that tables are written and merged within the test.
    const auto bytes = static_cast<std::size_t>(n % 7) * 8000;
    if (auto put = (*store)->PutFailure(FailureOfBytes(n, bytes)); !put.ok()) {
      return Fail("put", put);
    }
    if (auto put = (*store)->PutInputs(kScenarioKey, {{Input(n % 30'000)}}); !put.ok()) {
      return Fail("put", put);
    }
    if (!Print(n)) return 2;
  }
}

// Has the store open until it is killed.
int Hold(const std::string& path) {
  auto store = Store::Open(path, OpenMode::kReadWrite);
  if (!store.ok()) return Fail("open", store.status());
  if (auto put = (*store)->PutFailure(NumberedFailure(1)); !put.ok()) return Fail("put", put);
  if (!Print(1)) return 2;
  for (;;) ::pause();
}

int OpenAsNobody(const std::string& path, OpenMode mode) {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() == 0 && ::setuid(kNobody) != 0) return 99;
  return static_cast<int>(Store::Open(path, mode).status().code());
}

// Puts failures until one is refused, and returns how many were not.
int PutUntilRefused(Store& store, absl::Status& refusal) {
  for (int n = 0;; ++n) {
    refusal = store.PutFailure(FailureOfBytes(n, 40'000));
    if (!refusal.ok() || n == 1000) return n;
  }
}

int CheckAll(const std::string& path, int count) {
  auto store = Store::Open(path, OpenMode::kReadOnly);
  if (!store.ok()) return Fail("reopen", store.status());
  for (int n = 0; n < count; ++n) {
    auto found = (*store)->GetFailure(FailureId(NumberedFailure(n)));
    if (!found.ok()) return Fail("lost " + std::to_string(n), found.status());
  }
  return 0;
}

// A file system of `size` for this process alone, over `folder`.
bool MountSmallDisk(const std::string& folder, const char* size) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, size) == 0;
}

// A disk runs full, keeps what it has, and takes more when there is room again.
int DiskFull(const std::string& folder) {
  if (!MountSmallDisk(folder, "size=3m")) return 77;
  const std::string path = folder + "/store";
  const std::string ballast = folder + "/ballast";
  if (FILE* file = std::fopen(ballast.c_str(), "w")) {
    for (int i = 0; i < 1024; ++i) std::fwrite(std::string(1024, 'x').data(), 1, 1024, file);
    std::fclose(file);
  }
  auto store = Store::Open(path, OpenMode::kReadWrite);
  if (!store.ok()) return Fail("open", store.status());
  absl::Status refusal;
  const int count = PutUntilRefused(**store, refusal);
  if (count < 10) return Fail("too early", refusal);
  if (refusal.code() != absl::StatusCode::kResourceExhausted) return Fail("wrong code", refusal);
  const absl::Status again = (*store)->PutFailure(FailureOfBytes(count, 40'000));
  if (again.code() != absl::StatusCode::kResourceExhausted) return Fail("second refusal", again);

  std::filesystem::remove(ballast);
  const absl::Status after = (*store)->PutFailure(FailureOfBytes(count, 40'000));
  if (!after.ok()) return Fail("after making room", after);
  store->reset();
  return CheckAll(path, count + 1);
}

// A disk too full even to create a store leaves something that a later opening can finish.
int DiskFullFromTheStart(const std::string& folder) {
  if (!MountSmallDisk(folder, "size=16k")) return 77;
  const std::string path = folder + "/store";
  const absl::Status opened = Store::Open(path, OpenMode::kReadWrite).status();
  if (opened.code() != absl::StatusCode::kResourceExhausted) return Fail("first opening", opened);
  if (::mount("none", folder.c_str(), nullptr, MS_REMOUNT, "size=3m") != 0) return 78;
  const absl::Status second = Store::Open(path, OpenMode::kReadWrite).status();
  return second.ok() ? 0 : Fail("second opening", second);
}

// The same with a limit on the size of files: works without any rights.
int FileLimit(const std::string& path) {
  std::signal(SIGXFSZ, SIG_IGN);
  auto store = Store::Open(path, OpenMode::kReadWrite);
  if (!store.ok()) return Fail("open", store.status());
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{.rlim_cur = 1 << 20, .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return 78;
  absl::Status refusal;
  const int count = PutUntilRefused(**store, refusal);
  if (count < 10) return Fail("too early", refusal);
  if (refusal.code() != absl::StatusCode::kResourceExhausted) return Fail("wrong code", refusal);
  if (auto read = (*store)->ListFailures(); !read.ok()) return Fail("read", read.status());
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 78;
  if (auto put = (*store)->PutFailure(NumberedFailure(count)); !put.ok()) {
    return Fail("put without the limit", put);
  }
  store->reset();
  return CheckAll(path, count + 1);
}

int Main(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "write") return Write(words[1], std::stoi(words[2]));
  if (words.size() == 2 && words[0] == "hold") return Hold(words[1]);
  if (words.size() == 3 && words[0] == "open-as-nobody") {
    return OpenAsNobody(words[1], words[2] == "ro" ? OpenMode::kReadOnly : OpenMode::kReadWrite);
  }
  if (words.size() == 2 && words[0] == "disk-full") return DiskFull(words[1]);
  if (words.size() == 2 && words[0] == "disk-full-from-the-start") {
    return DiskFullFromTheStart(words[1]);
  }
  if (words.size() == 2 && words[0] == "file-limit") return FileLimit(words[1]);
  return 98;
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  return shootdown::Main(std::vector<std::string>(argv + 1, argv + argc));
}
