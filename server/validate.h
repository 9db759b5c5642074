// What comes over the wire is looked at here, before anything else sees it: ids, sizes, ranges, and
// that contents are what they say they are. Pure functions; nothing here knows the state.
#ifndef SHOOTDOWN_SERVER_VALIDATE_H_
#define SHOOTDOWN_SERVER_VALIDATE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"
#include "shootdown/v1/campaign.pb.h"
#include "shootdown/v1/work.pb.h"

namespace shootdown::server {

// 1 to 64 of `a-z A-Z 0-9 . _ -`.
[[nodiscard]] bool IsName(std::string_view text);

// The envelope of a Sync. INVALID_ARGUMENT names the field, what was found and what was wanted.
[[nodiscard]] absl::Status CheckEnvelope(const v1::SyncRequest& request);

// An input or a failure as it came: what it is called, and why it is refused, if it is.
struct CheckedInput {
  std::string offer_hash;
  std::string schedule_hash;
  std::string refused;
};
[[nodiscard]] CheckedInput CheckInput(const v1::Input& input);

struct CheckedFinding {
  std::string offer_hash;
  std::string id;
  Failure failure;
  std::string refused;
};
[[nodiscard]] CheckedFinding CheckFinding(const v1::FoundFailure& found);

// Why a minimized failure does not belong to a finding; empty if it does.
[[nodiscard]] std::string WhyNotMinimized(const Failure& minimized, const Failure& found);

// The spec as it is kept: canonical texts, defaults filled in. `seed` stays 0 if it was.
[[nodiscard]] absl::StatusOr<v1::CampaignSpec> CheckSpec(const v1::CampaignSpec& spec);

// Of what a list may have in one answer; 0 is its default.
[[nodiscard]] absl::StatusOr<int> CheckPageSize(std::uint32_t page_size);

// The public id: 16 hexadecimal digits that say nothing of the secret they are made of.
[[nodiscard]] std::string PublicWorkerId(std::string_view worker_key, std::string_view identity);

// As protobuf encodes it, the same on every host.
[[nodiscard]] std::string OfferHash(const google::protobuf::Message& message);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_VALIDATE_H_
