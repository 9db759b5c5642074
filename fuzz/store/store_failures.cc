#include "fuzz/store/store_failures.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzz/store/store_keys.h"
#include "fuzz/store/store_record.h"
#include "fuzz/store/store_rocksdb.h"
#include "proto/convert.h"

namespace shootdown {
namespace {

using store_keys::Family;

// What is damaged counts as absent: the record that is put now is as good as any.
absl::StatusOr<std::optional<FailureRecord>> GetRecord(const StoreDatabase& database,
                                                       const std::string& id) {
  const absl::StatusOr<std::optional<std::string>> value = database.Get(Family::kFailures, id);
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
absl::Status FindFitting(const StoreDatabase& database, const std::string& prefix,
                         std::vector<std::string>& fitting, std::string& value) {
  constexpr std::size_t kShownMax = 5;
  return database.Look(Family::kFailures, [&](rocksdb::Iterator& it) {
    for (it.Seek(prefix); it.Valid() && View(it.key()).starts_with(prefix); it.Next()) {
      if (fitting.empty()) value = it.value().ToString();
      if (fitting.size() == kShownMax) {
        fitting.emplace_back("...");
        break;
      }
      fitting.push_back(it.key().ToString());
    }
  });
}

}  // namespace

absl::Status AddFailures(const StoreDatabase& database, std::span<const Failure> failures,
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
    const absl::StatusOr<std::optional<FailureRecord>> read = GetRecord(database, id);
    if (!read.ok()) return read.status();
    const std::optional<FailureRecord>& present = *read;
    if (present.has_value() && &BetterRecord(*present, record) == &*present) continue;
    batch.Put(database.Handle(Family::kFailures), id, Seal(record.encoded));
  }
  return absl::OkStatus();
}

absl::StatusOr<Failure> FindFailure(const StoreDatabase& database, std::string_view id_or_prefix) {
  if (!Store::MayBeFailureId(id_or_prefix)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("store %s: failure \"%s\", wanted 1 to %d of 0-9 a-f", database.path(),
                        std::string(id_or_prefix.substr(0, 64)), store_keys::kFailureIdDigits));
  }
  const std::string prefix(id_or_prefix);
  std::vector<std::string> fitting;
  std::string value;
  if (prefix.size() == store_keys::kFailureIdDigits) {
    // Not by iteration: damage in a neighbour must not be in the way.
    absl::StatusOr<std::optional<std::string>> read = database.Get(Family::kFailures, prefix);
    if (!read.ok()) return read.status();
    if (std::optional<std::string>& found = *read; found.has_value()) {
      fitting.push_back(prefix);
      value = *std::move(found);
    }
  } else if (absl::Status searched = FindFitting(database, prefix, fitting, value);
             !searched.ok()) {
    return searched;
  }
  if (fitting.empty()) {
    return absl::NotFoundError(
        absl::StrFormat("store %s: no failure \"%s\"", database.path(), prefix));
  }
  if (fitting.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrFormat("store %s: \"%s\" fits several failures, wanted more digits: %s",
                        database.path(), prefix, absl::StrJoin(fitting, " ")));
  }
  absl::StatusOr<Failure> failure = ReadFailure(fitting.front(), value);
  if (!failure.ok()) {
    return absl::DataLossError(absl::StrFormat("store %s: damaged: %s", database.path(),
                                               std::string(failure.status().message())));
  }
  return failure;
}

absl::StatusOr<std::vector<std::string>> VisitFailures(const StoreDatabase& database,
                                                       const Store::FailureVisitor& visit) {
  std::vector<std::string> unreadable;
  absl::StatusOr<std::vector<std::string>> lost =
      database.Scan(Family::kFailures, "", [&](std::string_view key, std::string_view value) {
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

}  // namespace shootdown
