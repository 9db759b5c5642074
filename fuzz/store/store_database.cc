#include "fuzz/store/store_database.h"

#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"
#include "fuzz/store/store_folder.h"
#include "fuzz/store/store_record.h"
#include "fuzz/store/store_rocksdb.h"

namespace shootdown {
namespace {

// A visit that writes nothing leaves an empty log, and RocksDB 7.8 clears those away only at a
// flush. At this many we cause one.
constexpr std::size_t kLogCountMax = 8;

// What the first two hexadecimal digits say; 0 for a key that has none.
int FirstPair(std::string_view digits) {
  int pair = 0;
  digits = digits.substr(0, 2);
  std::from_chars(digits.data(), digits.data() + digits.size(), pair, 16);
  return pair;
}

}  // namespace

// ------------------------------------------------------------------------------ opening, closing

absl::StatusOr<std::unique_ptr<StoreDatabase>> StoreDatabase::Open(const std::string& path,
                                                                   OpenMode mode) {
  const absl::StatusOr<StoreFolder> folder = InspectStoreFolder(path, mode);
  if (!folder.ok()) return folder.status();
  std::unique_ptr<StoreDatabase> database(new StoreDatabase(path, mode));
  if (*folder != StoreFolder::kStore && mode == OpenMode::kReadOnly) {
    return absl::NotFoundError(absl::StrFormat(
        "store %s: %s", path,
        *folder == StoreFolder::kMissing ? "no such folder" : "nothing has been stored there yet"));
  }
  if (*folder == StoreFolder::kMissing || *folder == StoreFolder::kEmpty) {
    if (absl::Status marked = MarkStoreFolder(path); !marked.ok()) return marked;
  }
  if (*folder != StoreFolder::kStore) {
    if (absl::Status created = database->Create(); !created.ok()) return created;
    return database;
  }

  // The first look is read-only, also for a writer: what is not of our schema is never changed.
  const absl::StatusOr<bool> finished = database->OpenAndCheck();
  if (!finished.ok()) return finished.status();
  if (mode == OpenMode::kReadOnly) {
    if (*finished) return database;
    return absl::NotFoundError(
        absl::StrFormat("store %s: nothing has been stored there yet", path));
  }
  database->Close();
  if (absl::Status opened = *finished ? database->OpenToWrite() : database->Create();
      !opened.ok()) {
    return opened;
  }
  return database;
}

// RocksDB reads the manifest first and the logs next, without a lock. If a writer moves a log into
// a table in between, what was in it is seen in neither. So it counts only if no file came or went.
absl::StatusOr<bool> StoreDatabase::OpenAndCheck() {
  constexpr int kAttemptCountMax = 50;
  for (int attempt = 0; attempt < kAttemptCountMax; ++attempt) {
    const std::vector<std::string> before = DatabaseFiles(path_);
    const absl::StatusOr<std::vector<std::string>> on_disk = FamiliesOnDisk();
    absl::Status opened = on_disk.ok() ? OpenToRead(*on_disk) : on_disk.status();
    absl::StatusOr<bool> finished = opened.ok() ? CheckSchema(*on_disk) : std::move(opened);
    if (DatabaseFiles(path_) == before) return finished;
    Close();
  }
  return absl::UnavailableError(
      absl::StrFormat("store %s: in use: its files change faster than they can be read", path_));
}

absl::StatusOr<std::vector<std::string>> StoreDatabase::FamiliesOnDisk() const {
  std::vector<std::string> names;
  const rocksdb::Status listed =
      rocksdb::DB::ListColumnFamilies(DatabaseOptions(OpenMode::kReadOnly), path_, &names);
  if (!listed.ok()) return ToStatus(path_, listed);
  return names;
}

absl::Status StoreDatabase::OpenToRead(const std::vector<std::string>& on_disk) {
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
  wanted.reserve(on_disk.size());
  for (const std::string& name : on_disk) wanted.emplace_back(name, FamilyOptions());
  Handles handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(DatabaseOptions(OpenMode::kReadOnly),
                                                              path_, wanted, &handles, &db);
  if (!opened.ok()) return ToStatus(path_, opened);
  db_.reset(db);
  TakeHandles(on_disk, handles);
  return absl::OkStatus();
}

absl::Status StoreDatabase::OpenOurFamilies(rocksdb::DBOptions options) {
  std::vector<std::string> names = {rocksdb::kDefaultColumnFamilyName};
  names.insert(names.end(), store_keys::kFamilyNames.begin(), store_keys::kFamilyNames.end());
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
  wanted.reserve(names.size());
  for (const std::string& name : names) wanted.emplace_back(name, FamilyOptions());
  Handles handles;
  rocksdb::DB* db = nullptr;
  options.create_missing_column_families = true;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path_, wanted, &handles, &db);
  if (!opened.ok()) return ToStatus(path_, opened);
  db_.reset(db);
  TakeHandles(names, handles);
  return absl::OkStatus();
}

