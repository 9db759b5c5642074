// The RocksDB database of a store: opened only if the folder is a store of a schema that we know,
// migrated if it is an old one, its families by name; writing that is synced, and reading that goes
// on behind damage. What its records mean is not known here.
//
// Errors: store.h.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_DATABASE_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_DATABASE_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "fuzz/store/store.h"
#include "fuzz/store/store_keys.h"
#include "fuzz/store/store_rocksdb.h"

namespace shootdown {

class StoreDatabase {
 public:
  using Family = store_keys::Family;

  // As Store::Open.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<StoreDatabase>> Open(const std::string& path,
                                                                           OpenMode mode);
  ~StoreDatabase() { Close(); }
  StoreDatabase(const StoreDatabase&) = delete;
  StoreDatabase& operator=(const StoreDatabase&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // nullptr: of a newer schema than that of a folder that was opened to read. REQUIRES: called
  // while nothing is written, or within Update().
  [[nodiscard]] rocksdb::ColumnFamilyHandle* Handle(Family family) const {
    return families_[static_cast<std::size_t>(family)];
  }

  // FAILED_PRECONDITION if it was opened to read only.
  [[nodiscard]] absl::Status CheckWritable() const;
  // Writes what `fill` puts into the batch: all of it, synced, or nothing. One at a time, so that
  // what `fill` reads stays as it is until the batch is written. After a write that failed, the next
  // one begins by opening the database anew; if that fails as well, reads are UNAVAILABLE until it
  // succeeds.
  using Filler = std::function<absl::Status(rocksdb::WriteBatch& batch)>;
  [[nodiscard]] absl::Status Update(const Filler& fill);

  // The value under `key`, or nothing.
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> Get(Family family,
                                                               std::string_view key) const;
  // `look` moves an iterator over a family that is there.
  using Looker = std::function<void(rocksdb::Iterator& it)>;
  [[nodiscard]] absl::Status Look(Family family, const Looker& look) const;
  // `visit(key, value)` is called for each key that begins with `prefix`, ascending. Returns what
  // cannot be read. REQUIRES: hexadecimal digits follow the prefix in every key.
  using Visitor = std::function<void(std::string_view key, std::string_view value)>;
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> Scan(Family family,
                                                              const std::string& prefix,
                                                              const Visitor& visit) const;

  // Gives back the room of what was deleted.
  [[nodiscard]] absl::Status CompactFamilies();
  [[nodiscard]] absl::Status Backup(const std::string& folder) const;

 private:
  using Handles = std::vector<rocksdb::ColumnFamilyHandle*>;

  StoreDatabase(std::string path, OpenMode mode) : path_(std::move(path)), mode_(mode) {}

  absl::StatusOr<bool> OpenAndCheck();
  absl::StatusOr<std::vector<std::string>> FamiliesOnDisk() const;
  absl::Status OpenToRead(const std::vector<std::string>& on_disk);
  absl::Status OpenToWrite();
  absl::Status OpenOurFamilies(rocksdb::DBOptions options);
  absl::Status Create();
  absl::Status WriteSchema();
  // OK and false: nothing has been stored, because creation was cut short.
  absl::StatusOr<bool> CheckSchema(const std::vector<std::string>& on_disk) const;
  absl::StatusOr<int> ReadSchema() const;
  void TakeHandles(const std::vector<std::string>& names, const Handles& handles);
  void Close();
  void Release();
  absl::Status OpenAgain();
  [[nodiscard]] absl::Status NotOpen() const;
  absl::Status Write(rocksdb::WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  const std::string path_;
  const OpenMode mode_;
  // Held while one reads, and alone while the database is opened anew. Taken after write_mutex_.
  mutable absl::Mutex open_mutex_;
  std::unique_ptr<rocksdb::DB> db_;
  Handles all_handles_;
  std::array<rocksdb::ColumnFamilyHandle*, store_keys::kFamilyNames.size()> families_{};

  absl::Mutex write_mutex_;
  SyncedWrites writes_ ABSL_GUARDED_BY(write_mutex_);
  bool anything_written_ ABSL_GUARDED_BY(write_mutex_) = false;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_DATABASE_H_
