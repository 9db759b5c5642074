#include "worker/state_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "proto/file_io.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;

constexpr char kMarkerFile[] = "SHOOTDOWN-WORKER";
constexpr char kSchemaWord[] = "schema ";
constexpr std::size_t kMarkerBytesMax = 4096;

std::string MarkerText() {
  return absl::StrFormat(
      "%s%d\n"
      "The state of a Shootdown worker: its secret, and what it found and has not handed in yet.\n"
      "Start one with `shootdown-worker --state FOLDER`. Change nothing here by hand.\n",
      kSchemaWord, kStateSchemaVersion);
}

absl::Status Refused(const std::string& path, const std::string& words) {
  return absl::FailedPreconditionError(absl::StrFormat("state folder %s: %s", path, words));
}

// For its owner alone. OK if it is there already.
absl::Status MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return ErrnoStatus(errno, path);
}

absl::Status CheckMarker(const std::string& path, const std::string& marker) {
  const absl::StatusOr<std::string> text = ReadWholeFile(marker, kMarkerBytesMax);
  if (!text.ok()) return text.status();
  const std::string line = text->substr(0, text->find('\n'));
  int schema = 0;
  if (!line.starts_with(kSchemaWord) ||
      !absl::SimpleAtoi(line.substr(sizeof kSchemaWord - 1), &schema) || schema < 1) {
    return Refused(path, absl::StrFormat("%s does not begin with `schema N`", kMarkerFile));
  }
  if (schema <= kStateSchemaVersion) return absl::OkStatus();
  return Refused(path, absl::StrFormat("has schema %d, but this program knows up to schema %d; a "
                                       "newer shootdown-worker wrote it",
                                       schema, kStateSchemaVersion));
}

}  // namespace

absl::Status PrepareStateFolder(const std::string& folder) {
  // Without slashes at the end, so that what is above it is its parent.
  std::string path = folder;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::string marker = (fs::path(path) / kMarkerFile).string();
  const std::string journal = (fs::path(path) / "journal").string();
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return ErrnoStatus(errno, path);
    std::error_code error;
    const fs::path above = fs::path(path).parent_path();
    if (!above.empty()) fs::create_directories(above, error);
    if (error) return ErrnoStatus(error.value(), above.string());
    if (absl::Status made = MakeFolder(path); !made.ok()) return made;
  } else if (!S_ISDIR(info.st_mode)) {
    return Refused(path, "is a file, wanted a folder");
  }
  absl::StatusOr<std::vector<std::string>> names = NamesIn(path, path);
  if (!names.ok()) return names.status();
  std::erase_if(*names, [](const std::string& name) { return IsLeftover(name, kMarkerFile); });
  if (std::ranges::find(*names, kMarkerFile) != names->end()) {
    if (absl::Status checked = CheckMarker(path, marker); !checked.ok()) return checked;
    return MakeFolder(journal);
  }
  std::error_code error;  // of what cannot be looked at: it is no folder of ours
  const bool ours = std::ranges::all_of(*names, [&](const std::string& name) {
    return (name == "journal" && fs::is_directory(journal, error)) || name == "receipts";
  });
  if (!ours) {
    return Refused(path,
                   absl::StrFormat("is no worker's (it has no file %s), wanted one that is, or "
                                   "an empty folder",
                                   kMarkerFile));
  }
  if (absl::Status marked = WriteWholeFile(marker, MarkerText()); !marked.ok()) return marked;
  return MakeFolder(journal);
}

}  // namespace shootdown
