#include "server/limits.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace shootdown::server {
namespace {

constexpr char kPayload[] = "shootdown/retry-after-ms";

}  // namespace

absl::Status Exhausted(const std::string& words, absl::Duration retry_after) {
  absl::Status status = absl::ResourceExhaustedError(words);
  const std::string retry_after_ms = absl::StrCat(absl::ToInt64Milliseconds(retry_after));
  status.SetPayload(kPayload, absl::Cord(absl::string_view(retry_after_ms)));
  return status;
}

std::optional<std::string> RetryAfterMs(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (payload.has_value()) return std::string(*payload);
  if (status.code() == absl::StatusCode::kResourceExhausted) return "1000";
  return std::nullopt;
}

}  // namespace shootdown::server
