// Coordinator::Sync: what a worker says becomes rows, and what is on disk becomes an answer.
#include <algorithm>
#include <ranges>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/schedule/schedule.h"
#include "proto/convert.h"
#include "proto/printable.h"
#include "proto/rpc/state_names.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"
#include "server/log.h"

namespace shootdown::server {
namespace {

constexpr std::size_t kSettledLeasesMax = 256;  // that are remembered of a worker
constexpr int kModelCountMax = 16;
// Findings of one kind may be different bugs, which only minimizing tells apart. More of them cost
// everybody time and tell nothing. As Target::kReportsOfOneKindMax, for the whole campaign.
constexpr std::size_t kFindingsOfOneKindMax = 16;

v1::Failure Brief(const Failure& failure) {
  v1::Failure brief = ToProto(failure);
  brief.clear_trace();
  brief.clear_proof();
  brief.clear_scenario_proof();
  return brief;
}

void AddModel(FindingRow& row, const std::string& model) {
  if (std::ranges::find(row.models(), model) != row.models().end()) return;
  if (row.models_size() >= kModelCountMax) row.mutable_models()->DeleteSubrange(0, 1);
  row.add_models(model);
}

const char* OutcomeName(v1::LeaseResult::Outcome outcome) {
  switch (outcome) {
    case v1::LeaseResult::OUTCOME_DONE:
      return "done";
    case v1::LeaseResult::OUTCOME_RETURNED:
      return "returned";
    case v1::LeaseResult::OUTCOME_ENGINE_FAILED:
      return "engine_failed";
    case v1::LeaseResult::OUTCOME_REFUSED:
      return "refused";
    default:
      return "unknown";
  }
}

absl::StatusOr<Schedule> ScheduleOfInput(const Input* input) {
  if (input == nullptr) return absl::NotFoundError("there is no input");
  const std::string& bytes = input->row.schedule();
  return Schedule::Decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
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
    PlanResults(request, worker, stored, now, plan);
    for (const auto& [where, row] : plan.progress) {
      plan.Put(keys::Key(keys::kProgress, where.first, where.second, worker_id), row);
    }

    absl::Status committed = Commit(plan);
    worker.in_sync = false;
    if (!committed.ok()) return committed;
    for (const std::string& lease_id : plan.ended_leases) {
      if (leases_->Find(lease_id, worker_id) != nullptr) (void)leases_->Take(lease_id);
      worker.settled.push_back(lease_id);
      if (worker.settled.size() > kSettledLeasesMax) worker.settled.pop_front();
    }
    for (v1::Settled& settled : plan.settled) {
      if (settled.verdict() == v1::Settled::VERDICT_REFUSED) ++totals_.refused_count;
      *response.add_settled() = std::move(settled);
    }
    for (std::string& hash : plan.wanted) response.add_wanted(std::move(hash));
    GrantLeases(worker, now);
    Answer(request, worker, response);
  }
  FillFailures(response);
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
  leases_->Touch(*worker, now);
  for (const v1::LeaseHeld& held : request.held()) {
    LeaseRecord* lease = leases_->Find(held.lease_id(), worker_id);
    if (lease != nullptr) lease->run_count = std::min(held.run_count(), lease->fuzz.run_count());
  }
  return absl::OkStatus();
}

// --------------------------------------------------------------------------- inputs and findings

void Coordinator::PlanInput(const v1::Input& input, const CheckedInput& checked,
                            const WorkerRecord& worker, absl::Time now, Plan& plan) {
  const std::string& what = checked.offer_hash;
  if (!checked.refused.empty()) {
    LogWarning("input refused", {{"worker", worker.id}, {"words", checked.refused}});
    return plan.Settle(what, v1::Settled::VERDICT_REFUSED, checked.refused);
  }
  if (state_.FindOffer(what).has_value()) {
    return plan.Settle(what, v1::Settled::VERDICT_KNOWN, "");
  }
  const CampaignState* campaign = state_.FindCampaign(input.campaign_id());
  const ScenarioState* scenario =
      campaign == nullptr ? nullptr : campaign->Find(input.scenario_key());
  const auto not_needed = [&](const char* words) {
    plan.Settle(what, v1::Settled::VERDICT_NOT_NEEDED, words);
  };
  if (scenario == nullptr) return not_needed("there is no such campaign and scenario");
  if (campaign->ended.has_value()) return not_needed("the campaign has ended");
  const std::string key =
      keys::Key(keys::kInput, campaign->id, scenario->key, checked.schedule_hash);
  if (claimed_.contains(key) || plan.claimed.contains(key)) return;  // offered again, then known
  const auto present = scenario->inputs.find(checked.schedule_hash);
  if (present != scenario->inputs.end()) {
    if (present->second.row.trace_hash() != input.trace_hash()) {
      Dispute(*campaign, *scenario, present->second, worker, now);
    }
    return plan.Settle(what, v1::Settled::VERDICT_KNOWN, "");
  }
  const std::span<const std::uint32_t> features(input.features().data(),
                                                static_cast<std::size_t>(input.features_size()));
  if (!scenario->IsWanted(checked.schedule_hash, input.schedule().size(), features)) {
    return not_needed("it has no new features");
  }
  if (scenario->inputs.size() >= campaign->row.spec().budget().input_count_max()) {
    return not_needed("the campaign holds as many inputs as it may");
  }
  InputRow row;
  row.set_schedule(input.schedule());
  *row.mutable_features() = input.features();
  row.set_trace_hash(input.trace_hash());
  row.set_model_version(worker.model_version);
  row.set_found_by(worker.id);
  row.set_offer_hash(what);
  row.set_accepted_us(absl::ToUnixMicros(now));
  plan.Put(key, row);
  plan.claimed.insert(key);
  plan.batch.inputs.push_back(
      {.scenario_key = scenario->key,
       .bytes = std::vector<std::uint8_t>(input.schedule().begin(), input.schedule().end())});
  plan.Settle(what, v1::Settled::VERDICT_ACCEPTED, "");
}

void Coordinator::Dispute(const CampaignState& campaign, const ScenarioState& scenario,
                          const Input& input, const WorkerRecord& worker, absl::Time now) {
  if (input.row.model_version() != worker.model_version) return;  // traces are of one model
  std::vector<std::string> parties = {worker.id};
  const WorkerRecord* finder = leases_->FindWorker(input.row.found_by());
  if (finder != nullptr && finder->id != worker.id &&
      finder->model_version == worker.model_version && finder->job_count > 0 && !finder->draining &&
      !state_.workers().contains(finder->id)) {
    parties.insert(parties.begin(), finder->id);
  }
  const absl::StatusOr<Schedule> schedule = ScheduleOfInput(&input);
  if (!schedule.ok()) return;
  if (!audits_.Dispute(campaign.id, scenario.key, worker.model_version, schedule->ToText(),
                       input.row.trace_hash(), parties, now)) {
    return;
  }
  LogError("two workers disagree about a trace", {{"worker", worker.id},
                                                  {"other", input.row.found_by()},
                                                  {"campaign", campaign.id},
                                                  {"input", input.hash}});
}

void Coordinator::PlanFinding(const v1::FoundFailure& found, const CheckedFinding& checked,
                              const WorkerRecord& worker, absl::Time now, Plan& plan) {
  const std::string& what = checked.offer_hash;
  if (!checked.refused.empty()) {
    LogWarning("finding refused", {{"worker", worker.id}, {"words", checked.refused}});
    return plan.Settle(what, v1::Settled::VERDICT_REFUSED, checked.refused);
  }
  const CampaignState* campaign = state_.FindCampaign(found.campaign_id());
  const ScenarioState* scenario =
      campaign == nullptr ? nullptr : campaign->Find(found.scenario_key());
  const auto not_needed = [&](const std::string& words) {
    plan.Settle(what, v1::Settled::VERDICT_NOT_NEEDED, words);
  };
  if (scenario == nullptr) return not_needed("there is no such campaign and scenario");
  if (scenario->findings.contains(checked.id)) {
    return plan.Settle(what, v1::Settled::VERDICT_KNOWN, "", checked.id);
  }
  if (campaign->ended.has_value()) return not_needed("the campaign has ended");
  const v1::CampaignSpec& spec = campaign->row.spec();
  const auto sound = std::ranges::find_if(scenario->findings, [&](const auto& entry) {
    mutex_.AssertHeld();
    const FindingState* finding = state_.FindFinding(entry.first);
    return finding != nullptr && finding->row.state() != v1::FINDING_STATE_QUARANTINED;
  });
  if (spec.stop_at_first_finding() && sound != scenario->findings.end()) {
    return not_needed("the campaign stops at the first finding, which is " + sound->first);
  }
  if (scenario->findings.size() >= spec.budget().finding_count_max()) {
    const auto [at, first] = plan.progress.try_emplace({campaign->id, scenario->key});
    if (first && scenario->progress.contains(worker.id)) {
      at->second = scenario->progress.at(worker.id);
    }
    at->second.set_findings_dropped(at->second.findings_dropped() + 1);
    return not_needed("the campaign holds as many findings as it may");
  }
  const std::string& kind = checked.failure.kind_key;
  if (scenario->FindingsOfKind(kind) >= kFindingsOfOneKindMax) {
    return not_needed("the campaign holds enough findings of this kind");
  }
  const std::string key = keys::Key(keys::kFinding, checked.id);
  if (claimed_.contains(key) || plan.claimed.contains(key)) return;
  // What is on its way may fail. Who would be one too many with it is offered again, and then hears.
  const auto on_its_way = [&](const std::string& of_kind) {
    mutex_.AssertHeld();
    const Counts::key_type what = {campaign->id, scenario->key, of_kind};
    const auto others = on_their_way_.find(what);
    const auto own = plan.counts.find(what);
    return (others == on_their_way_.end() ? 0 : others->second) +
           (own == plan.counts.end() ? 0 : own->second);
  };
  if (scenario->findings.size() + on_its_way("") >= spec.budget().finding_count_max() ||
      scenario->FindingsOfKind(kind) + on_its_way(kind) >= kFindingsOfOneKindMax) {
    return;
  }
  if (spec.stop_at_first_finding()) {
    // One that is on its way is the first already.
    const std::string first = keys::Key("first", campaign->id, scenario->key);
    if (plan.claimed.contains(first)) {
      return not_needed("the campaign stops at the first finding, and this is not it");
    }
    if (claimed_.contains(first)) return;
    plan.claimed.insert(first);
  }

  const FindingState* present = state_.FindFinding(checked.id);
  if (present != nullptr && present->row.state() == v1::FINDING_STATE_FIXED) {
    FindingRow again = present->row;
    again.set_state(v1::FINDING_STATE_REGRESSED);
    again.set_model_version(worker.model_version);
    again.set_words("model " + ForMessage(worker.model_version) +
                    " shows it again: a search found it");
    AddModel(again, worker.model_version);
    plan.Put(key, again);
  }
  if (present == nullptr) {
    FindingRow row;
    row.set_state(v1::FINDING_STATE_NEW);
    row.set_scenario_key(scenario->key);
    row.set_found_by(worker.id);
    row.set_found_us(absl::ToUnixMicros(now));
    row.set_model_version(worker.model_version);
    row.set_words("waits for an exact run elsewhere");
    row.set_found_trace_hash(checked.failure.trace_hash);
    AddModel(row, worker.model_version);
    *row.mutable_brief() = Brief(checked.failure);
    plan.Put(key, row);
  }
  FoundRow row;
  row.set_scenario_key(scenario->key);
  row.set_found_by(worker.id);
  row.set_offer_hash(what);
  plan.Put(keys::Key(keys::kFound, campaign->id, checked.id), row);
  plan.claimed.insert(key);
  plan.batch.failures.push_back(checked.failure);
  ++plan.counts[{campaign->id, scenario->key, kind}];
  ++plan.counts[{campaign->id, scenario->key, ""}];
  plan.Settle(what, v1::Settled::VERDICT_ACCEPTED, "", checked.id);
  LogInfo("finding", {{"finding", checked.id},
                      {"check", checked.failure.check},
                      {"scenario", scenario->name},
                      {"campaign", campaign->id},
                      {"worker", worker.id}});
}

// --------------------------------------------------------------------------------- lease results

void Coordinator::PlanResults(const v1::SyncRequest& request, WorkerRecord& worker,
                              const std::map<std::string, Failure>& stored, absl::Time now,
                              Plan& plan) {
  std::set<std::string> seen;
  for (const v1::LeaseResult& result : request.results()) {
    const std::string& id = result.lease_id();
    if (!seen.insert(id).second) continue;
    if (result.epoch() != leases_->epoch()) {
      plan.Settle(id, v1::Settled::VERDICT_NOT_NEEDED, "a lease of another epoch");
      continue;
    }
    const LeaseRecord* lease = leases_->Find(id, worker.id);
    if (lease == nullptr) {
      const bool settled = std::ranges::find(worker.settled, id) != worker.settled.end();
      plan.Settle(id, settled ? v1::Settled::VERDICT_KNOWN : v1::Settled::VERDICT_NOT_NEEDED,
                  settled ? "" : "the lease has run out, or was cancelled");
      continue;
    }
    if (!lease->finding_id.empty() &&
        claimed_.contains(keys::Key(keys::kFinding, lease->finding_id))) {
      continue;  // its finding is being written, or deleted; the result comes again
    }
    ++totals_.lease_outcomes[OutcomeName(result.outcome())];
    plan.ended_leases.push_back(id);
    plan.Settle(id, v1::Settled::VERDICT_ACCEPTED, "");
    switch (result.outcome()) {
      case v1::LeaseResult::OUTCOME_DONE:
        if (lease->kind == TaskKind::kFuzz) PlanFuzzDone(result, *lease, worker, now, plan);
        if (lease->kind == TaskKind::kConfirm) {
          PlanConfirmed(result, *lease, worker, stored, now, plan);
        }
        if (lease->kind == TaskKind::kMinimize) {
          PlanMinimized(result, *lease, worker, stored, now, plan);
        }
        if (lease->kind == TaskKind::kReplay) PlanReplayed(result, *lease, worker, plan);
        if (lease->kind == TaskKind::kAudit || lease->kind == TaskKind::kTrace) {
          PlanAudited(result, *lease, worker, now, plan);
        }
        break;
      case v1::LeaseResult::OUTCOME_RETURNED:
        break;
      case v1::LeaseResult::OUTCOME_REFUSED:
        if (lease->kind == TaskKind::kReplay) {  // a reduced scenario: it says nothing of the whole
          PlanNotReplayed(*lease, worker, /*is_final=*/true, ForMessage(result.words()), plan);
        } else {
          PlanRefused(result, *lease, worker, now, plan);
        }
        break;
      default: {
        const std::string words = "the engine failed: " + ForMessage(result.words());
        LogError("engine failed", {{"lease", id},
                                   {"kind", Name(lease->kind)},
                                   {"worker", worker.id},
                                   {"campaign", lease->campaign_id},
                                   {"scenario", lease->scenario_key},
                                   {"finding", lease->finding_id},
                                   {"words", result.words()}});
        if (lease->kind == TaskKind::kReplay) {
          PlanNotReplayed(*lease, worker, /*is_final=*/false, words, plan);
        } else if (!lease->finding_id.empty()) {
          PlanAttemptFailed(*lease, words, plan);
        } else if (lease->kind == TaskKind::kFuzz &&
                   policy_.EngineFailed(lease->campaign_id, lease->scenario_key)) {
          RefusedRow row;
          row.set_words("given up: " + words);
          plan.Put(keys::Key(keys::kRefused, lease->campaign_id, lease->scenario_key), row);
        }
      }
    }
  }
}

void Coordinator::PlanFuzzDone(const v1::LeaseResult& result, const LeaseRecord& lease,
                               WorkerRecord& worker, absl::Time now, Plan& plan) {
  const CampaignState* campaign = state_.FindCampaign(lease.campaign_id);
  if (campaign == nullptr) return;
  const ScenarioState* scenario = campaign->Find(lease.scenario_key);
  const auto [at, first] = plan.progress.try_emplace({campaign->id, scenario->key});
  if (first && scenario->progress.contains(worker.id)) {
    at->second = scenario->progress.at(worker.id);
  }
  const std::uint64_t run_count = std::min(result.run_count(), lease.fuzz.run_count());
  at->second.set_run_count(at->second.run_count() + run_count);
  totals_.run_count += run_count;
  policy_.EngineWorked(campaign->id, scenario->key);
  Policy::Measure(worker, scenario->key, run_count, result.busy_us());
  audits_.Offer(
      lease, worker.model_version,
      {.worker_id = worker.id,
       .run_count = result.run_count(),
       .checkpoints = {result.checkpoints().begin(), result.checkpoints().end()},
       .content_hashes = {result.content_hashes().begin(), result.content_hashes().end()}},
      now);
}

void Coordinator::PlanAttemptFailed(const LeaseRecord& lease, const std::string& words,
                                    Plan& plan) {
  const FindingState* finding = state_.FindFinding(lease.finding_id);
  if (finding == nullptr) return;
  FindingRow row = finding->row;
  row.set_attempts(row.attempts() + 1);
  row.set_words(absl::StrFormat("%s, attempt %d: %s", Name(lease.kind), row.attempts(), words));
  if (row.attempts() >= Policy::kAttemptCountMax) {
    row.set_given_up(true);
    row.set_words("given up: " + row.words());
    LogError("finding given up", {{"finding", lease.finding_id}, {"words", row.words()}});
  }
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
}

void Coordinator::PlanConfirmed(const v1::LeaseResult& result, const LeaseRecord& lease,
                                const WorkerRecord& worker,
                                const std::map<std::string, Failure>& stored, absl::Time /*now*/,
                                Plan& plan) {
  const FindingState* finding = state_.FindFinding(lease.finding_id);
  if (finding == nullptr) return;
  FindingRow row = finding->row;
  const Failure seen = FromProto(result.replayed());
  const bool same_model = row.model_version() == worker.model_version;
  row.set_attempts(0);
  row.set_confirmed_by(worker.id);
  AddModel(row, worker.model_version);
  if (!result.has_replayed() || seen.trace_hash.empty()) {
    return PlanAttemptFailed(lease, "the worker sent no trace", plan);
  }
  if (same_model && seen.trace_hash == row.found_trace_hash() &&
      seen.check == row.brief().check()) {
    row.set_state(v1::FINDING_STATE_CONFIRMED);
    row.set_words(worker.id == row.found_by()
                      ? "confirmed by its finder, since no other worker was connected"
                      : "confirmed by another worker, step by step");
  } else if (same_model) {
    const auto found = stored.find(lease.finding_id);
    std::string where;
    if (found != stored.end() && found->second.trace_hash == row.found_trace_hash()) {
      where = FirstDifference(found->second.trace, seen.trace);
    }
    if (where.empty()) where = "traces " + row.found_trace_hash() + " and " + seen.trace_hash;
    row.set_state(v1::FINDING_STATE_QUARANTINED);
    row.set_words("an exact run went another way: " + ForMessage(where));
    LogError("finding does not replay", {{"finding", lease.finding_id},
                                         {"found_by", row.found_by()},
                                         {"worker", worker.id},
                                         {"words", where}});
  } else {
    row.set_model_version(worker.model_version);
    if (seen.kind_key == row.brief().kind_key() && seen.check == row.brief().check()) {
      row.set_state(v1::FINDING_STATE_CONFIRMED);
      row.set_found_trace_hash(seen.trace_hash);
      row.set_words(absl::StrFormat("confirmed by model %s; none of its own was connected",
                                    ForMessage(worker.model_version)));
    } else {
      row.set_state(v1::FINDING_STATE_FIXED);
      row.set_words(absl::StrFormat("model %s does not show it", ForMessage(worker.model_version)));
    }
  }
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
  LogInfo("finding run again", {{"finding", lease.finding_id},
                                {"state", StateName(row.state())},
                                {"worker", worker.id},
                                {"words", row.words()}});
}

void Coordinator::PlanMinimized(const v1::LeaseResult& result, const LeaseRecord& lease,
                                const WorkerRecord& worker,
                                const std::map<std::string, Failure>& stored, absl::Time now,
                                Plan& plan) {
  const FindingState* finding = state_.FindFinding(lease.finding_id);
  if (finding == nullptr) return;
  const auto found = stored.find(lease.finding_id);
  if (found == stored.end()) return PlanAttemptFailed(lease, "it cannot be read back", plan);
  const Failure minimized = FromProto(result.minimized());
  if (const std::string words = WhyNotMinimized(minimized, found->second); !words.empty()) {
    LogWarning("minimized failure refused",
               {{"finding", lease.finding_id}, {"worker", worker.id}, {"words", words}});
    return PlanAttemptFailed(lease, words, plan);
  }
  FindingRow row = finding->row;
  row.set_state(v1::FINDING_STATE_MINIMIZED);
  row.set_words(absl::StrFormat("%d decisions, of %d as found", minimized.anchors.size(),
                                row.brief().anchors_size()));
  row.set_attempts(0);
  row.set_minimized_us(absl::ToUnixMicros(now));
  *row.mutable_brief() = Brief(Better(minimized, found->second));
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
  plan.batch.failures.push_back(minimized);
  LogInfo("finding minimized", {{"finding", lease.finding_id},
                                {"signature", minimized.signature},
                                {"schedule", minimized.schedule_text},
                                {"worker", worker.id}});
}

// What is minimized fails again, or not, on another model. Between two models the steps of a run
// may move, so the trace need not be equal: it is the kind of failure that counts.
void Coordinator::PlanReplayed(const v1::LeaseResult& result, const LeaseRecord& lease,
                               const WorkerRecord& worker, Plan& plan) {
  const FindingState* finding = state_.FindFinding(lease.finding_id);
  if (finding == nullptr || !finding->IsSettled()) return;
  const Failure seen = FromProto(result.replayed());
  if (!result.has_replayed() || seen.trace_hash.empty()) {
    return PlanNotReplayed(lease, worker, /*is_final=*/false, "the worker sent no trace", plan);
  }
  FindingRow row = finding->row;
  const std::string model = "model " + ForMessage(lease.model_version);
  if (seen.check == row.brief().check() && seen.kind_key == row.brief().kind_key()) {
    const bool same_trace = seen.trace_hash == row.brief().trace_hash();
    const bool regressed = row.state() == v1::FINDING_STATE_FIXED;
    if (regressed) row.set_state(v1::FINDING_STATE_REGRESSED);
    row.set_words(absl::StrFormat(
        "%s %s, %s", model, regressed ? "shows it again" : "still shows it",
        same_trace ? "step by step"
                   : "by another trace: its steps may have moved between the models"));
  } else {
    row.set_state(v1::FINDING_STATE_FIXED);
    row.set_words(absl::StrFormat(
        "%s does not show it: the run %s", model,
        seen.check.empty() ? "is clean" : "fails otherwise, by " + ForMessage(seen.check)));
  }
  row.set_model_version(lease.model_version);
  row.set_attempts(0);
  AddModel(row, lease.model_version);
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
  LogInfo("finding run on another model", {{"finding", lease.finding_id},
                                           {"state", StateName(row.state())},
                                           {"worker", worker.id},
                                           {"words", row.words()}});
}

void Coordinator::PlanNotReplayed(const LeaseRecord& lease, const WorkerRecord& worker,
                                  bool is_final, const std::string& words, Plan& plan) {
  const FindingState* finding = state_.FindFinding(lease.finding_id);
  if (finding == nullptr || !finding->IsSettled()) return;
  FindingRow row = finding->row;
  row.set_attempts(row.attempts() + 1);
  if (is_final || row.attempts() >= Policy::kAttemptCountMax) {
    row.set_attempts(0);
    AddModel(row, lease.model_version);
    row.set_words(absl::StrFormat("model %s cannot run it (%s); before: %s",
                                  ForMessage(lease.model_version), words,
                                  finding->row.words().substr(0, 512)));
    LogWarning("finding not run on another model",
               {{"finding", lease.finding_id}, {"worker", worker.id}, {"words", words}});
  }
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
}

// A scenario is refused for good when nobody who is connected can run it.
void Coordinator::PlanRefused(const v1::LeaseResult& result, const LeaseRecord& lease,
                              WorkerRecord& worker, absl::Time now, Plan& plan) {
  if (worker.refused.size() < 4096) worker.refused.insert(lease.scenario_key);
  LogWarning("scenario refused", {{"scenario", lease.scenario_key},
                                  {"campaign", lease.campaign_id},
                                  {"worker", worker.id},
                                  {"words", result.words()}});
  const bool everybody = std::ranges::all_of(leases_->workers(), [&](const auto& entry) {
    const WorkerRecord& other = entry.second;
    return other.refused.contains(lease.scenario_key) || other.job_count == 0 ||
           other.last_heard + Leases::kTtl <= now;
  });
  if (!everybody) return;
  RefusedRow row;
  row.set_words(result.words());
  plan.Put(keys::Key(keys::kRefused, lease.campaign_id, lease.scenario_key), row);
}

void Coordinator::PlanAudited(const v1::LeaseResult& result, const LeaseRecord& lease,
                              const WorkerRecord& worker, absl::Time /*now*/, Plan& plan) {
  Audits::Audit* audit = audits_.Find(lease.audit_number);
  if (audit == nullptr) return;
  const auto quarantine = [&](const std::string& worker_id, const std::string& words) {
    mutex_.AssertHeld();
    WorkerRow row;
    if (const WorkerRecord* record = leases_->FindWorker(worker_id)) row.set_name(record->name);
    row.set_quarantined(words);
    plan.Put(keys::Key(keys::kWorker, worker_id), row);
    LogError("worker quarantined", {{"worker", worker_id},
                                    {"name", row.name()},
                                    {"campaign", audit->campaign_id},
                                    {"words", words}});
  };
  if (lease.kind == TaskKind::kTrace) {
    const Failure seen = FromProto(result.replayed());
    audit->traces.push_back(
        {.worker_id = worker.id, .trace_hash = seen.trace_hash, .steps = seen.trace});
    const bool third_is_there = std::ranges::count_if(leases_->workers(), [&](const auto& entry) {
                                  return entry.second.model_version == audit->model_version &&
                                         entry.second.job_count > 0 && !entry.second.draining;
                                }) > static_cast<std::ptrdiff_t>(audit->outcomes.size());
    if (audit->traces.size() < audit->outcomes.size() + (third_is_there ? 1 : 0)) return;
    const Audits::Verdict verdict = Audits::Judge(*audit);
    for (const std::string& id : verdict.quarantined) quarantine(id, verdict.words);
    if (verdict.quarantined.empty()) LogError("audit undecided", {{"words", verdict.words}});
    audits_.Drop(lease.audit_number);
    return;
  }

  audit->outcomes.push_back(
      {.worker_id = worker.id,
       .run_count = result.run_count(),
       .checkpoints = {result.checkpoints().begin(), result.checkpoints().end()},
       .content_hashes = {result.content_hashes().begin(), result.content_hashes().end()}});
  const std::string difference =
      Audits::Difference(audit->outcomes.front(), audit->outcomes.back());
  ++totals_.lease_outcomes[difference.empty() ? "audit_equal" : "audit_different"];
  if (difference.empty()) {
    audits_.Drop(lease.audit_number);
    return;
  }
  LogError("workers differ", {{"worker", audit->outcomes.front().worker_id},
                              {"other", worker.id},
                              {"campaign", audit->campaign_id},
                              {"scenario", audit->scenario_key},
                              {"words", difference}});
  // What only one of them found, or else any input, says which of them runs schedules wrongly.
  const std::string foreign = Audits::FirstForeign(audit->outcomes.front(), audit->outcomes.back());
  const CampaignState* campaign = state_.FindCampaign(audit->campaign_id);
  const ScenarioState* scenario =
      campaign == nullptr ? nullptr : campaign->Find(audit->scenario_key);
  const Input* chosen = nullptr;
  if (scenario != nullptr) {
    for (const auto& [hash, input] : scenario->inputs) {
      if (chosen == nullptr || input.row.offer_hash() == foreign) chosen = &input;
    }
  }
  const absl::StatusOr<Schedule> schedule = ScheduleOfInput(chosen);
  if (!schedule.ok()) {
    audits_.Drop(lease.audit_number);
    return;
  }
  audit->tracing = true;
  audit->schedule_text = schedule->ToText();
  audit->stored_trace_hash = chosen->row.trace_hash();
}

// -------------------------------------------------------------------------------------- the answer

void Coordinator::GrantLeases(WorkerRecord& worker, absl::Time now) {
  if (worker.draining || worker.job_count == 0 || state_.workers().contains(worker.id)) return;
  // One for each engine, and some more, so that none waits for a Sync.
  const std::size_t wanted = worker.job_count + std::min<std::size_t>(worker.job_count, 8);
  constexpr std::size_t kGrantCountMax = 64;  // of one answer
  for (std::size_t i = 0; i < kGrantCountMax && worker.leases.size() < wanted; ++i) {
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

// Failures to minimize, as they were found. They come from the disk, so without the lock.
void Coordinator::FillFailures(v1::SyncResponse& response) const {
  std::size_t bytes = response.ByteSizeLong();
  std::vector<int> missing;
  for (int i = 0; i < response.leases_size(); ++i) {
    v1::Lease& lease = *response.mutable_leases(i);
    if (!lease.has_minimize()) continue;
    absl::StatusOr<Failure> failure = store_->GetFailure(lease.minimize().finding_id());
    if (!failure.ok()) {
      LogError("finding cannot be read", {{"finding", lease.minimize().finding_id()},
                                          {"words", std::string(failure.status().message())}});
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
}

}  // namespace shootdown::server
