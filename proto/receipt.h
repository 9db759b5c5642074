// What a worker keeps of each content that a coordinator acknowledged as being on its disk, and
// what `shootdown-server --fsck` holds against that disk. A line each:
//
//   finding ID
//   input OFFER CAMPAIGN SCENARIO BYTES SCHEDULE FEATURES
//   input OFFER                          of an older worker, or of one whose disk spoilt the input
//
// The ids are those of work.proto. BYTES and SCHEDULE: how long the schedule is in binary form, and
// its hash. FEATURES: all of its run, ascending, each as its distance from the one before, in
// decimal, with commas between; `-` if there is none. A newer version may add words at the end.
#ifndef SHOOTDOWN_PROTO_RECEIPT_H_
#define SHOOTDOWN_PROTO_RECEIPT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shootdown {

// What a coordinator that took an input still has, also when it has dropped the input itself: each
// of these features, of this schedule or of one that comes before it by (bytes, hash).
struct InputClaim {
  std::string campaign_id;
  std::string scenario_key;
  std::uint64_t schedule_bytes = 0;
  std::string schedule_hash;
  std::vector<std::uint32_t> features;  // ascending
};

struct Receipt {
  enum class Kind { kFinding, kInput };
  Kind kind = Kind::kFinding;
  std::string what;  // the finding's id, or Offer.hash
  std::optional<InputClaim> claim = {};
};

// Without the end of the line.
[[nodiscard]] std::string ToLine(const Receipt& receipt);

// INVALID_ARGUMENT says what was found, and what was wanted.
[[nodiscard]] absl::StatusOr<Receipt> ParseReceipt(std::string_view line);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RECEIPT_H_
