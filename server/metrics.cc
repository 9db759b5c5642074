#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <vector>

namespace shootdown::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

const prometheus::Histogram::BucketBoundaries kSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                          0.05,   0.1,   0.25,   0.5,   1,    2.5};

// Totals are counted by the coordinator, so they are families of the moment.
MetricFamily One(const char* name, const char* help, MetricType type, double value) {
  MetricFamily family{.name = name, .help = help, .type = type, .metric = {}};
  ClientMetric& metric = family.metric.emplace_back();
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return family;
}

MetricFamily Labelled(const char* name, const char* help, MetricType type, const char* label,
                      const std::map<std::string, std::uint64_t>& values) {
  MetricFamily family{.name = name, .help = help, .type = type, .metric = {}};
  for (const auto& [value, count] : values) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label.push_back({.name = label, .value = value});
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) =
        static_cast<double>(count);
  }
  return family;
}

}  // namespace

Metrics::Metrics()
    : sync_seconds_(prometheus::BuildHistogram()
                        .Name("shootdown_sync_seconds")
                        .Help("Time that a Sync of a worker took")
                        .Register(registry_)
                        .Add({}, kSeconds)),
      calls_(prometheus::BuildCounter()
                 .Name("shootdown_rpcs_total")
                 .Help("RPCs that were answered, by method and code")
                 .Register(registry_)),
      commit_seconds_(prometheus::BuildHistogram()
                          .Name("shootdown_commit_seconds")
                          .Help("Time of a group commit with its sync")
                          .Register(registry_)
                          .Add({}, kSeconds)),
      streams_(prometheus::BuildGauge()
                   .Name("shootdown_streams")
                   .Help("Streams that are open")
                   .Register(registry_)
                   .Add({})) {}

void Metrics::Called(const std::string& method, const std::string& code, absl::Duration took) {
  const double seconds = absl::ToDoubleSeconds(took);
  if (method == "Sync") sync_seconds_.Observe(seconds);
  calls_.Add({{"method", method}, {"code", code}}).Increment();
}

std::string Metrics::Render(Coordinator& coordinator) {
  const Committer::Counts commits = coordinator.TakeCommitCounts();
  for (const double seconds : commits.sync_seconds) commit_seconds_.Observe(seconds);
  const Coordinator::Totals totals = coordinator.GetTotals();
  std::vector<MetricFamily> families = registry_.Collect();
  const auto gauge = [&](const char* name, const char* help, std::uint64_t value) {
    families.push_back(One(name, help, MetricType::Gauge, static_cast<double>(value)));
  };
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    families.push_back(One(name, help, MetricType::Counter, static_cast<double>(value)));
  };
  counter("shootdown_runs_total", "Runs of leases that were handed back whole", totals.run_count);
  families.push_back(Labelled("shootdown_leases_total", "Leases that ended, by outcome",
                              MetricType::Counter, "outcome", totals.lease_outcomes));
  families.push_back(Labelled("shootdown_findings", "Findings by state", MetricType::Gauge, "state",
                              totals.findings_by_state));
  gauge("shootdown_inputs", "Inputs that campaigns hold", totals.input_count);
  gauge("shootdown_workers", "Workers that are connected", totals.worker_count);
  gauge("shootdown_leases", "Leases that are out", totals.lease_count);
  gauge("shootdown_store_bytes", "Bytes of the store's files", totals.store_bytes);
  counter("shootdown_refused_total", "Messages and contents that were refused",
          totals.refused_count);
  counter("shootdown_updates_total", "Updates that were committed", commits.update_count);
  counter("shootdown_syncs_total", "Group commits that carried them", commits.sync_count);
  gauge("shootdown_updates_waiting", "Updates that wait for the disk", commits.waiting_count);
  counter("shootdown_updates_failed_total", "Updates that could not be committed",
          commits.failed_count);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace shootdown::server