// Also migrates: a family that the folder's schema did not have yet is added. CheckSchema has seen
// that none is missing which should be there.
absl::Status StoreDatabase::OpenToWrite() {
  if (absl::Status s = OpenOurFamilies(DatabaseOptions(OpenMode::kReadWrite)); !s.ok()) return s;
  const absl::StatusOr<int> schema = ReadSchema();
  if (!schema.ok()) return schema.status();
  const bool old = *schema < store_keys::kSchemaVersion;
  return old || CountLogFiles(path_) > kLogCountMax ? WriteSchema() : absl::OkStatus();
}

absl::Status StoreDatabase::WriteSchema() {
  return Update([&](rocksdb::WriteBatch& batch) {
    batch.Put(Handle(Family::kMeta), ToSlice(store_keys::kSchemaKey),
              std::to_string(store_keys::kSchemaVersion));
    return absl::OkStatus();
  });
}

// Also finishes a creation that was cut short. The schema is written last: it says that all is
// there.
absl::Status StoreDatabase::Create() {
  rocksdb::DBOptions options = DatabaseOptions(OpenMode::kReadWrite);
  options.create_if_missing = true;
  if (absl::Status s = OpenOurFamilies(std::move(options)); !s.ok()) return s;
  return WriteSchema();
}

absl::StatusOr<bool> StoreDatabase::CheckSchema(const std::vector<std::string>& on_disk) const {
  const absl::StatusOr<int> schema =
      Handle(Family::kMeta) == nullptr ? absl::StatusOr<int>(0) : ReadSchema();
  if (!schema.ok()) return schema.status();
  if (*schema == 0) {
    for (const Family family : {Family::kFailures, Family::kCorpus, Family::kService}) {
      if (Handle(family) == nullptr) continue;
      std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, Handle(family)));
      it->SeekToFirst();
      if (it->Valid() || !it->status().ok()) {
        return absl::DataLossError(
            absl::StrFormat("store %s: damaged: it holds data, but no schema version", path_));
      }
    }
    return false;
  }
  if (*schema > store_keys::kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "store %s: has schema %d, but this program knows up to schema %d; a newer Shootdown wrote "
        "it",
        path_, *schema, store_keys::kSchemaVersion));
  }
  for (const std::string_view name : store_keys::kFamilyNames) {
    if (*schema < store_keys::FirstSchemaOf(name)) continue;
    if (std::ranges::find(on_disk, name) == on_disk.end()) {
      return absl::DataLossError(
          absl::StrFormat("store %s: damaged: no column family \"%s\"", path_, std::string(name)));
    }
  }
  for (const std::string& name : on_disk) {
    if (name != rocksdb::kDefaultColumnFamilyName &&
        std::ranges::find(store_keys::kFamilyNames, name) == store_keys::kFamilyNames.end()) {
      return absl::FailedPreconditionError(
          absl::StrFormat("store %s: has a column family \"%s\", which schema %d does not know",
                          path_, name, store_keys::kSchemaVersion));
    }
  }
  return true;
}

// 0: there is none.
absl::StatusOr<int> StoreDatabase::ReadSchema() const {
  const absl::StatusOr<std::optional<std::string>> read =
      Get(Family::kMeta, store_keys::kSchemaKey);
  if (!read.ok()) return read.status();
  const std::optional<std::string>& text = *read;
  if (!text.has_value()) return 0;
  const std::string& digits = *text;
  int schema = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), schema);
  if (error != std::errc() || end != digits.data() + digits.size() || schema < 1) {
    return absl::DataLossError(
        absl::StrFormat("store %s: damaged: its schema version is no number above 0", path_));
  }
  return schema;
}

void StoreDatabase::TakeHandles(const std::vector<std::string>& names, const Handles& handles) {
  SHOOTDOWN_CHECK(names.size() == handles.size());
  all_handles_ = handles;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::ranges::find(store_keys::kFamilyNames, names[i]);
    if (found == store_keys::kFamilyNames.end()) continue;
    families_[static_cast<std::size_t>(found - store_keys::kFamilyNames.begin())] = handles[i];
  }
}

void StoreDatabase::Close() {
  if (db_ == nullptr) return;
  absl::MutexLock lock(&write_mutex_);
  if (anything_written_) {
    // From the log into tables, where damage stays local and opening is quick. What fails here is
    // still in the log.
    rocksdb::FlushOptions options;
    options.allow_write_stall = true;
    db_->Flush(options, all_handles_).PermitUncheckedError();
    for (rocksdb::ColumnFamilyHandle* handle : families_) MergeYoungTables(*db_, handle);
  }
  Release();
}

void StoreDatabase::Release() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : all_handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  all_handles_.clear();
  families_ = {};
  db_->Close().PermitUncheckedError();
  db_.reset();
}

