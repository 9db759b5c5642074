#include "worker/journal.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/store/store_folder.h"
#include "fuzz/store/store_rocksdb.h"
#include "proto/file_io.h"
#include "proto/receipt.h"
#include "worker/state_folder.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFinding = "finding/";
constexpr std::string_view kInput = "input/";
constexpr std::string_view kResult = "result/";
constexpr char kKeyKey[] = "meta/key";
constexpr char kNameKey[] = "meta/name";

std::string Key(std::string_view family, std::string_view name) {
  return std::string(family) + std::string(name);
}

absl::StatusOr<std::string> DrawSecret() {
  std::uint64_t words[2];
  if (getrandom(words, sizeof words, 0) != sizeof words) {
    return ErrnoStatus(errno, "cannot draw a secret");
  }
  return ToHex({.high = words[0], .low = words[1]});
}

template <class Message>
absl::StatusOr<Message> ParseContent(absl::StatusOr<std::string> bytes, std::string_view hash) {
  if (!bytes.ok()) return bytes.status();
  Message message;
  if (ContentHash(*bytes) == hash && message.ParseFromString(*bytes)) return message;
  return absl::DataLossError(absl::StrFormat("the journal's %s is damaged", std::string(hash)));
}

bool IsReceipt(const v1::Settled& settled) {
  return settled.verdict() == v1::Settled::VERDICT_ACCEPTED ||
         settled.verdict() == v1::Settled::VERDICT_KNOWN;
}

}  // namespace

Journal::Journal(std::string folder, const Limits& limits)
    : folder_(std::move(folder)), limits_(limits), writes_(std::make_unique<SyncedWrites>()) {}

Journal::~Journal() = default;

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& folder,
                                                       const Limits& limits) {
  if (absl::Status s = PrepareStateFolder(folder); !s.ok()) return s;
  std::unique_ptr<Journal> journal(new Journal(folder, limits));
  if (absl::Status s = journal->OpenDatabase(); !s.ok()) return s;
  if (absl::Status s = journal->ReadIndex(); !s.ok()) return s;
  if (absl::Status s = journal->MakeIdentity(); !s.ok()) return s;
  if (absl::Status s = journal->TrimReceipts(); !s.ok()) return s;
  return journal;
}

absl::Status Journal::OpenDatabase() {
  const std::string path = (fs::path(folder_) / "journal").string();
  if (absl::Status current = CheckCurrent(path, path); !current.ok()) return current;
  rocksdb::Options options(DatabaseOptions(OpenMode::kReadWrite), FamilyOptions());
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path, &db);
  db_.reset(db);
  return ToStatus(path, opened);
}

absl::Status Journal::ReadIndex() {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::string_view key = View(it->key());
    const std::string_view name = key.substr(std::min(key.size(), key.find('/') + 1));
    if (key.starts_with(kFinding)) findings_.emplace(name, it->value().size());
    if (key.starts_with(kResult)) results_.emplace(name);
    if (key.starts_with(kInput)) {
      inputs_.emplace(name, it->value().size());
      input_bytes_ += it->value().size();
    }
    if (key == kKeyKey) worker_key_ = it->value().ToString();
    if (key == kNameKey) worker_name_ = it->value().ToString();
  }
  return ToStatus(folder_, it->status());
}

