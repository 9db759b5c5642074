// What states are called in tables, metrics and log lines: `new`, not FINDING_STATE_NEW.
#ifndef SHOOTDOWN_PROTO_RPC_STATE_NAMES_H_
#define SHOOTDOWN_PROTO_RPC_STATE_NAMES_H_

#include <string>

#include "shootdown/v1/campaign.pb.h"
#include "shootdown/v1/finding.pb.h"

namespace shootdown {

// One word in small letters; `unknown 9` for a number that a newer program sent.
[[nodiscard]] std::string StateName(v1::CampaignState state);
[[nodiscard]] std::string StateName(v1::FindingState state);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_STATE_NAMES_H_
