#include "proto/receipt.h"

#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/printable.h"

namespace shootdown {
namespace {

constexpr std::size_t kClaimWords = 7;  // of a line that has one

absl::Status Wrong(std::string_view found, const char* wanted) {
  return absl::InvalidArgumentError(absl::StrCat("\"", ForMessage(found), "\", wanted ", wanted));
}

absl::StatusOr<std::vector<std::uint32_t>> ParseFeatures(std::string_view text) {
  constexpr const char* kWanted = "ascending features as distances";
  std::vector<std::uint32_t> features;
  if (text == "-") return features;
  std::uint64_t feature = 0;
  for (const absl::string_view part :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    std::uint32_t distance = 0;
    if (!absl::SimpleAtoi(part, &distance) || (distance == 0 && !features.empty())) {
      return Wrong(text, kWanted);
    }
    feature += distance;
    if (feature > std::numeric_limits<std::uint32_t>::max()) return Wrong(text, kWanted);
    features.push_back(static_cast<std::uint32_t>(feature));
  }
  return features;
}

}  // namespace

std::string ToLine(const Receipt& receipt) {
  if (receipt.kind == Receipt::Kind::kFinding) return "finding " + receipt.what;
  std::string line = "input " + receipt.what;
  if (!receipt.claim.has_value()) return line;
  const InputClaim& claim = *receipt.claim;
  absl::StrAppend(&line, " ", claim.campaign_id, " ", claim.scenario_key, " ", claim.schedule_bytes,
                  " ", claim.schedule_hash, " ");
  if (claim.features.empty()) line += '-';
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < claim.features.size(); ++i) {
    if (i != 0) line += ',';
    absl::StrAppend(&line, claim.features[i] - before);
    before = claim.features[i];
  }
  return line;
}

absl::StatusOr<Receipt> ParseReceipt(std::string_view line) {
  const std::vector<std::string> words =
      absl::StrSplit(absl::string_view(line.data(), line.size()), ' ');
  Receipt receipt;
  if (words[0] == "input") {
    receipt.kind = Receipt::Kind::kInput;
  } else if (words[0] != "finding") {
    return Wrong(words[0], "finding or input");
  }
  if (words.size() < 2 || words[1].empty()) return Wrong(line, "an id after the first word");
  receipt.what = words[1];
  if (receipt.kind == Receipt::Kind::kFinding || words.size() == 2) return receipt;
  if (words.size() < kClaimWords) return Wrong(line, "input OFFER and five words more, or none");
  InputClaim& claim = receipt.claim.emplace();
  claim.campaign_id = words[2];
  claim.scenario_key = words[3];
  if (!absl::SimpleAtoi(words[4], &claim.schedule_bytes)) {
    return Wrong(words[4], "the schedule's bytes");
  }
  claim.schedule_hash = words[5];
  absl::StatusOr<std::vector<std::uint32_t>> features = ParseFeatures(words[6]);
  if (!features.ok()) return features.status();
  claim.features = *std::move(features);
  return receipt;
}

}  // namespace shootdown
