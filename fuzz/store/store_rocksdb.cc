#include "fuzz/store/store_rocksdb.h"

#include <rocksdb/cache.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/store/store_folder.h"

namespace shootdown {
namespace {

// Each visit of a short-lived program leaves a table, and is gone before RocksDB's background has
// merged any. So at this many we merge the young ones when closing.
constexpr std::size_t kTableCountMax = 8;
constexpr std::size_t kMergedTableCountMin = 4;
constexpr std::uint64_t kSmallTableBytes = 64 << 10;

// RocksDB's own log says nothing that our errors do not, and would be a file for each opening.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

// After a full disk RocksDB looks every 5 seconds whether there is room, and is busy meanwhile. We
// look when somebody wants to write (Commit).
class NoWaitingForRoom : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

rocksdb::DBOptions DatabaseOptions(OpenMode mode) {
  rocksdb::DBOptions options;
  options.info_log = std::make_shared<NoLog>();
  options.listeners.push_back(std::make_shared<NoWaitingForRoom>());
  // A reader opens every table at once: the writer may delete one a moment later.
  options.max_open_files = mode == OpenMode::kReadOnly ? -1 : 64;
  options.max_file_opening_threads = 1;
  options.max_background_jobs = 2;
  options.table_cache_numshardbits = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.max_total_wal_size = 16 << 20;
  options.max_manifest_file_size = 1 << 20;
  options.allow_fallocate = false;
  // A torn last record was never acknowledged. Any other damage must be seen: the default would
  // drop what follows it without a word.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(2 << 20, /*num_shard_bits=*/0);
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = 4 << 20;
  // Merged by size. The default would keep a table for each small visit: new keys seldom overlap
  // old ones, so tables would be moved down a level and never merged.
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.level0_file_num_compaction_trigger = kTableCountMax;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

void MergeYoungTables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
  rocksdb::ColumnFamilyMetaData metadata;
  db.GetColumnFamilyMetaData(family, &metadata);
  const std::vector<rocksdb::SstFileMetaData>& tables = metadata.levels.front().files;
  if (tables.size() < kTableCountMax) return;
  std::vector<std::string> young;
  std::uint64_t bytes = kSmallTableBytes / 2;
  for (const rocksdb::SstFileMetaData& table : tables) {  // the youngest first
    if (table.size > 2 * bytes) break;
    bytes += table.size;
    young.push_back(table.name);
  }
  if (young.size() < kMergedTableCountMin) return;
  db.CompactFiles({}, family, young, /*output_level=*/0).PermitUncheckedError();
}

std::string OneLine(const rocksdb::Status& status) {
  std::string words = status.ToString();
  std::ranges::replace(words, '\n', ' ');
  return words;
}

// RocksDB keeps the errno of an IOError in words only.
absl::Status ToStatus(const std::string& path, const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string words = OneLine(status);
  const auto message = [&](const char* what) {
    return absl::StrFormat("store %s: %s (%s)", path, what, words);
  };
  if (status.IsNoSpace() || Contains(words, "No space left") || Contains(words, "File too large") ||
      Contains(words, "quota exceeded")) {
    return absl::ResourceExhaustedError(message("the disk is full"));
  }
  if (Contains(words, "lock hold by current process") || Contains(words, "While lock file")) {
    if (Contains(words, "Permission denied") || Contains(words, "Read-only file system")) {
      return absl::PermissionDeniedError(message("not writable"));
    }
    return absl::UnavailableError(message("in use: another process has it open for writing"));
  }
  if (Contains(words, "Permission denied") || Contains(words, "Operation not permitted") ||
      Contains(words, "Read-only file system")) {
    return absl::PermissionDeniedError(message("no permission"));
  }
  if (status.IsCorruption() || status.IsPathNotFound() || Contains(words, "No such file")) {
    return absl::DataLossError(message("damaged"));
  }
  return absl::UnavailableError(message("RocksDB failed"));
}

absl::Status SyncedWrites::Prepare(const std::string& folder,
                                   const std::function<absl::Status()>& open_again) {
  if (!last_failed_) return absl::OkStatus();
  if (absl::Status room = CheckRoom(folder); !room.ok()) return room;
  absl::Status opened = open_again();
  last_failed_ = !opened.ok();
  return opened;
}

absl::Status SyncedWrites::Write(rocksdb::DB& db, const std::string& path,
                                 rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status written = db.Write(options, &batch);
  last_failed_ = !written.ok();
  return ToStatus(path, written);
}

}  // namespace shootdown