absl::Status Journal::MakeIdentity() {
  if (!worker_key_.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> secret = DrawSecret();
  if (!secret.ok()) return secret.status();
  rocksdb::WriteBatch batch;
  batch.Put(kKeyKey, *secret);
  if (absl::Status s = Commit(batch); !s.ok()) return s;
  worker_key_ = *std::move(secret);
  return absl::OkStatus();
}

absl::Status Journal::SetWorkerName(const std::string& name) {
  if (name == worker_name_) return absl::OkStatus();
  rocksdb::WriteBatch batch;
  batch.Put(kNameKey, name);
  if (absl::Status s = Commit(batch); !s.ok()) return s;
  worker_name_ = name;
  return absl::OkStatus();
}

absl::Status Journal::Commit(rocksdb::WriteBatch& batch) {
  const auto open_again = [this] {
    db_.reset();
    return OpenDatabase();
  };
  if (absl::Status s = writes_->Prepare(folder_, open_again); !s.ok()) return s;
  return writes_->Write(*db_, folder_, batch);
}

absl::Status Journal::Add(const Harvest& harvest) {
  rocksdb::WriteBatch batch;
  Contents findings;
  Contents inputs;
  std::uint64_t input_bytes = input_bytes_;
  std::uint64_t dropped = 0;
  for (const v1::FoundFailure& found : harvest.findings) {
    const std::string bytes = found.SerializeAsString();
    const std::string hash = ContentHash(bytes);
    if (findings_.contains(hash) || !findings.emplace(hash, bytes.size()).second) continue;
    batch.Put(Key(kFinding, hash), bytes);
  }
  for (const v1::Input& input : harvest.inputs) {
    const std::string bytes = input.SerializeAsString();
    const std::string hash = ContentHash(bytes);
    if (inputs_.contains(hash) || inputs.contains(hash)) continue;
    if (input_bytes + bytes.size() > limits_.input_bytes_max) {
      ++dropped;
      continue;
    }
    input_bytes += bytes.size();
    inputs.emplace(hash, bytes.size());
    batch.Put(Key(kInput, hash), bytes);
  }
  if (harvest.result.has_value()) {
    batch.Put(Key(kResult, harvest.result->lease_id()), harvest.result->SerializeAsString());
  }
  if (batch.Count() != 0) {
    if (absl::Status s = Commit(batch); !s.ok()) return s;
  }
  findings_.merge(findings);
  inputs_.merge(inputs);
  input_bytes_ = input_bytes;
  dropped_input_count_ += dropped;
  if (harvest.result.has_value()) results_.insert(harvest.result->lease_id());
  return absl::OkStatus();
}

absl::Status Journal::Settle(const std::vector<v1::Settled>& settled) {
  rocksdb::WriteBatch batch;
  std::string receipts;
  std::vector<std::string_view> gone;
  for (const v1::Settled& s : settled) {
    const std::string& what = s.what();
    if (findings_.contains(what)) {
      batch.Delete(Key(kFinding, what));
      if (IsReceipt(s)) {
        receipts += ToLine({.kind = Receipt::Kind::kFinding, .what = s.finding_id()}) + "\n";
      }
    } else if (inputs_.contains(what)) {
      batch.Delete(Key(kInput, what));
      if (IsReceipt(s)) {
        absl::StatusOr<std::string> line = InputReceipt(what);
        if (!line.ok()) return line.status();
        receipts += *line + "\n";
      }
    } else if (results_.contains(what)) {
      batch.Delete(Key(kResult, what));
    } else {
      continue;
    }
    gone.emplace_back(what);
  }
  if (gone.empty()) return absl::OkStatus();
  if (absl::Status s = AppendReceipts(receipts); !s.ok()) return s;
  if (absl::Status s = Commit(batch); !s.ok()) return s;
  for (const std::string_view what : gone) {
    if (const auto input = inputs_.find(what); input != inputs_.end()) {
      input_bytes_ -= input->second;
      inputs_.erase(input);
    } else if (const auto finding = findings_.find(what); finding != findings_.end()) {
      findings_.erase(finding);
    } else if (const auto result = results_.find(what); result != results_.end()) {
      results_.erase(result);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Journal::InputReceipt(const std::string& hash) const {
  Receipt receipt{.kind = Receipt::Kind::kInput, .what = hash};
  const absl::StatusOr<v1::Input> input = ReadInput(hash);
  if (input.ok()) {
    receipt.claim = {.campaign_id = input->campaign_id(),
                     .scenario_key = input->scenario_key(),
                     .schedule_bytes = input->schedule().size(),
                     .schedule_hash = ToHex(HashBytes(input->schedule())),
                     .features = {input->features().begin(), input->features().end()}};
  } else if (!absl::IsDataLoss(input.status())) {
    return input.status();
  }
  return ToLine(receipt);
}

std::string Journal::ReceiptsPath() const { return (fs::path(folder_) / "receipts").string(); }

absl::Status Journal::TrimReceipts() const {
  const std::string path = ReceiptsPath();
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, path);
  const off_t size = lseek(fd, 0, SEEK_END);
  off_t end = size;
  for (char last = 0; end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';) --end;
  const int error = end != size && ftruncate(fd, end) != 0 ? errno : 0;
  close(fd);
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, path);
}

absl::Status Journal::AppendReceipts(const std::string& lines) const {
  if (lines.empty()) return absl::OkStatus();
  const std::string path = ReceiptsPath();
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, path);
  const off_t before = lseek(fd, 0, SEEK_END);
  const ssize_t n = write(fd, lines.data(), lines.size());
  int error = n < 0 ? errno : 0;
  if (error == 0 && n != static_cast<ssize_t>(lines.size())) error = ENOSPC;
  if (error == 0 && fdatasync(fd) != 0) error = errno;
  // A half line would be read as another receipt.
  if (error != 0 && ftruncate(fd, before) != 0) error = errno;
  close(fd);
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, path);
}

absl::StatusOr<std::string> Journal::Read(const std::string& key) const {
  if (db_ == nullptr) return absl::UnavailableError("the journal cannot be opened at the moment");
  std::string value;
  const rocksdb::Status got = db_->Get({}, key, &value);
  if (got.IsNotFound()) return absl::NotFoundError("the journal has no " + key);
  if (!got.ok()) return ToStatus(folder_, got);
  return value;
}

absl::StatusOr<v1::FoundFailure> Journal::ReadFinding(std::string_view hash) const {
  return ParseContent<v1::FoundFailure>(Read(Key(kFinding, hash)), hash);
}

absl::StatusOr<v1::Input> Journal::ReadInput(std::string_view hash) const {
  return ParseContent<v1::Input>(Read(Key(kInput, hash)), hash);
}

absl::StatusOr<v1::LeaseResult> Journal::ReadResult(std::string_view lease_id) const {
  const absl::StatusOr<std::string> bytes = Read(Key(kResult, lease_id));
  if (!bytes.ok()) return bytes.status();
  v1::LeaseResult result;
  if (result.ParseFromString(*bytes) && result.lease_id() == lease_id) return result;
  return absl::DataLossError(
      absl::StrFormat("the journal's result of lease %s is damaged", std::string(lease_id)));
}

}  // namespace shootdown
