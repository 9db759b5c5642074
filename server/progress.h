// How far a scenario of a campaign has come: what leases brought adds up, in several rows
// (server/rows.proto, ProgressRow) so that many Syncs may write at once.
#ifndef SHOOTDOWN_SERVER_PROGRESS_H_
#define SHOOTDOWN_SERVER_PROGRESS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/corpus/behaviour_sample.h"
#include "server/rows.pb.h"
#include "shootdown/v1/campaign.pb.h"
#include "shootdown/v1/work.pb.h"

namespace shootdown::server {

// The last part of a row's key. REQUIRES: `number` < kProgressPartMax.
[[nodiscard]] std::string ProgressPart(std::size_t number);

// Takes the `run_count` runs of a lease that is done, and what it says of them.
void AddRuns(std::uint64_t run_count, const v1::LeaseResult& result, ProgressRow& row);
// The rows of one scenario in one. It does not matter in which order.
void AddProgress(const ProgressRow& more, ProgressRow& sum);

// What samples say; those of several scenarios add up, since their behaviours have none in common.
struct SampledRuns {
  std::uint64_t run_count = 0;
  BehaviourCounts counts;
};
[[nodiscard]] SampledRuns SampledRunsOf(const ProgressRow& row);
[[nodiscard]] v1::BehaviourEstimate Estimate(const SampledRuns& sampled);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_PROGRESS_H_
