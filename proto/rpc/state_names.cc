#include "proto/rpc/state_names.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace shootdown {
namespace {

// `name` without what all names of its enumeration begin with.
std::string Word(const std::string& name, std::string_view prefix, int number) {
  if (name.size() <= prefix.size()) return absl::StrFormat("unknown %d", number);
  return absl::AsciiStrToLower(name.substr(prefix.size()));
}

}  // namespace

std::string StateName(v1::CampaignState state) {
  return Word(v1::CampaignState_Name(state), "CAMPAIGN_STATE_", static_cast<int>(state));
}

std::string StateName(v1::FindingState state) {
  return Word(v1::FindingState_Name(state), "FINDING_STATE_", static_cast<int>(state));
}

}  // namespace shootdown
