// Coordinator::Sync: what a worker says becomes rows, and what is on disk becomes an answer.
#include <algorithm>
#include <ranges>
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/convert.h"
#include "proto/printable.h"
#include "proto/rpc/log.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"

namespace shootdown::server {
namespace {

// Leases of which a worker says something: that it has them, or how they ended.
std::set<std::string> Named(const v1::SyncRequest& request) {
  std::set<std::string> named;
  for (const v1::LeaseHeld& held : request.held()) named.insert(held.lease_id());
  for (const v1::LeaseResult& result : request.results()) named.insert(result.lease_id());
  return named;
}

}  // namespace

absl::StatusOr<v1::SyncResponse> Coordinator::Sync(const v1::SyncRequest& request,
                                                   std::string_view identity, absl::Time now) {
  if (absl::Status well_formed = CheckEnvelope(request); !well_formed.ok()) {
    absl::MutexLock lock(&mutex_);
    ++totals_.refused_count;
    return well_formed;
  }
  const std::string worker_id = PublicWorkerId(request.worker_key(), identity);
  v1::SyncResponse response;

  bool stale = false;
  std::set<std::string> finding_ids;
  {
    absl::MutexLock lock(&mutex_);
    if (absl::Status admitted = Admit(request, worker_id, now, stale); !admitted.ok()) {
      ++totals_.refused_count;
      return admitted;
    }
    WorkerRecord& worker = *leases_->FindWorker(worker_id);
    if (stale) {
      Answer(request, worker, response);
      response.set_words("an older message than the last one: nothing was done");
    }
    for (const v1::LeaseResult& result : request.results()) {
      const LeaseRecord* lease = leases_->Find(result.lease_id(), worker_id);
      if (lease != nullptr && !lease->finding_id.empty()) finding_ids.insert(lease->finding_id);
    }
  }
  if (!stale) {
    // The slow parts, without the lock: hashing and parsing what came, reading what it is about.
    std::vector<CheckedInput> inputs;
    for (const v1::Input& input : request.inputs()) inputs.push_back(CheckInput(input));
    std::vector<CheckedFinding> findings;
    for (const v1::FoundFailure& found : request.findings()) {
      findings.push_back(CheckFinding(found));
    }
    std::map<std::string, Failure> stored;
    for (const std::string& id : finding_ids) {
      absl::StatusOr<Failure> failure = store_->GetFailure(id);
      if (failure.ok()) stored.emplace(id, *std::move(failure));
    }

    absl::MutexLock lock(&mutex_);
    WorkerRecord& worker = *leases_->FindWorker(worker_id);  // stays while in_sync is set
    Plan plan;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      PlanInput(request.inputs(static_cast<int>(i)), inputs[i], worker, now, plan);
    }
    for (std::size_t i = 0; i < findings.size(); ++i) {
      PlanFinding(request.findings(static_cast<int>(i)), findings[i], worker, now, plan);
    }
    for (const v1::Offer& offer : request.offers()) {
      if (const std::optional<State::Known> known = state_.FindOffer(offer.hash())) {
        plan.Settle(offer.hash(), v1::Settled::VERDICT_KNOWN, "", known->finding_id);
      } else {
        plan.wanted.push_back(offer.hash());
      }
    }
    plan.open.insert(plan.wanted.begin(), plan.wanted.end());
    PlanResults(request, worker, stored, now, plan);
    for (const auto& [scenario, progress] : plan.progress) plan.Put(progress.key, progress.row);

    absl::Status committed = Commit(plan);
    worker.in_sync = false;
    if (!committed.ok()) return committed;
    for (const std::string& lease_id : plan.ended_leases) {
      if (leases_->Find(lease_id, worker_id) != nullptr) (void)leases_->Take(lease_id);
    }
    worker.settled = std::move(plan.ended_leases);
    TakeDropped(request, worker);
    for (v1::Settled& settled : plan.settled) {
      if (settled.verdict() == v1::Settled::VERDICT_REFUSED) ++totals_.refused_count;
      *response.add_settled() = std::move(settled);
    }
    for (std::string& hash : plan.wanted) response.add_wanted(std::move(hash));
    GrantLeases(request, worker, now);
    Answer(request, worker, response);
  }
  const std::map<std::string, std::string> unreadable = FillFailures(response);
  absl::MutexLock lock(&mutex_);
  if (WorkerRecord* worker = leases_->FindWorker(worker_id)) {
    worker->sent.clear();
    for (const v1::Lease& lease : response.leases()) worker->sent.insert(lease.id());
  }
  TakeUnreadable(unreadable, worker_id);
  return response;
}

