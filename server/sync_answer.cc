// Coordinator::Sync, its answer: what the worker shall run, and what it needs for that.
#include <algorithm>
#include <ranges>
#include <utility>

#include "proto/convert.h"
#include "proto/printable.h"
#include "proto/rpc/log.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"

namespace shootdown::server {

void Coordinator::GrantLeases(const v1::SyncRequest& request, WorkerRecord& worker,
                              absl::Time now) {
  if (worker.draining || worker.job_count == 0 || state_.workers().contains(worker.id)) return;
  // One for each engine, and some more, so that none waits for a Sync.
  const std::size_t wanted = worker.job_count + std::min<std::size_t>(worker.job_count, 8);
  constexpr std::size_t kGrantCountMax = 64;  // of one answer
  std::set<std::string> over;  // no engine will run these
  for (const v1::LeaseResult& result : request.results()) over.insert(result.lease_id());
  auto count =
      static_cast<std::size_t>(std::ranges::count_if(worker.leases, [&](const std::string& id) {
        mutex_.AssertHeld();
        return !over.contains(id) && !leases_->leases().at(id).cancelled;
      }));
  for (std::size_t i = 0; i < kGrantCountMax && count < wanted; ++i, ++count) {
    std::optional<LeaseRecord> next = policy_.Next(state_, *leases_, audits_, worker, now);
    if (!next.has_value()) break;
    (void)leases_->Grant(*std::move(next), worker, now);
  }
}

void Coordinator::Answer(const v1::SyncRequest& request, const WorkerRecord& worker,
                         v1::SyncResponse& response) const {
  response.set_epoch(leases_->epoch());
  std::set<std::string> held;
  for (const v1::LeaseHeld& lease : request.held()) {
    if (lease.epoch() == leases_->epoch()) held.insert(lease.lease_id());
  }
  std::set<std::string> reported;  // it says how it ended, so it has no engine on it
  for (const v1::LeaseResult& result : request.results()) reported.insert(result.lease_id());
  FeatureCounts features_held;
  if (request.epoch() == leases_->epoch()) {
    for (const v1::FeaturesHeld& of : request.features_held()) {
      features_held[{of.campaign_id(), of.scenario_key()}] = of.count();
    }
  }
  std::size_t bytes = response.ByteSizeLong();
  for (const std::string& id : worker.leases) {
    const LeaseRecord& lease = leases_->leases().at(id);
    if (lease.cancelled) continue;
    if (held.contains(id) || reported.contains(id)) {
      v1::Lease& message = *response.add_leases();
      message.set_id(id);
      message.set_epoch(leases_->epoch());
      continue;
    }
    if (bytes > kResponseBytesMax) continue;  // comes with the next answer
    std::optional<v1::Lease> message = Describe(id, lease);
    if (!message.has_value()) continue;
    if (message->has_fuzz()) bytes += AddFeatureTail(lease, features_held, response);
    bytes += message->ByteSizeLong();
    *response.add_leases() = *std::move(message);
  }
  const auto quarantined = state_.workers().find(worker.id);
  if (quarantined != state_.workers().end()) {
    response.set_drain(true);
    response.set_words("quarantined: " + quarantined->second.quarantined());
  } else if (worker.draining) {
    response.set_drain(true);
    response.set_words("an operator drains this worker");
  }
  // A thousand workers that come every four seconds are 250 Syncs a second.
  const auto busy_ms = static_cast<std::uint32_t>(4 * leases_->workers().size());
  response.set_next_sync_ms(std::clamp<std::uint32_t>(busy_ms, 500, 10'000));
  if (bytes > kResponseBytesMax) response.set_next_sync_ms(100);
}

std::optional<v1::Lease> Coordinator::Describe(const std::string& id,
                                               const LeaseRecord& lease) const {
  const CampaignState* campaign = state_.FindCampaign(lease.campaign_id);
  const ScenarioState* scenario =
      campaign == nullptr ? nullptr : campaign->Find(lease.scenario_key);
  if (scenario == nullptr) return std::nullopt;
  v1::Lease message;
  message.set_id(id);
  message.set_epoch(leases_->epoch());
  message.set_campaign_id(lease.campaign_id);
  message.set_scenario_text(scenario->text);
  message.set_scenario_key(lease.scenario_key);
  message.set_ttl_ms(static_cast<std::uint32_t>(absl::ToInt64Milliseconds(Leases::kTtl)));
  switch (lease.kind) {
    case TaskKind::kFuzz:
    case TaskKind::kAudit:
      *message.mutable_fuzz() = lease.fuzz;
      break;
    case TaskKind::kConfirm: {
      const FindingState* finding = state_.FindFinding(lease.finding_id);
      if (finding == nullptr) return std::nullopt;
      message.mutable_replay()->set_finding_id(lease.finding_id);
      message.mutable_replay()->set_schedule_text(finding->row.brief().found_schedule_text());
      break;
    }
    case TaskKind::kReplay: {
      // As it was minimized, and with the scenario that was left of it then.
      const FindingState* finding = state_.FindFinding(lease.finding_id);
      if (finding == nullptr) return std::nullopt;
      message.set_scenario_text(finding->row.brief().scenario_text());
      message.mutable_replay()->set_finding_id(lease.finding_id);
      message.mutable_replay()->set_schedule_text(finding->row.brief().schedule_text());
      break;
    }
    case TaskKind::kTrace:
      message.mutable_replay()->set_schedule_text(lease.schedule_text);
      break;
    case TaskKind::kMinimize:
      message.mutable_minimize()->set_finding_id(lease.finding_id);
      break;
  }
  return message;
}

std::size_t Coordinator::AddFeatureTail(const LeaseRecord& lease, FeatureCounts& held,
                                        v1::SyncResponse& response) const {
  std::uint32_t& count = held[{lease.campaign_id, lease.scenario_key}];
  const std::uint32_t needed = lease.fuzz.known_feature_count();
  if (count >= needed) return 0;
  const ScenarioState& scenario = *state_.FindCampaign(lease.campaign_id)->Find(lease.scenario_key);
  v1::FeatureTail& tail = *response.add_features();
  tail.set_campaign_id(lease.campaign_id);
  tail.set_scenario_key(lease.scenario_key);
  tail.set_first(count);
  tail.mutable_features()->Add(scenario.feature_list.begin() + count,
                               scenario.feature_list.begin() + needed);
  count = needed;
  return tail.ByteSizeLong();
}

std::map<std::string, std::string> Coordinator::FillFailures(v1::SyncResponse& response) const {
  std::map<std::string, std::string> unreadable;
  std::size_t bytes = response.ByteSizeLong();
  std::vector<int> missing;
  for (int i = 0; i < response.leases_size(); ++i) {
    v1::Lease& lease = *response.mutable_leases(i);
    if (!lease.has_minimize()) continue;
    absl::StatusOr<Failure> failure = store_->GetFailure(lease.minimize().finding_id());
    if (!failure.ok()) {
      unreadable[lease.id()] = std::string(failure.status().message());
      missing.push_back(i);
      continue;
    }
    if (failure->minimized) {  // in a store that was filled from elsewhere
      failure->minimized = false;
      failure->scenario_text = FoundScenarioText(*failure);
      failure->found_scenario_text.clear();
      failure->schedule_text = failure->found_schedule_text;
      failure->anchors.clear();
      failure->proof.clear();
      failure->trace.clear();
    }
    v1::Failure message = shootdown::ToProto(*failure);
    if (message.ByteSizeLong() > (1 << 20)) message.clear_trace();
    bytes += message.ByteSizeLong();
    if (bytes > kResponseBytesMax) {
      missing.push_back(i);  // with the next answer
      continue;
    }
    *lease.mutable_minimize()->mutable_failure() = std::move(message);
  }
  for (const auto i : std::ranges::reverse_view(missing)) {
    response.mutable_leases()->DeleteSubrange(i, 1);
  }
  return unreadable;
}

void Coordinator::TakeUnreadable(const std::map<std::string, std::string>& unreadable,
                                 const std::string& worker_id) {
  Plan plan;
  std::vector<std::string> over;
  for (const auto& [id, words] : unreadable) {
    const LeaseRecord* lease = leases_->Find(id, worker_id);
    if (lease == nullptr) continue;
    LogError("finding cannot be read", {{"finding", lease->finding_id}, {"words", words}});
    const std::string key = keys::Key(keys::kFinding, lease->finding_id);
    if (claimed_.contains(key)) continue;  // being written; the lease comes with the next answer
    plan.claimed.insert(key);
    over.push_back(id);
    PlanAttemptFailed(*lease, "it cannot be read: " + ForMessage(words), plan);
  }
  (void)Commit(plan);  // it is logged; without it the finding is tried once more
  for (const std::string& id : over) {
    if (leases_->Find(id, worker_id) != nullptr) (void)leases_->Take(id);
  }
}

}  // namespace shootdown::server
