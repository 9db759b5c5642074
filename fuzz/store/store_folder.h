// Whether a folder is ours, before RocksDB comes near it: RocksDB would adopt any folder.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_FOLDER_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_FOLDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/store/store.h"

namespace shootdown {

enum class StoreFolder {
  kMissing,     // no such folder
  kEmpty,       // a folder with nothing in it: it may become a store
  kUnfinished,  // ours, but whoever created it did not come to an end; no data in it
  kStore,       // ours, with a database in it
};

// RocksDB's CURRENT says which data is there; without it RocksDB would start afresh and delete all.
// DATA_LOSS, of `what`, if it is gone from a database's folder while data is there.
[[nodiscard]] absl::Status CheckCurrent(const std::string& path, std::string_view what);

// Only looks, for one who opens it in this `mode`. FAILED_PRECONDITION: a file, or a folder with other
// things in it. DATA_LOSS: ours, and CheckCurrent finds it damaged.
[[nodiscard]] absl::StatusOr<StoreFolder> InspectStoreFolder(const std::string& path, OpenMode mode);

// Creates the folder and those above it, if need be, and the marker in it, all synced.
// REQUIRES: InspectStoreFolder said kMissing or kEmpty.
[[nodiscard]] absl::Status MarkStoreFolder(const std::string& path);

// The names of RocksDB's logs, tables and manifests in the folder, ascending. Numbers in them are
// never used again, so equal names at two times mean that none came or went between.
[[nodiscard]] std::vector<std::string> DatabaseFiles(const std::string& path);

// How many write-ahead logs are in the folder; empty ones count, unlike in RocksDB's own list.
[[nodiscard]] std::size_t CountLogFiles(const std::string& path);

// Whether there is room for what RocksDB writes when it opens a database: writes a file and removes
// it again. RESOURCE_EXHAUSTED if not.
[[nodiscard]] absl::Status CheckRoom(const std::string& path);

// Of the files in the folder itself.
[[nodiscard]] std::uint64_t FolderFileBytes(const std::string& path);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_FOLDER_H_
