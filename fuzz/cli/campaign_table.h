// A campaign as people read it, and as JSON.
#ifndef SHOOTDOWN_FUZZ_CLI_CAMPAIGN_TABLE_H_
#define SHOOTDOWN_FUZZ_CLI_CAMPAIGN_TABLE_H_

#include <string>

#include "fuzz/cli/json_output.h"
#include "shootdown/v1/campaign.pb.h"

namespace shootdown {

// A moment in UTC, `2026-11-22T21:34:32Z`; empty for 0.
[[nodiscard]] std::string Utc(std::int64_t us);
[[nodiscard]] bool HasEnded(v1::CampaignState state);

// Findings that stand: neither fixed nor quarantined.
[[nodiscard]] std::uint32_t FindingCount(const v1::Campaign& campaign);
[[nodiscard]] std::uint64_t RunCount(const v1::Campaign& campaign);

// One line, without a line break: for a list.
[[nodiscard]] std::string CampaignRow(const v1::Campaign& campaign);
// One line that changes: workers, runs, runs per second, features, findings, what is left.
[[nodiscard]] std::string CampaignLiveLine(const v1::Campaign& campaign);
// All of it: spec, a table of scenarios, a table of what waits for what.
[[nodiscard]] std::string CampaignTable(const v1::Campaign& campaign);

[[nodiscard]] Json CampaignJson(const v1::Campaign& campaign);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_CAMPAIGN_TABLE_H_
