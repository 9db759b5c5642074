#include "fuzz/store/store_record.h"

#include "absl/strings/str_format.h"
#include "proto/convert.h"

namespace shootdown {

using store_keys::Family;

std::string Seal(std::string_view payload) {
  std::string value = store_keys::Checksum(payload);
  value += payload;
  return value;
}

std::optional<std::string_view> Unseal(std::string_view value) {
  if (value.size() < store_keys::kChecksumBytes) return std::nullopt;
  const std::string_view payload = value.substr(store_keys::kChecksumBytes);
  if (value.substr(0, store_keys::kChecksumBytes) != store_keys::Checksum(payload)) {
    return std::nullopt;
  }
  return payload;
}

std::string_view Name(Family family) {
  return store_keys::kFamilyNames[static_cast<std::size_t>(family)];
}

absl::Status Damaged(Family family, std::string_view key, std::string_view why) {
  return absl::DataLossError(
      absl::StrFormat("%s %s: %s", std::string(Name(family)), std::string(key), std::string(why)));
}

absl::StatusOr<Failure> ReadFailure(std::string_view key, std::string_view value) {
  const std::optional<std::string_view> payload = Unseal(value);
  if (!payload.has_value()) return Damaged(Family::kFailures, key, "the checksum does not fit");
  absl::StatusOr<Failure> failure = DecodeFailure(*payload);
  if (!failure.ok()) {
    return Damaged(Family::kFailures, key, std::string(failure.status().message()));
  }
  if (FailureId(*failure) != key) {
    return Damaged(Family::kFailures, key, "holds the failure " + FailureId(*failure));
  }
  return failure;
}

// Better() leaves ties where records differ in words alone; the encoding settles those.
const FailureRecord& BetterRecord(const FailureRecord& a, const FailureRecord& b) {
  const bool a_first = &Better(a.failure, b.failure) == &a.failure;
  const bool a_last = &Better(b.failure, a.failure) == &a.failure;
  if (a_first == a_last) return a_first ? a : b;
  return a.encoded <= b.encoded ? a : b;
}

}  // namespace shootdown
