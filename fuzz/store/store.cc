#include "fuzz/store/store.h"

#include <rocksdb/write_batch.h>

#include <utility>

#include "fuzz/base/content_hash.h"
#include "fuzz/store/store_corpus.h"
#include "fuzz/store/store_database.h"
#include "fuzz/store/store_failures.h"
#include "fuzz/store/store_folder.h"
#include "fuzz/store/store_record.h"
#include "proto/failure_check.h"

namespace shootdown {
namespace {

using store_keys::Family;

// What a batch may hold before it is written: a merge of any size needs this much memory.
constexpr std::size_t kBatchBytesMax = 4 << 20;

// Good enough to bound a batch: the trace is nearly all of a failure.
std::size_t ApproximateBytes(const Failure& failure) {
  std::size_t bytes = failure.scenario_text.size() + failure.schedule_text.size() +
                      failure.found_schedule_text.size();
  for (const TraceStep& step : failure.trace) bytes += step.text.size() + sizeof step.hash;
  return bytes;
}

absl::Status Write(StoreDatabase& database, std::span<const Failure> failures,
                   std::span<const StoreBatch::Input> inputs,
                   std::span<const ServiceChange> service) {
  return database.Update([&](rocksdb::WriteBatch& batch) {
    if (absl::Status s = AddFailures(database, failures, batch); !s.ok()) return s;
    if (absl::Status s = AddInputs(database, inputs, batch); !s.ok()) return s;
    for (const ServiceChange& change : service) {
      if (change.value.has_value()) {
        batch.Put(database.Handle(Family::kService), change.key, Seal(*change.value));
      } else {
        batch.Delete(database.Handle(Family::kService), change.key);
      }
    }
    return absl::OkStatus();
  });
}

}  // namespace

std::string ScenarioKey(std::string_view canonical_text) {
  return ToHex(HashBytes(canonical_text));
}

Store::Store(std::unique_ptr<StoreDatabase> database) : database_(std::move(database)) {}
Store::~Store() = default;

const std::string& Store::path() const { return database_->path(); }

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, OpenMode mode) {
  absl::StatusOr<std::unique_ptr<StoreDatabase>> database = StoreDatabase::Open(path, mode);
  if (!database.ok()) return database.status();
  return std::unique_ptr<Store>(new Store(*std::move(database)));
}

absl::Status Store::PutFailure(const Failure& failure) {
  return Write(*database_, std::span(&failure, 1), {}, {});
}

absl::Status Store::PutFailures(std::span<const Failure> failures) {
  return Write(*database_, failures, {}, {});
}

absl::Status Store::Commit(const StoreBatch& batch) {
  return Write(*database_, batch.failures, batch.inputs, batch.service);
}

bool Store::MayBeFailureId(std::string_view text) {
  return !text.empty() && text.size() <= store_keys::kFailureIdDigits && store_keys::IsHex(text);
}

absl::StatusOr<Failure> Store::GetFailure(std::string_view id_or_prefix) const {
  return FindFailure(*database_, id_or_prefix);
}

absl::StatusOr<std::vector<std::string>> Store::VisitFailures(const FailureVisitor& visit) const {
  return shootdown::VisitFailures(*database_, visit);
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
  if (absl::Status s = CheckScenarioKey(*database_, scenario_key); !s.ok()) return s;
  std::vector<StoreBatch::Input> batch;
  for (const std::vector<std::uint8_t>& input : inputs) {
    batch.push_back({.scenario_key = std::string(scenario_key), .bytes = input});
  }
  return Write(*database_, {}, batch, {});
}

absl::StatusOr<Store::InputList> Store::ListInputs(std::string_view scenario_key) const {
  return shootdown::ListInputs(*database_, scenario_key);
}

absl::StatusOr<std::vector<std::string>> Store::ListScenarioKeys() const {
  return shootdown::ListScenarioKeys(*database_);
}

absl::StatusOr<bool> Store::HasInput(std::string_view scenario_key,
                                     std::string_view input_hash) const {
  return shootdown::HasInput(*database_, scenario_key, input_hash);
}

absl::StatusOr<std::vector<std::string>> Store::VisitService(std::string_view prefix,
                                                             const ServiceVisitor& visit) const {
  std::vector<std::string> unreadable;
  absl::StatusOr<std::vector<std::string>> lost = database_->Scan(
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
  return CompactCorpus(*database_, keep, dry_run);
}

absl::Status Store::Backup(const std::string& folder) const { return database_->Backup(folder); }

std::uint64_t Store::FileBytes() const { return FolderFileBytes(path()); }

absl::StatusOr<std::vector<std::string>> Store::MergeFrom(const Store& other) {
  std::vector<Failure> batch;
  std::size_t batch_bytes = 0;
  std::vector<std::string> refused;
  absl::Status put;
  const auto flush = [&] {
    if (put.ok()) put = PutFailures(batch);
    batch.clear();
    batch_bytes = 0;
  };
  absl::StatusOr<std::vector<std::string>> damaged =
      other.VisitFailures([&](const std::string& /*id*/, Failure failure) {
        if (!put.ok()) return;
        if (const absl::Status whole = CheckFailure(failure); !whole.ok()) {
          refused.emplace_back(whole.message());
          return;
        }
        batch_bytes += ApproximateBytes(failure);
        batch.push_back(std::move(failure));
        if (batch_bytes > kBatchBytesMax) flush();
      });
  if (!damaged.ok()) return damaged.status();
  flush();
  if (!put.ok()) return put;
  damaged->insert(damaged->end(), refused.begin(), refused.end());

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
