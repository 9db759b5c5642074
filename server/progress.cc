#include "server/progress.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "absl/strings/str_format.h"
#include "google/protobuf/repeated_field.h"

namespace shootdown::server {
namespace {

using Entries = google::protobuf::RepeatedField<std::uint64_t>;

void Add(const Entries& entries, BehaviourSample& sample) {
  sample.Add(std::span(entries.data(), static_cast<std::size_t>(entries.size())));
}

void Join(const Entries& more, ProgressRow& row) {
  BehaviourSample sample;
  Add(row.behaviours(), sample);
  Add(more, sample);
  row.mutable_behaviours()->Assign(sample.entries().begin(), sample.entries().end());
}

// Each number the largest; what is missing is 0.
void JoinReached(const google::protobuf::RepeatedField<std::uint32_t>& more, ProgressRow& row) {
  auto& reached = *row.mutable_reached();
  if (reached.size() < more.size()) reached.Resize(more.size(), 0);
  for (int i = 0; i < more.size(); ++i) reached[i] = std::max(reached[i], more[i]);
}

}  // namespace

std::string ProgressPart(std::size_t number) { return absl::StrFormat("%02x", number); }

void AddRuns(std::uint64_t run_count, const v1::LeaseResult& result, ProgressRow& row) {
  row.set_run_count(row.run_count() + run_count);
  // What is empty, a worker of an older version does not say.
  if (!result.behaviours().empty()) {
    row.set_sampled_run_count(row.sampled_run_count() + run_count);
    Join(result.behaviours(), row);
  }
  if (!result.reached().empty()) {
    row.set_reached_run_count(row.reached_run_count() + run_count);
    JoinReached(result.reached(), row);
  }
}

void AddProgress(const ProgressRow& more, ProgressRow& sum) {
  sum.set_run_count(sum.run_count() + more.run_count());
  sum.set_findings_dropped(sum.findings_dropped() + more.findings_dropped());
  sum.set_sampled_run_count(sum.sampled_run_count() + more.sampled_run_count());
  Join(more.behaviours(), sum);
  sum.set_reached_run_count(sum.reached_run_count() + more.reached_run_count());
  JoinReached(more.reached(), sum);
}

SampledRuns SampledRunsOf(const ProgressRow& row) {
  BehaviourSample sample;
  Add(row.behaviours(), sample);
  return {.run_count = row.sampled_run_count(), .counts = sample.Counts()};
}

v1::BehaviourEstimate Estimate(const SampledRuns& sampled) {
  const NewBehaviour next = EstimateNewBehaviour(sampled.run_count, sampled.counts);
  v1::BehaviourEstimate estimate;
  estimate.set_run_count(sampled.run_count);
  estimate.set_behaviour_count(static_cast<std::uint64_t>(std::llround(sampled.counts.all)));
  estimate.set_new_per_run(next.per_run);
  estimate.set_new_per_run_low(next.low);
  estimate.set_new_per_run_high(next.high);
  return estimate;
}

}  // namespace shootdown::server
