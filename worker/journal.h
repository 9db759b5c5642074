// What the worker found and the coordinator has not settled yet, on disk; and who the worker is.
//
// Always holds:
//   J1  What Add acknowledged with OK is synced: no kill takes it away before it is settled.
//   J2  Findings are kept until they are settled. Inputs are too, up to a limit: beyond it new ones
//       are dropped and counted, since a later search finds them again.
//   J3  A receipt is on disk before what it is about is forgotten.
//   J4  A torn end of the journal loses only what was not acknowledged. Other damage is an error.
//
// RocksDB, in the folder `journal` of the state folder (worker/state_folder.h); keys:
//   meta/key, meta/name               the worker's secret, 32 hexadecimal digits; its name
//   finding/<hash>, input/<hash>      encoded FoundFailure or Input; hash: Offer.hash
//   result/<lease id>                 encoded LeaseResult
// Beside it the file `receipts`: a line (proto/receipt.h) for each content that a coordinator
// acknowledged as being on its disk. A line may come twice.
// (`shootdown-server --fsck --receipts FILE` proves that nothing of it was lost.)
#ifndef SHOOTDOWN_WORKER_JOURNAL_H_
#define SHOOTDOWN_WORKER_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shootdown/v1/work.pb.h"
#include "worker/harvest.h"

namespace rocksdb {
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace shootdown {

class SyncedWrites;

class Journal {
 public:
  struct Limits {
    std::uint64_t input_bytes_max = std::uint64_t{256} << 20;
  };

  // Creates `folder` if need be; refuses one that is not a worker's (worker/state_folder.h).
  // UNAVAILABLE if another worker uses it; the codes of fuzz/store/store.h otherwise.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& folder,
                                                                     const Limits& limits);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  [[nodiscard]] const std::string& worker_key() const { return worker_key_; }
  [[nodiscard]] const std::string& worker_name() const { return worker_name_; }
  // Kept from now on.
  [[nodiscard]] absl::Status SetWorkerName(const std::string& name);

  // All of it or nothing. What is there already stays as it is.
  [[nodiscard]] absl::Status Add(const Harvest& harvest);
  // Forgets what was settled, and writes receipts. What is not there is passed over.
  [[nodiscard]] absl::Status Settle(const std::vector<v1::Settled>& settled);

  // Hashes, ascending; with the number of bytes of each.
  using Contents = std::map<std::string, std::size_t, std::less<>>;
  [[nodiscard]] const Contents& findings() const { return findings_; }
  [[nodiscard]] const Contents& inputs() const { return inputs_; }
  [[nodiscard]] const std::set<std::string, std::less<>>& results() const { return results_; }
  // NOT_FOUND if it was settled; DATA_LOSS if it is not what its hash says; other codes pass.
  [[nodiscard]] absl::StatusOr<v1::FoundFailure> ReadFinding(std::string_view hash) const;
  [[nodiscard]] absl::StatusOr<v1::Input> ReadInput(std::string_view hash) const;
  [[nodiscard]] absl::StatusOr<v1::LeaseResult> ReadResult(std::string_view lease_id) const;

  [[nodiscard]] std::uint64_t dropped_input_count() const { return dropped_input_count_; }

 private:
  Journal(std::string folder, const Limits& limits);
  [[nodiscard]] absl::Status OpenDatabase();
  [[nodiscard]] absl::Status ReadIndex();
  [[nodiscard]] absl::Status MakeIdentity();
  [[nodiscard]] absl::Status Commit(rocksdb::WriteBatch& batch);
  // What the coordinator must have from now on, of an input that is to be settled.
  [[nodiscard]] absl::StatusOr<std::string> InputReceipt(const std::string& hash) const;
  [[nodiscard]] std::string ReceiptsPath() const;
  // Takes away a half line, which a kill left: it would be read as another receipt. What it is about
  // is in the journal still (J3).
  [[nodiscard]] absl::Status TrimReceipts() const;
  [[nodiscard]] absl::Status AppendReceipts(const std::string& lines) const;
  [[nodiscard]] absl::StatusOr<std::string> Read(const std::string& key) const;

  const std::string folder_;
  const Limits limits_;
  std::unique_ptr<rocksdb::DB> db_;
  const std::unique_ptr<SyncedWrites> writes_;
  std::string worker_key_;
  std::string worker_name_;
  Contents findings_;
  Contents inputs_;
  std::uint64_t input_bytes_ = 0;
  std::set<std::string, std::less<>> results_;
  std::uint64_t dropped_input_count_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_JOURNAL_H_
