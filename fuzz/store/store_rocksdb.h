// RocksDB as the store wants it: small, quiet, quickly opened by short-lived programs, and with
// errors in our words.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_ROCKSDB_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_ROCKSDB_H_

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "fuzz/store/store.h"

namespace shootdown {

[[nodiscard]] rocksdb::DBOptions DatabaseOptions(OpenMode mode);
[[nodiscard]] rocksdb::ColumnFamilyOptions FamilyOptions();

// Merges the youngest tables, up to the first that is more than twice as large as all younger ones
// together: so a record is copied a logarithmic number of times. Does nothing while there are few.
// An error costs only tidiness.
void MergeYoungTables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family);

// What RocksDB says, without line breaks.
[[nodiscard]] std::string OneLine(const rocksdb::Status& status);

// `store PATH: what it means (what RocksDB says)`, with the codes of store.h.
[[nodiscard]] absl::Status ToStatus(const std::string& path, const rocksdb::Status& status);

// Writes to a database, each of them synced, one at a time. After a failed write RocksDB's log cannot
// be written any more, even when there is room again, and Resume() helps with some errors only: not if
// it was a quota, or a limit on files. Opening does, and reads what is there as after a kill.
class SyncedWrites {
 public:
  // Before each write. If the last one failed, `open_again` opens the database anew, once there is room
  // in `folder`: what cannot be opened could not even be read. Its status, or why there is no room.
  [[nodiscard]] absl::Status Prepare(const std::string& folder,
                                     const std::function<absl::Status()>& open_again);
  // `path` is for messages. REQUIRES: Prepare() was OK.
  [[nodiscard]] absl::Status Write(rocksdb::DB& db, const std::string& path,
                                   rocksdb::WriteBatch& batch);

 private:
  bool last_failed_ = false;
};

// Until the iterator or slice moves on.
[[nodiscard]] inline std::string_view View(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}
[[nodiscard]] inline rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_ROCKSDB_H_
