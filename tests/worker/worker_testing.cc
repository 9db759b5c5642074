#include "tests/worker/worker_testing.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <iterator>

#include "absl/time/clock.h"
#include "fuzz/base/check.h"
#include "fuzz/base/content_hash.h"
#include "proto/scenario_text.h"

namespace shootdown::testing {
namespace {

constexpr absl::Duration kLongest = absl::Minutes(1);

void TakeMore(EngineProcess& engine, Harvest& harvest) {
  pollfd polled = engine.ToPoll();
  (void)poll(&polled, 1, 100);
  Harvest more = engine.Take(absl::Now());
  std::move(more.findings.begin(), more.findings.end(), std::back_inserter(harvest.findings));
  std::move(more.inputs.begin(), more.inputs.end(), std::back_inserter(harvest.inputs));
  if (more.result.has_value()) harvest.result = std::move(more.result);
}

}  // namespace

std::string CorpusText(std::string_view name) {
  const absl::StatusOr<Scenario> scenario = ReadScenarioFile(
      std::string(SHOOTDOWN_CORPUS_FOLDER "/") + std::string(name) + ".textproto");
  SHOOTDOWN_CHECK(scenario.ok());
  return PrintScenario(*scenario);
}

v1::Lease LeaseOf(std::string_view id, std::string_view scenario_text) {
  v1::Lease lease;
  lease.set_id(std::string(id));
  lease.set_epoch(1);
  lease.set_campaign_id("00000000000000c1");
  lease.set_scenario_text(std::string(scenario_text));
  lease.set_scenario_key(ToHex(HashBytes(scenario_text)));
  lease.set_ttl_ms(10'000);
  return lease;
}

v1::Lease FuzzLease(std::string_view id, std::string_view scenario, std::uint64_t run_count,
                    std::uint64_t seed) {
  v1::Lease lease = LeaseOf(id, CorpusText(scenario));
  lease.mutable_fuzz()->set_run_count(run_count);
  lease.mutable_fuzz()->set_random_seed(seed);
  return lease;
}

EngineProcess::Options EngineOptions() { return {.program = SHOOTDOWN_WORKER_PROGRAM}; }

Harvest RunLease(EngineProcess& engine, const v1::Lease& lease,
                 const std::vector<std::uint32_t>& known) {
  const absl::Time start = absl::Now();
  while (!engine.Ready(absl::Now()) && absl::Now() - start < kLongest) absl::SleepFor(absl::Milliseconds(10));
  engine.Start(lease, known);
  Harvest harvest;
  Collect(engine, harvest);
  return harvest;
}

void Collect(EngineProcess& engine, Harvest& harvest) {
  const absl::Time start = absl::Now();
  while (!harvest.result.has_value() && absl::Now() - start < kLongest) TakeMore(engine, harvest);
  ASSERT_TRUE(harvest.result.has_value()) << "the lease does not end";
}

void AwaitRuns(EngineProcess& engine, Harvest& harvest) {
  const absl::Time start = absl::Now();
  while (engine.run_count() == 0 && absl::Now() - start < kLongest) TakeMore(engine, harvest);
  ASSERT_NE(engine.run_count(), 0u) << "the lease does not run";
}

std::string Bytes(const Harvest& harvest) {
  std::string bytes;
  for (const v1::FoundFailure& found : harvest.findings) bytes += found.SerializeAsString();
  for (const v1::Input& input : harvest.inputs) bytes += input.SerializeAsString();
  v1::LeaseResult result = harvest.result.value_or(v1::LeaseResult());
  result.clear_busy_us();
  return bytes + result.SerializeAsString();
}

}  // namespace shootdown::testing
