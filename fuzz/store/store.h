// What was found, on disk: failures, and the schedules worth starting from. RocksDB, embedded.
//
// Always holds:
//   D1  What a call acknowledged with OK is synced: no kill and no power cut takes it away.
//   D2  Failures and inputs only grow, but for Compact(). For one failure id the better record stays
//       (Better in fuzz/corpus/failure.h; if that has no preference, the lesser encoding), so stores
//       that receive the same things in any order hold the same things.
//   D3  A record is read back only if its checksum, and the hash in its key, fit its bytes.
//   D4  A folder that is not a store is never written to, and kReadOnly never writes at all.
//
// Every error is one line that names the folder:
//   NOT_FOUND            no such folder, failure, or nothing stored in it yet
//   FAILED_PRECONDITION  not a store, of a newer schema, or opened to read only
//   UNAVAILABLE          another process has it open for writing; try later
//   PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full)
//   DATA_LOSS            damaged: a checksum, a missing column family, RocksDB's own files
//   INVALID_ARGUMENT     a malformed id or key; an id's prefix that fits several failures
//
// A third kind of content, rows of the service, belongs to the coordinator that owns the folder:
// the store keeps them, and neither reads nor merges them.
//
// Safe for use by several threads. One process may write; others may read, and see what was synced
// when they opened.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"

namespace shootdown {

class StoreDatabase;

enum class OpenMode { kReadWrite, kReadOnly };

// The key under which a scenario's inputs are kept: the hash of its canonical text
// (PrintScenario), 32 hexadecimal digits.
[[nodiscard]] std::string ScenarioKey(std::string_view canonical_text);

// A change of one row of the service: a new value, or none to delete it.
struct ServiceChange {
  std::string key;
  std::optional<std::string> value;
};

// What belongs together: all of it is on disk, or nothing.
struct StoreBatch {
  struct Input {
    std::string scenario_key;
    std::vector<std::uint8_t> bytes;
  };
  std::vector<Failure> failures = {};
  std::vector<Input> inputs = {};
  std::vector<ServiceChange> service =
      {};  // in this order: of two changes of a key the later one counts
  [[nodiscard]] bool empty() const { return failures.empty() && inputs.empty() && service.empty(); }
};

class Store {
 public:
  static constexpr std::size_t kInputBytesMax = 1 << 20;

  // kReadWrite creates the folder, and the store in it, if the folder is missing or empty.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path,
                                                                   OpenMode mode);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Keeps the better of `failure` and the record of the same id, if there is one. A record that
  // is damaged is replaced.
  [[nodiscard]] absl::Status PutFailure(const Failure& failure);
  // All of them or none, with one sync.
  [[nodiscard]] absl::Status PutFailures(std::span<const Failure> failures);

  // Whether `text` has the form of a failure's id or of the start of one: 1 to 16 of 0-9 a-f.
  [[nodiscard]] static bool MayBeFailureId(std::string_view text);
  // By id, or by a prefix that fits one failure only.
  [[nodiscard]] absl::StatusOr<Failure> GetFailure(std::string_view id_or_prefix) const;

  // A record that cannot be read does not hide the others.
  struct FailureList {
    std::vector<Failure> failures;     // ascending by id
    std::vector<std::string> damaged;  // one line each: the key, and what is wrong
  };
  [[nodiscard]] absl::StatusOr<FailureList> ListFailures() const;

  // The same with one failure in memory at a time. Returns the damaged ones.
  using FailureVisitor = std::function<void(const std::string& id, Failure failure)>;
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> VisitFailures(
      const FailureVisitor& visit) const;

  // All of `inputs` or none. `scenario_key`: see ScenarioKey().
  [[nodiscard]] absl::Status PutInputs(std::string_view scenario_key,
                                       std::span<const std::vector<std::uint8_t>> inputs);

  struct InputList {
    std::vector<std::vector<std::uint8_t>> inputs;  // ascending by hash
    std::vector<std::string> damaged;
  };
  [[nodiscard]] absl::StatusOr<InputList> ListInputs(std::string_view scenario_key) const;

  // The keys of all scenarios that have inputs, ascending.
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> ListScenarioKeys() const;

  // Whether the corpus has this very input; the second by its hash, 32 hexadecimal digits.
  [[nodiscard]] absl::StatusOr<bool> HasInput(std::string_view scenario_key,
                                              std::string_view input_hash) const;

  // All of `batch` or nothing, with one sync.
  [[nodiscard]] absl::Status Commit(const StoreBatch& batch);

  // Rows of the service whose key begins with `prefix`, ascending. Returns the damaged ones, one
  // line each.
  using ServiceVisitor = std::function<void(std::string_view key, std::string_view value)>;
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> VisitService(
      std::string_view prefix, const ServiceVisitor& visit) const;

  // Deletes the inputs that `keep` does not want, and gives back the room. With kYes it only says
  // what would go. No input may be put meanwhile.
  enum class DryRun { kNo, kYes };
  struct Compacted {
    std::uint64_t input_count = 0;
    std::uint64_t input_bytes = 0;
  };
  using KeepInput = std::function<bool(std::string_view scenario_key, std::string_view input_hash)>;
  [[nodiscard]] absl::StatusOr<Compacted> Compact(const KeepInput& keep, DryRun dry_run);

  // A copy of the whole store, as it is at one moment, in a new folder: a store in its own right.
  // Others may go on writing. ALREADY_EXISTS if there is such a folder.
  [[nodiscard]] absl::Status Backup(const std::string& folder) const;

  // Of all its files.
  [[nodiscard]] std::uint64_t FileBytes() const;

  // Takes in all of `other` that can be read and is what it says (proto/failure_check.h). Returns what
  // is not, one line each. After an error some of it may have been taken in; merging again is harmless.
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> MergeFrom(const Store& other);

  [[nodiscard]] const std::string& path() const;

 private:
  explicit Store(std::unique_ptr<StoreDatabase> database);

  const std::unique_ptr<StoreDatabase> database_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_H_
