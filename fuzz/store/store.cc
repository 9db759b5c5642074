#include "fuzz/store/store.h"

#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "fuzz/base/check.h"
#include "fuzz/store/store_folder.h"
#include "fuzz/store/store_keys.h"
#include "fuzz/store/store_record.h"
#include "fuzz/store/store_rocksdb.h"
#include "proto/convert.h"

namespace shootdown {
namespace {

using store_keys::Family;

// A visit that writes nothing leaves an empty log, and RocksDB 7.8 clears those away only at a
// flush. At this many we cause one.
constexpr std::size_t kLogCountMax = 8;

// What a batch may hold before it is written: a merge of any size needs this much memory.
constexpr std::size_t kBatchBytesMax = 4 << 20;

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// What the first two hexadecimal digits say; 0 for a key that has none.
int FirstPair(std::string_view digits) {
  int pair = 0;
  std::from_chars(digits.data(), digits.data() + std::min<std::size_t>(digits.size(), 2), pair, 16);
  return pair;
}

// Good enough to bound a batch: the trace is nearly all of a failure.
std::size_t ApproximateBytes(const Failure& failure) {
  std::size_t bytes = failure.scenario_text.size() + failure.schedule_text.size() +
                      failure.found_schedule_text.size();
  for (const TraceStep& step : failure.trace) bytes += step.text.size() + sizeof step.hash;
  return bytes;
}

}  // namespace

class Store::Impl {
 public:
  static absl::StatusOr<std::unique_ptr<Impl>> Open(const std::string& path, OpenMode mode);

