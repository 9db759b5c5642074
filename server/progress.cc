#include "server/progress.h"

#include <cmath>
#include <span>

#include "absl/strings/str_format.h"

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

}  // namespace

std::string ProgressPart(std::size_t number) { return absl::StrFormat("%02x", number); }

void AddRuns(std::uint64_t run_count, const Entries& behaviours, ProgressRow& row) {
  row.set_run_count(row.run_count() + run_count);
  if (behaviours.empty()) return;  // a worker of an older version
  row.set_sampled_run_count(row.sampled_run_count() + run_count);
  Join(behaviours, row);
}

void AddProgress(const ProgressRow& more, ProgressRow& sum) {
  sum.set_run_count(sum.run_count() + more.run_count());
  sum.set_findings_dropped(sum.findings_dropped() + more.findings_dropped());
  sum.set_sampled_run_count(sum.sampled_run_count() + more.sampled_run_count());
  Join(more.behaviours(), sum);
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