absl::Status StoreDatabase::NotOpen() const {
  return absl::UnavailableError(absl::StrFormat(
      "store %s: cannot be opened again at the moment, after a write that failed", path_));
}

// ----------------------------------------------------------------------------------- writing

absl::Status StoreDatabase::CheckWritable() const {
  if (mode_ == OpenMode::kReadWrite) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("store %s: opened to read only, wanted to write", path_));
}

absl::Status StoreDatabase::Update(const Filler& fill) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  absl::MutexLock lock(&write_mutex_);
  if (absl::Status s = writes_.Prepare(path_, [this] { return OpenAgain(); }); !s.ok()) return s;
  rocksdb::WriteBatch batch;
  if (absl::Status filled = fill(batch); !filled.ok()) return filled;
  return Write(batch);
}

absl::Status StoreDatabase::OpenAgain() {
  absl::MutexLock lock(&open_mutex_);
  Release();
  return OpenOurFamilies(DatabaseOptions(OpenMode::kReadWrite));
}

absl::Status StoreDatabase::Write(rocksdb::WriteBatch& batch) {
  if (batch.Count() == 0) return absl::OkStatus();
  absl::Status written = writes_.Write(*db_, path_, batch);  // D1
  anything_written_ = anything_written_ || written.ok();
  return written;
}

absl::Status StoreDatabase::CompactFamilies() {
  absl::ReaderMutexLock lock(&open_mutex_);
  if (db_ == nullptr) return NotOpen();
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    const rocksdb::Status compacted = db_->CompactRange({}, family, nullptr, nullptr);
    if (!compacted.ok()) return ToStatus(path_, compacted);
  }
  return absl::OkStatus();
}

// RocksDB's checkpoint is synced, and appears under its name in one step. The marker comes last, so
// a copy that was cut short is no store.
absl::Status StoreDatabase::Backup(const std::string& folder) const {
  absl::ReaderMutexLock lock(&open_mutex_);
  if (db_ == nullptr) return NotOpen();
  rocksdb::Checkpoint* made = nullptr;
  if (const rocksdb::Status begun = rocksdb::Checkpoint::Create(db_.get(), &made); !begun.ok()) {
    return ToStatus(path_, begun);
  }
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  const rocksdb::Status copied = checkpoint->CreateCheckpoint(folder);
  if (copied.IsInvalidArgument()) {
    return absl::AlreadyExistsError(absl::StrFormat("%s: there is such a backup already", folder));
  }
  if (!copied.ok()) return ToStatus(folder, copied);
  return MarkStoreFolder(folder);
}

// ----------------------------------------------------------------------------------- reading

absl::StatusOr<std::optional<std::string>> StoreDatabase::Get(Family family,
                                                              std::string_view key) const {
  absl::ReaderMutexLock lock(&open_mutex_);
  if (db_ == nullptr) return NotOpen();
  std::string value;
  const rocksdb::Status got = db_->Get({}, Handle(family), ToSlice(key), &value);
  if (got.IsNotFound()) return std::nullopt;
  if (!got.ok()) return ToStatus(path_, got);
  return value;
}

absl::Status StoreDatabase::Look(Family family, const Looker& look) const {
  absl::ReaderMutexLock lock(&open_mutex_);
  if (db_ == nullptr) return NotOpen();
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, Handle(family)));
  look(*it);
  return ToStatus(path_, it->status());
}

absl::StatusOr<std::vector<std::string>> StoreDatabase::Scan(Family family,
                                                             const std::string& prefix,
                                                             const Visitor& visit) const {
  absl::ReaderMutexLock lock(&open_mutex_);
  if (db_ == nullptr) return NotOpen();
  std::vector<std::string> damaged;
  if (Handle(family) == nullptr) return damaged;  // an older schema, opened to read
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::string from = prefix;
  std::string last = "the start";
  // A block that cannot be read ends an iteration, and does not say where the next one begins. So
  // we go on at the next pair of digits, of which there are 256.
  int next_pair = 0;
  bool lost = false;
  for (;;) {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, Handle(family)));
    for (it->Seek(from); it->Valid() && View(it->key()).starts_with(prefix); it->Next()) {
      last = it->key().ToString();
      visit(last, View(it->value()));
      next_pair = std::max(next_pair, 1 + FirstPair(std::string_view(last).substr(prefix.size())));
      lost = false;
    }
    if (it->status().ok()) return damaged;
    if (!it->status().IsCorruption()) return ToStatus(path_, it->status());
    if (!lost) {
      damaged.push_back(absl::StrFormat("%s after %s: %s", std::string(Name(family)), last,
                                        OneLine(it->status())));
    }
    lost = true;
    if (next_pair > 0xff) return damaged;
    from = prefix + absl::StrFormat("%02x", next_pair);
    ++next_pair;
  }
}

}  // namespace shootdown