  Impl(std::string path, OpenMode mode) : path_(std::move(path)), mode_(mode) {}
  ~Impl() { Close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const std::string& path() const { return path_; }

  absl::Status Commit(std::span<const Failure> failures, std::span<const StoreBatch::Input> inputs,
                      std::span<const ServiceChange> service);
  absl::StatusOr<bool> HasInput(std::string_view scenario_key, std::string_view input_hash) const;
  absl::StatusOr<Compacted> Compact(const KeepInput& keep, DryRun dry_run);
  absl::Status Backup(const std::string& folder) const;
  absl::StatusOr<Failure> FindFailure(std::string_view id_or_prefix) const;

  absl::StatusOr<std::vector<std::string>> ListScenarioKeys() const;
  absl::Status CheckScenarioKey(std::string_view key) const;

  // `visit(key, value)` is called for each key that begins with `prefix`, ascending. Returns what
  // cannot be read. REQUIRES: hexadecimal digits follow the prefix in every key.
  using Visitor = std::function<void(std::string_view key, std::string_view value)>;
  absl::StatusOr<std::vector<std::string>> Scan(Family family, const std::string& prefix,
                                                const Visitor& visit) const;

 private:
  using Handles = std::vector<rocksdb::ColumnFamilyHandle*>;

  absl::StatusOr<bool> OpenAndCheck();
  absl::StatusOr<std::vector<std::string>> FamiliesOnDisk() const;
  absl::Status OpenToRead(const std::vector<std::string>& on_disk);
  absl::Status OpenToWrite();
  absl::Status Create();
  absl::Status WriteSchema();
  // OK and false: nothing has been stored, because creation was cut short.
  absl::StatusOr<bool> CheckSchema(const std::vector<std::string>& on_disk) const;
  absl::StatusOr<int> ReadSchema() const;
  void TakeHandles(const std::vector<std::string>& names, const Handles& handles);
  void Close();

  [[nodiscard]] rocksdb::ColumnFamilyHandle* Handle(Family family) const {
    return families_[static_cast<std::size_t>(family)];
  }
  // The value under `key`, or nothing.
  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const;
  absl::Status FindFitting(const std::string& prefix, std::vector<std::string>& fitting,
                           std::string& value) const;
  absl::StatusOr<std::optional<FailureRecord>> GetRecord(const std::string& id) const;
  absl::Status AddFailures(std::span<const Failure> failures, rocksdb::WriteBatch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status AddInputs(std::span<const StoreBatch::Input> inputs, rocksdb::WriteBatch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status Write(rocksdb::WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status CheckWritable() const;

  const std::string path_;
  const OpenMode mode_;
  std::unique_ptr<rocksdb::DB> db_;
  Handles all_handles_;
  std::array<rocksdb::ColumnFamilyHandle*, store_keys::kFamilyNames.size()> families_{};

  // Held from the reading of old records to the commit of new ones, so that no merge is lost.
  absl::Mutex write_mutex_;
  bool last_write_failed_ ABSL_GUARDED_BY(write_mutex_) = false;
  bool anything_written_ ABSL_GUARDED_BY(write_mutex_) = false;
};

// ------------------------------------------------------------------------------ opening, closing

absl::StatusOr<std::unique_ptr<Store::Impl>> Store::Impl::Open(const std::string& path,
                                                               OpenMode mode) {
  const absl::StatusOr<StoreFolder> folder = InspectStoreFolder(path);
  if (!folder.ok()) return folder.status();
  auto impl = std::make_unique<Impl>(path, mode);
  if (*folder != StoreFolder::kStore && mode == OpenMode::kReadOnly) {
    return absl::NotFoundError(absl::StrFormat(
        "store %s: %s", path,
        *folder == StoreFolder::kMissing ? "no such folder" : "nothing has been stored there yet"));
  }
  if (*folder == StoreFolder::kMissing || *folder == StoreFolder::kEmpty) {
    if (absl::Status marked = MarkStoreFolder(path); !marked.ok()) return marked;
  }
  if (*folder != StoreFolder::kStore) {
    if (absl::Status created = impl->Create(); !created.ok()) return created;
    return impl;
  }

  // The first look is read-only, also for a writer: what is not of our schema is never changed.
  const absl::StatusOr<bool> finished = impl->OpenAndCheck();
  if (!finished.ok()) return finished.status();
  if (mode == OpenMode::kReadOnly) {
    if (*finished) return impl;
    return absl::NotFoundError(
        absl::StrFormat("store %s: nothing has been stored there yet", path));
  }
  impl->Close();
  if (absl::Status opened = *finished ? impl->OpenToWrite() : impl->Create(); !opened.ok()) {
    return opened;
  }
  return impl;
}

// RocksDB reads the manifest first and the logs next, without a lock. If a writer moves a log into
// a table in between, what was in it is seen in neither. So it counts only if no file came or went.
absl::StatusOr<bool> Store::Impl::OpenAndCheck() {
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

absl::StatusOr<std::vector<std::string>> Store::Impl::FamiliesOnDisk() const {
  std::vector<std::string> names;
  const rocksdb::Status listed =
      rocksdb::DB::ListColumnFamilies(DatabaseOptions(OpenMode::kReadOnly), path_, &names);
  if (!listed.ok()) return ToStatus(path_, listed);
  return names;
}

absl::Status Store::Impl::OpenToRead(const std::vector<std::string>& on_disk) {
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
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

// Also migrates: a family that the folder's schema did not have yet is added. CheckSchema has seen
// that none is missing which should be there.
absl::Status Store::Impl::OpenToWrite() {
  std::vector<std::string> names = {rocksdb::kDefaultColumnFamilyName};
  names.insert(names.end(), store_keys::kFamilyNames.begin(), store_keys::kFamilyNames.end());
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
  for (const std::string& name : names) wanted.emplace_back(name, FamilyOptions());
  Handles handles;
  rocksdb::DB* db = nullptr;
  rocksdb::DBOptions options = DatabaseOptions(OpenMode::kReadWrite);
  options.create_missing_column_families = true;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path_, wanted, &handles, &db);
  if (!opened.ok()) return ToStatus(path_, opened);
  db_.reset(db);
  TakeHandles(names, handles);
  const absl::StatusOr<int> schema = ReadSchema();
  if (!schema.ok()) return schema.status();
  const bool old = *schema < store_keys::kSchemaVersion;
  return old || CountLogFiles(path_) > kLogCountMax ? WriteSchema() : absl::OkStatus();
}

absl::Status Store::Impl::WriteSchema() {
  rocksdb::WriteBatch batch;
  batch.Put(Handle(Family::kMeta), ToSlice(store_keys::kSchemaKey),
            std::to_string(store_keys::kSchemaVersion));
  absl::MutexLock lock(&write_mutex_);
  return Write(batch);
}

// Also finishes a creation that was cut short. The schema is written last: it says that all is
// there.
absl::Status Store::Impl::Create() {
  rocksdb::DBOptions options = DatabaseOptions(OpenMode::kReadWrite);
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  std::vector<std::string> names = {rocksdb::kDefaultColumnFamilyName};
  names.insert(names.end(), store_keys::kFamilyNames.begin(), store_keys::kFamilyNames.end());
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
  for (const std::string& name : names) wanted.emplace_back(name, FamilyOptions());
  Handles handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path_, wanted, &handles, &db);
  if (!opened.ok()) return ToStatus(path_, opened);
  db_.reset(db);
  TakeHandles(names, handles);
  return WriteSchema();
}

absl::StatusOr<bool> Store::Impl::CheckSchema(const std::vector<std::string>& on_disk) const {
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
absl::StatusOr<int> Store::Impl::ReadSchema() const {
  const absl::StatusOr<std::optional<std::string>> text =
      Get(Family::kMeta, store_keys::kSchemaKey);
  if (!text.ok()) return text.status();
  if (!text->has_value()) return 0;
  const std::string& digits = **text;
  int schema = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), schema);
  if (error != std::errc() || end != digits.data() + digits.size() || schema < 1) {
    return absl::DataLossError(
        absl::StrFormat("store %s: damaged: its schema version is no number above 0", path_));
  }
  return schema;
}

void Store::Impl::TakeHandles(const std::vector<std::string>& names, const Handles& handles) {
  SHOOTDOWN_CHECK(names.size() == handles.size());
  all_handles_ = handles;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::ranges::find(store_keys::kFamilyNames, names[i]);
    if (found == store_keys::kFamilyNames.end()) continue;
    families_[static_cast<std::size_t>(found - store_keys::kFamilyNames.begin())] = handles[i];
  }
}

void Store::Impl::Close() {
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
  for (rocksdb::ColumnFamilyHandle* handle : all_handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  all_handles_.clear();
  families_ = {};
  db_->Close().PermitUncheckedError();
  db_.reset();
}

// ----------------------------------------------------------------------------------- writing

absl::Status Store::Impl::CheckWritable() const {
  if (mode_ == OpenMode::kReadWrite) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("store %s: opened to read only, wanted to write", path_));
}

absl::Status Store::Impl::Write(rocksdb::WriteBatch& batch) {
  if (batch.Count() == 0) return absl::OkStatus();
  if (last_write_failed_) {
    // After an error RocksDB refuses all writes until it is told to go on: the disk may have room
    // again by now.
    if (const rocksdb::Status resumed = db_->Resume(); !resumed.ok()) {
      return ToStatus(path_, resumed);
    }
  }
  rocksdb::WriteOptions options;
  options.sync = true;  // D1
  const rocksdb::Status written = db_->Write(options, &batch);
  last_write_failed_ = !written.ok();
  anything_written_ = anything_written_ || written.ok();
  return ToStatus(path_, written);
}

absl::Status Store::Impl::AddFailures(std::span<const Failure> failures,
                                      rocksdb::WriteBatch& batch) {
  std::map<std::string, FailureRecord> incoming;
  for (const Failure& failure : failures) {
    absl::StatusOr<std::string> encoded = EncodeFailure(failure);
    if (!encoded.ok()) return encoded.status();
    FailureRecord record{.failure = failure, .encoded = *std::move(encoded)};
    const auto [at, added] = incoming.try_emplace(FailureId(failure), record);
    if (!added && &BetterRecord(at->second, record) == &record) at->second = std::move(record);
  }
  for (const auto& [id, record] : incoming) {
    const absl::StatusOr<std::optional<FailureRecord>> present = GetRecord(id);
    if (!present.ok()) return present.status();
    if (present->has_value() && &BetterRecord(**present, record) == &**present) continue;
    batch.Put(Handle(Family::kFailures), id, Seal(record.encoded));
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::AddInputs(std::span<const StoreBatch::Input> inputs,
                                    rocksdb::WriteBatch& batch) {
  for (const StoreBatch::Input& input : inputs) {
    if (absl::Status key_ok = CheckScenarioKey(input.scenario_key); !key_ok.ok()) return key_ok;
    if (input.bytes.size() > kInputBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrFormat("store %s: an input of %d bytes, wanted at most %d", path_,
                          input.bytes.size(), kInputBytesMax));
    }
    const std::string_view bytes(reinterpret_cast<const char*>(input.bytes.data()),
                                 input.bytes.size());
    const std::string key = store_keys::InputKey(input.scenario_key, bytes);
    const std::string value = Seal(bytes);
    const absl::StatusOr<std::optional<std::string>> present = Get(Family::kCorpus, key);
    if (!present.ok() && present.status().code() != absl::StatusCode::kDataLoss) {
      return present.status();
    }
    if (present.ok() && *present == value) continue;
    batch.Put(Handle(Family::kCorpus), key, value);
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::Commit(std::span<const Failure> failures,
                                 std::span<const StoreBatch::Input> inputs,
                                 std::span<const ServiceChange> service) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  absl::MutexLock lock(&write_mutex_);
  rocksdb::WriteBatch batch;
  if (absl::Status added = AddFailures(failures, batch); !added.ok()) return added;
  if (absl::Status added = AddInputs(inputs, batch); !added.ok()) return added;
  for (const ServiceChange& change : service) {
    if (change.value.has_value()) {
      batch.Put(Handle(Family::kService), change.key, Seal(*change.value));
    } else {
      batch.Delete(Handle(Family::kService), change.key);
    }
  }
  return Write(batch);
}

absl::StatusOr<Store::Compacted> Store::Impl::Compact(const KeepInput& keep, DryRun dry_run) {
  if (absl::Status writable = CheckWritable(); !writable.ok()) return writable;
  Compacted dropped;
  std::vector<std::string> keys;
  const absl::StatusOr<std::vector<std::string>> scenarios = ListScenarioKeys();
  if (!scenarios.ok()) return scenarios.status();
  for (const std::string& scenario : *scenarios) {
    // Damaged inputs that nobody wants go as well.
    const absl::StatusOr<std::vector<std::string>> lost =
        Scan(Family::kCorpus, store_keys::InputPrefix(scenario),
             [&](std::string_view key, std::string_view value) {
               if (keep(scenario, key.substr(store_keys::kHashDigits + 1))) return;
               keys.emplace_back(key);
               dropped.input_bytes += value.size();
             });
    if (!lost.ok()) return lost.status();
  }
  dropped.input_count = keys.size();
  if (dry_run == DryRun::kYes || keys.empty()) return dropped;

  absl::MutexLock lock(&write_mutex_);
  rocksdb::WriteBatch batch;
  for (const std::string& key : keys) batch.Delete(Handle(Family::kCorpus), key);
  if (absl::Status written = Write(batch); !written.ok()) return written;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    const rocksdb::Status compacted = db_->CompactRange({}, family, nullptr, nullptr);
    if (!compacted.ok()) return ToStatus(path_, compacted);
  }
  return dropped;
}

// RocksDB's checkpoint is synced, and appears under its name in one step. The marker comes last, so
// a copy that was cut short is no store.
absl::Status Store::Impl::Backup(const std::string& folder) const {
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

absl::StatusOr<std::optional<std::string>> Store::Impl::Get(Family family,
                                                            std::string_view key) const {
  std::string value;
  const rocksdb::Status got = db_->Get({}, Handle(family), ToSlice(key), &value);
  if (got.IsNotFound()) return std::nullopt;
  if (!got.ok()) return ToStatus(path_, got);
  return value;
}

// What is damaged counts as absent: the record that is put now is as good as any.
absl::StatusOr<std::optional<FailureRecord>> Store::Impl::GetRecord(const std::string& id) const {
  const absl::StatusOr<std::optional<std::string>> value = Get(Family::kFailures, id);
  if (value.status().code() == absl::StatusCode::kDataLoss) return std::nullopt;
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::nullopt;
  absl::StatusOr<Failure> failure = ReadFailure(id, **value);
  if (!failure.ok()) return std::nullopt;
  return FailureRecord{.failure = *std::move(failure),
                       .encoded = (*value)->substr(store_keys::kChecksumBytes)};
}

// Up to kShownMax ids that begin with `prefix`, an ellipsis if there are more, and the value of the
// first.
absl::Status Store::Impl::FindFitting(const std::string& prefix, std::vector<std::string>& fitting,
                                      std::string& value) const {
  constexpr std::size_t kShownMax = 5;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, Handle(Family::kFailures)));
  for (it->Seek(prefix); it->Valid() && StartsWith(View(it->key()), prefix); it->Next()) {
    if (fitting.empty()) value = it->value().ToString();
    if (fitting.size() == kShownMax) {
      fitting.emplace_back("...");
      break;
    }
    fitting.push_back(it->key().ToString());
  }
  return ToStatus(path_, it->status());
}

absl::StatusOr<Failure> Store::Impl::FindFailure(std::string_view id_or_prefix) const {
  if (id_or_prefix.empty() || id_or_prefix.size() > store_keys::kFailureIdDigits ||
      !store_keys::IsHex(id_or_prefix)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("store %s: failure \"%s\", wanted 1 to %d of 0-9 a-f", path_,
                        std::string(id_or_prefix.substr(0, 64)), store_keys::kFailureIdDigits));
  }
  const std::string prefix(id_or_prefix);
  std::vector<std::string> fitting;
  std::string value;
  if (prefix.size() == store_keys::kFailureIdDigits) {
    // Not by iteration: damage in a neighbour must not be in the way.
    absl::StatusOr<std::optional<std::string>> found = Get(Family::kFailures, prefix);
    if (!found.ok()) return found.status();
    if (found->has_value()) {
      fitting.push_back(prefix);
      value = **std::move(found);
    }
  } else if (absl::Status searched = FindFitting(prefix, fitting, value); !searched.ok()) {
    return searched;
  }
  if (fitting.empty()) {
    return absl::NotFoundError(absl::StrFormat("store %s: no failure \"%s\"", path_, prefix));
  }
  if (fitting.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrFormat("store %s: \"%s\" fits several failures, wanted more digits: %s", path_,
                        prefix, absl::StrJoin(fitting, " ")));
  }
  absl::StatusOr<Failure> failure = ReadFailure(fitting.front(), value);
  if (!failure.ok()) {
    return absl::DataLossError(
        absl::StrFormat("store %s: damaged: %s", path_, std::string(failure.status().message())));
  }
  return failure;
}

absl::StatusOr<std::vector<std::string>> Store::Impl::Scan(Family family, const std::string& prefix,
                                                           const Visitor& visit) const {
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
    for (it->Seek(from); it->Valid() && StartsWith(View(it->key()), prefix); it->Next()) {
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

// Jumps from scenario to scenario: '0' comes right after '/'.
absl::StatusOr<std::vector<std::string>> Store::Impl::ListScenarioKeys() const {
  std::vector<std::string> keys;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, Handle(Family::kCorpus)));
  it->SeekToFirst();
  while (it->Valid()) {
    const std::string_view key = View(it->key()).substr(0, store_keys::kHashDigits);
    if (!store_keys::IsScenarioKey(key)) {
      return absl::DataLossError(
          absl::StrFormat("store %s: damaged: corpus has a key that begins "
                          "with no scenario key",
                          path_));
    }
    keys.emplace_back(key);
    it->Seek(keys.back() + '0');
  }
  if (!it->status().ok()) return ToStatus(path_, it->status());
  return keys;
}

absl::StatusOr<bool> Store::Impl::HasInput(std::string_view scenario_key,
                                           std::string_view input_hash) const {
  if (absl::Status key_ok = CheckScenarioKey(scenario_key); !key_ok.ok()) return key_ok;
  const std::string key = store_keys::InputPrefix(scenario_key) + std::string(input_hash);
  const absl::StatusOr<std::optional<std::string>> value = Get(Family::kCorpus, key);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return false;
  const std::optional<std::string_view> payload = Unseal(**value);
  if (!payload.has_value() || store_keys::InputKey(scenario_key, *payload) != key) {
    return Damaged(Family::kCorpus, key, "the checksum does not fit");
  }
  return true;
}

absl::Status Store::Impl::CheckScenarioKey(std::string_view key) const {
  if (store_keys::IsScenarioKey(key)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("store %s: scenario key \"%s\", wanted %d of 0-9 a-f", path_,
                      std::string(key.substr(0, 64)), store_keys::kHashDigits));
}

// ----------------------------------------------------------------------------------- the surface

std::string ScenarioKey(std::string_view canonical_text) {
  return ToHex(HashBytes(canonical_text));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

const std::string& Store::path() const { return impl_->path(); }

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, OpenMode mode) {
  absl::StatusOr<std::unique_ptr<Impl>> impl = Impl::Open(path, mode);
  if (!impl.ok()) return impl.status();
  return std::unique_ptr<Store>(new Store(*std::move(impl)));
}

absl::Status Store::PutFailure(const Failure& failure) {
  return impl_->Commit(std::span(&failure, 1), {}, {});
}

absl::Status Store::PutFailures(std::span<const Failure> failures) {
  return impl_->Commit(failures, {}, {});
}

absl::Status Store::Commit(const StoreBatch& batch) {
  return impl_->Commit(batch.failures, batch.inputs, batch.service);
}

absl::StatusOr<Failure> Store::GetFailure(std::string_view id_or_prefix) const {
  return impl_->FindFailure(id_or_prefix);
}

absl::StatusOr<std::vector<std::string>> Store::VisitFailures(const FailureVisitor& visit) const {
  std::vector<std::string> unreadable;
  absl::StatusOr<std::vector<std::string>> lost =
      impl_->Scan(Family::kFailures, "", [&](std::string_view key, std::string_view value) {
        absl::StatusOr<Failure> failure = ReadFailure(key, value);
        if (failure.ok()) {
          visit(std::string(key), *std::move(failure));
        } else {
          unreadable.emplace_back(failure.status().message());
        }
      });
  if (lost.ok()) lost->insert(lost->end(), unreadable.begin(), unreadable.end());
  return lost;
}

absl::StatusOr<Store::FailureList> Store::ListFailures() const {
  FailureList list;
  absl::StatusOr<std::vector<std::string>> damaged =
      VisitFailures([&](const std::string& /*id*/, Failure failure) {
        list.failures.push_back(std::move(failure));
      });
  if (!damaged.ok()) return damaged.status();
  list.damaged = *std::move(damaged);
  return list;
}

absl::Status Store::PutInputs(std::string_view scenario_key,
                              std::span<const std::vector<std::uint8_t>> inputs) {
  if (absl::Status key_ok = impl_->CheckScenarioKey(scenario_key); !key_ok.ok()) return key_ok;
  std::vector<StoreBatch::Input> batch;
  for (const std::vector<std::uint8_t>& input : inputs) {
    batch.push_back({.scenario_key = std::string(scenario_key), .bytes = input});
  }
  return impl_->Commit({}, batch, {});
}

absl::StatusOr<bool> Store::HasInput(std::string_view scenario_key,
                                     std::string_view input_hash) const {
  return impl_->HasInput(scenario_key, input_hash);
}

absl::StatusOr<std::vector<std::string>> Store::VisitService(std::string_view prefix,
                                                             const ServiceVisitor& visit) const {
  std::vector<std::string> unreadable;
  absl::StatusOr<std::vector<std::string>> lost = impl_->Scan(
      Family::kService, std::string(prefix), [&](std::string_view key, std::string_view value) {
        if (const std::optional<std::string_view> payload = Unseal(value)) {
          visit(key, *payload);
        } else {
          const absl::Status damage = Damaged(Family::kService, key, "the checksum does not fit");
          unreadable.emplace_back(damage.message());
        }
      });
  if (lost.ok()) lost->insert(lost->end(), unreadable.begin(), unreadable.end());
  return lost;
}

absl::StatusOr<Store::Compacted> Store::Compact(const KeepInput& keep, DryRun dry_run) {
  return impl_->Compact(keep, dry_run);
}

absl::Status Store::Backup(const std::string& folder) const { return impl_->Backup(folder); }

std::uint64_t Store::FileBytes() const { return FolderFileBytes(path()); }

absl::StatusOr<Store::InputList> Store::ListInputs(std::string_view scenario_key) const {
  if (absl::Status key_ok = impl_->CheckScenarioKey(scenario_key); !key_ok.ok()) return key_ok;
  InputList list;
  const std::string prefix = store_keys::InputPrefix(scenario_key);
  absl::StatusOr<std::vector<std::string>> lost =
      impl_->Scan(Family::kCorpus, prefix, [&](std::string_view key, std::string_view value) {
        const std::optional<std::string_view> payload = Unseal(value);
        if (!payload.has_value() || store_keys::InputKey(scenario_key, *payload) != key) {
          const absl::Status damage = Damaged(Family::kCorpus, key, "the checksum does not fit");
          list.damaged.emplace_back(damage.message());
          return;
        }
        list.inputs.emplace_back(payload->begin(), payload->end());
      });
  if (!lost.ok()) return lost.status();
  list.damaged.insert(list.damaged.end(), lost->begin(), lost->end());
  return list;
}

absl::StatusOr<std::vector<std::string>> Store::ListScenarioKeys() const {
  return impl_->ListScenarioKeys();
}

absl::StatusOr<std::vector<std::string>> Store::MergeFrom(const Store& other) {
  std::vector<Failure> batch;
  std::size_t batch_bytes = 0;
  absl::Status put;
  const auto flush = [&] {
    if (put.ok()) put = PutFailures(batch);
    batch.clear();
    batch_bytes = 0;
  };
  absl::StatusOr<std::vector<std::string>> damaged =
      other.VisitFailures([&](const std::string& /*id*/, Failure failure) {
        if (!put.ok()) return;
        batch_bytes += ApproximateBytes(failure);
        batch.push_back(std::move(failure));
        if (batch_bytes > kBatchBytesMax) flush();
      });
  if (!damaged.ok()) return damaged.status();
  flush();
  if (!put.ok()) return put;

  const absl::StatusOr<std::vector<std::string>> scenarios = other.ListScenarioKeys();
  if (!scenarios.ok()) return scenarios.status();
  for (const std::string& scenario : *scenarios) {
    const absl::StatusOr<InputList> list = other.ListInputs(scenario);
    if (!list.ok()) return list.status();
    damaged->insert(damaged->end(), list->damaged.begin(), list->damaged.end());
    if (absl::Status written = PutInputs(scenario, list->inputs); !written.ok()) return written;
  }
  return damaged;
}

}  // namespace shootdown