absl::Status Coordinator::Admit(const v1::SyncRequest& request, const std::string& worker_id,
                                absl::Time now, bool& stale) {
  WorkerRecord* worker = leases_->FindWorker(worker_id);
  if (worker == nullptr) {
    if (leases_->workers().size() >= kWorkerCountMax) {
      return Exhausted(absl::StrFormat("workers: %d are connected, the limit", kWorkerCountMax),
                       absl::Seconds(30));
    }
    worker = &leases_->AddWorker(worker_id);
    worker->tokens = kSyncBurst;
    worker->tokens_at = now;
    LogInfo("worker connected", {{"worker", worker_id},
                                 {"name", request.worker_name()},
                                 {"model", request.model_version()},
                                 {"jobs", std::to_string(request.job_count())}});
  }
  const double passed =
      std::max(0.0, absl::ToDoubleSeconds(now - worker->tokens_at));  // clocks may go back
  worker->tokens = std::min(kSyncBurst, worker->tokens + kSyncsPerSecond * passed);
  worker->tokens_at = now;
  if (worker->tokens < 1) {
    return Exhausted(
        absl::StrFormat("worker %s: more than %g Syncs a second", worker_id, kSyncsPerSecond),
        absl::Milliseconds(250));
  }
  worker->tokens -= 1;
  if (worker->in_sync) {
    return absl::UnavailableError("another Sync of this worker is being answered");
  }
  stale = worker->sequence != 0 && request.sequence() <= worker->sequence;
  if (stale) return absl::OkStatus();
  worker->in_sync = true;
  worker->sequence = request.sequence();
  worker->name = request.worker_name();
  worker->model_version = request.model_version();
  worker->job_count = request.job_count();
  leases_->Touch(*worker, Named(request), now);
  for (const v1::LeaseHeld& held : request.held()) {
    LeaseRecord* lease = leases_->Find(held.lease_id(), worker_id);
    if (lease != nullptr) lease->run_count = std::min(held.run_count(), lease->fuzz.run_count());
  }
  return absl::OkStatus();
}

// -------------------------------------------------------------------------------------- the answer

// Of what was cancelled, the worker has handed in all, once it does not name it any more.
void Coordinator::TakeDropped(const v1::SyncRequest& request, const WorkerRecord& worker) {
  const std::set<std::string> named = Named(request);
  const std::set<std::string> ids = worker.leases;
  for (const std::string& id : ids) {
    if (leases_->leases().at(id).cancelled && !named.contains(id)) (void)leases_->Take(id);
  }
}

void Coordinator::GrantLeases(const v1::SyncRequest& request, WorkerRecord& worker,
                              absl::Time now) {
  if (worker.draining || worker.job_count == 0 || state_.workers().contains(worker.id)) return;
  // One for each engine, and some more, so that none waits for a Sync.
  const std::size_t wanted = worker.job_count + std::min<std::size_t>(worker.job_count, 8);
  constexpr std::size_t kGrantCountMax = 64;  // of one answer
  std::set<std::string> over;  // no engine will run these
  for (const v1::LeaseResult& result : request.results()) over.insert(result.lease_id());
  auto count = static_cast<std::size_t>(std::ranges::count_if(
      worker.leases, [&](const std::string& id) {
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
  std::map<std::pair<std::string, std::string>, std::uint32_t> features_held;
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
    const CampaignState* campaign = state_.FindCampaign(lease.campaign_id);
    const ScenarioState* scenario =
        campaign == nullptr ? nullptr : campaign->Find(lease.scenario_key);
    if (scenario == nullptr || bytes > kResponseBytesMax) continue;  // comes with the next answer
    v1::Lease message;
    message.set_id(id);
    message.set_epoch(leases_->epoch());
    message.set_campaign_id(lease.campaign_id);
    message.set_scenario_text(scenario->text);
    message.set_scenario_key(lease.scenario_key);
    message.set_ttl_ms(static_cast<std::uint32_t>(absl::ToInt64Milliseconds(Leases::kTtl)));
    switch (lease.kind) {
      case TaskKind::kFuzz:
      case TaskKind::kAudit: {
        *message.mutable_fuzz() = lease.fuzz;
        std::uint32_t& count = features_held[{lease.campaign_id, lease.scenario_key}];
        const std::uint32_t needed = lease.fuzz.known_feature_count();
        if (count < needed) {
          v1::FeatureTail& tail = *response.add_features();
          tail.set_campaign_id(lease.campaign_id);
          tail.set_scenario_key(lease.scenario_key);
          tail.set_first(count);
          tail.mutable_features()->Add(scenario->feature_list.begin() + count,
                                       scenario->feature_list.begin() + needed);
          count = needed;
          bytes += tail.ByteSizeLong();
        }
        break;
      }
      case TaskKind::kConfirm: {
        const FindingState* finding = state_.FindFinding(lease.finding_id);
        if (finding == nullptr) continue;
        message.mutable_replay()->set_finding_id(lease.finding_id);
        message.mutable_replay()->set_schedule_text(finding->row.brief().found_schedule_text());
        break;
      }
      case TaskKind::kReplay: {
        // As it was minimized, and with the scenario that was left of it then.
        const FindingState* finding = state_.FindFinding(lease.finding_id);
        if (finding == nullptr) continue;
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
    bytes += message.ByteSizeLong();
    *response.add_leases() = std::move(message);
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
