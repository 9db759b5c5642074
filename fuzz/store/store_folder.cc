#include "fuzz/store/store_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/store/store_keys.h"
#include "proto/file_io.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCurrent = "CURRENT";

// For messages.
std::string Said(const std::string& path) { return absl::StrFormat("store %s", path); }

// RocksDB's write-ahead logs are called `000007.log`, its tables `000012.sst`.
bool IsLog(const std::string& name) { return name.ends_with(".log"); }

bool IsData(const std::string& name) { return IsLog(name) || name.ends_with(".sst"); }

}  // namespace

absl::Status CheckCurrent(const std::string& path, std::string_view what) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(path, what);
  if (!names.ok()) return names.status();
  if (std::ranges::find(*names, kCurrent) != names->end() || std::ranges::none_of(*names, IsData)) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrFormat("%s: damaged: its file CURRENT is missing", what));
}

absl::StatusOr<StoreFolder> InspectStoreFolder(const std::string& path, OpenMode mode) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return StoreFolder::kMissing;
    if (errno == ENOTDIR) {
      return absl::FailedPreconditionError(
          absl::StrFormat("store %s: a part of the path is a file, wanted folders", path));
    }
    return ErrnoStatus(errno, Said(path));
  }
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrFormat("store %s: is a file, wanted a folder", path));
  }

  const absl::StatusOr<std::vector<std::string>> names = NamesIn(path, Said(path));
  if (!names.ok()) return names.status();
  if (std::ranges::all_of(*names, [](const std::string& name) {
        return IsLeftover(name, store_keys::kMarkerFile);
      })) {
    return StoreFolder::kEmpty;
  }
  const auto has = [&](std::string_view name) {
    return std::ranges::find(*names, name) != names->end();
  };
  if (!has(store_keys::kMarkerFile)) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "store %s: not a Shootdown store (it has no file %s), wanted the folder of a store%s", path,
        std::string(store_keys::kMarkerFile),
        mode == OpenMode::kReadWrite ? ", or an empty one" : ""));
  }
  if (has(kCurrent)) return StoreFolder::kStore;
  if (absl::Status current = CheckCurrent(path, Said(path)); !current.ok()) return current;
  return StoreFolder::kUnfinished;
}

absl::Status MarkStoreFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return ErrnoStatus(error.value(), Said(path));
  return WriteWholeFile((fs::path(path) / store_keys::kMarkerFile).string(),
                        store_keys::kMarkerText);
}

std::vector<std::string> DatabaseFiles(const std::string& path) {
  absl::StatusOr<std::vector<std::string>> names = NamesIn(path, Said(path));
  if (!names.ok()) return {};
  std::erase_if(*names, [](const std::string& name) {
    return !IsData(name) && !name.starts_with("MANIFEST");
  });
  std::ranges::sort(*names);
  return *std::move(names);
}

std::size_t CountLogFiles(const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(path, Said(path));
  return names.ok() ? static_cast<std::size_t>(std::ranges::count_if(*names, IsLog)) : 0;
}

absl::Status CheckRoom(const std::string& path) {
  constexpr std::size_t kBytes = 256 << 10;
  const std::string file = (fs::path(path) / "SHOOTDOWN-ROOM").string();
  absl::Status written = WriteWholeFile(file, std::string(kBytes, '0'));
  std::error_code ignored;
  fs::remove(file, ignored);
  if (!absl::IsResourceExhausted(written)) return written;
  // Nobody who reads this knows the file.
  return absl::ResourceExhaustedError(absl::StrFormat("%s: the disk is full", Said(path)));
}

std::uint64_t FolderFileBytes(const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(path, Said(path));
  if (!names.ok()) return 0;
  std::uint64_t bytes = 0;
  for (const std::string& name : *names) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(fs::path(path) / name, error);
    if (!error) bytes += size;  // a file that has just gone, or a folder
  }
  return bytes;
}

}  // namespace shootdown
