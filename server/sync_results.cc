// Coordinator: how leases ended, as a Sync says.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "proto/convert.h"
#include "proto/printable.h"
#include "proto/rpc/engine_input.h"
#include "proto/rpc/log.h"
#include "proto/rpc/state_names.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/progress.h"
#include "server/sync_rows.h"

namespace shootdown::server {
namespace {

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

// Two who bring something for one audit do it one after the other. Empty: it is none.
std::string AuditClaim(const LeaseRecord& lease) {
  const bool is_one = lease.kind == TaskKind::kAudit || lease.kind == TaskKind::kTrace;
  return is_one ? keys::Key("audit", std::to_string(lease.audit_number)) : "";
}

}  // namespace

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
      const bool settled = worker.settled.contains(id);
      if (settled) plan.ended_leases.insert(id);
      plan.Settle(id, settled ? v1::Settled::VERDICT_KNOWN : v1::Settled::VERDICT_NOT_NEEDED,
                  settled ? "" : "the lease has run out, or was cancelled");
      continue;
    }
    if (!lease->finding_id.empty() &&
        claimed_.contains(keys::Key(keys::kFinding, lease->finding_id))) {
      continue;  // its finding is being written, or deleted; the result comes again
    }
    // While the lease is out its campaign does not end, so nothing of it comes too late.
    if (std::ranges::any_of(result.content_hashes(),
                            [&](const std::string& hash) { return plan.open.contains(hash); })) {
      continue;  // it comes again, with the rest of what was found
    }
    if (lease->kind == TaskKind::kFuzz && result.outcome() == v1::LeaseResult::OUTCOME_DONE &&
        !PlanRuns(result, *lease, plan)) {
      continue;  // everybody hands in results of this scenario; it comes again
    }
    if (const std::string audit = AuditClaim(*lease); !audit.empty()) {
      if (claimed_.contains(audit) || plan.claimed.contains(audit)) continue;  // it comes again
      plan.claimed.insert(audit);
    }
    plan.then.emplace_back([this, outcome = OutcomeName(result.outcome())] {
      mutex_.AssertHeld();
      ++totals_.lease_outcomes[outcome];
    });
    plan.ended_leases.insert(id);
    plan.Settle(id, v1::Settled::VERDICT_ACCEPTED, "");
    switch (result.outcome()) {
      case v1::LeaseResult::OUTCOME_DONE:
        PlanDone(result, *lease, worker, stored, now, plan);
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
      default:
        PlanEngineFailed(result, *lease, worker, plan);
    }
  }
}

void Coordinator::PlanDone(const v1::LeaseResult& result, const LeaseRecord& lease,
                           WorkerRecord& worker, const std::map<std::string, Failure>& stored,
                           absl::Time now, Plan& plan) {
  switch (lease.kind) {
    case TaskKind::kFuzz:
      plan.then.emplace_back([this, &result, lease, &worker, now] {
        mutex_.AssertHeld();
        TakeFuzzDone(result, lease, worker, now);
      });
      break;
    case TaskKind::kConfirm:
      PlanConfirmed(result, lease, worker, stored, plan);
      break;
    case TaskKind::kMinimize:
      PlanMinimized(result, lease, worker, stored, now, plan);
      break;
    case TaskKind::kReplay:
      PlanReplayed(result, lease, worker, plan);
      break;
    case TaskKind::kAudit:
    case TaskKind::kTrace:
      PlanAudited(result, lease, worker, now, plan);
      break;
  }
}

void Coordinator::PlanEngineFailed(const v1::LeaseResult& result, const LeaseRecord& lease,
                                   const WorkerRecord& worker, Plan& plan) {
  const std::string words = "the engine failed: " + ForMessage(result.words());
  plan.Tell(LogLevel::kError, "engine failed",
            {{"lease", result.lease_id()},
             {"kind", Name(lease.kind)},
             {"worker", worker.id},
             {"campaign", lease.campaign_id},
             {"scenario", lease.scenario_key},
             {"finding", lease.finding_id},
             {"schedule", EngineInputText(result)},
             {"words", result.words()}});
  if (lease.kind == TaskKind::kReplay) {
    PlanNotReplayed(lease, worker, /*is_final=*/false, words, plan);
  } else if (!lease.finding_id.empty()) {
    PlanAttemptFailed(lease, words, plan);
  } else if (lease.kind == TaskKind::kFuzz) {
    plan.then.emplace_back([this, campaign = lease.campaign_id, scenario = lease.scenario_key] {
      mutex_.AssertHeld();
      policy_.EngineFailed(campaign, scenario);
    });
    if (!policy_.IsLastAttempt(lease.campaign_id, lease.scenario_key)) return;
    RefusedRow row;
    row.set_words("given up: " + words);
    plan.Put(keys::Key(keys::kRefused, lease.campaign_id, lease.scenario_key), row);
  }
}

bool Coordinator::PlanRuns(const v1::LeaseResult& result, const LeaseRecord& lease, Plan& plan) {
  const CampaignState* campaign = state_.FindCampaign(lease.campaign_id);
  if (campaign == nullptr) return true;
  ProgressRow* const progress = PlanProgress(*campaign, *campaign->Find(lease.scenario_key), plan);
  if (progress == nullptr) return false;
  AddRuns(std::min(result.run_count(), lease.fuzz.run_count()), result, *progress);
  return true;
}

void Coordinator::TakeFuzzDone(const v1::LeaseResult& result, const LeaseRecord& lease,
                               WorkerRecord& worker, absl::Time now) {
  if (state_.FindCampaign(lease.campaign_id) == nullptr) return;
  const std::uint64_t run_count = std::min(result.run_count(), lease.fuzz.run_count());
  totals_.run_count += run_count;
  policy_.EngineWorked(lease.campaign_id, lease.scenario_key);
  policy_.Measure(worker, lease.campaign_id, lease.scenario_key, run_count, result.busy_us());
  audits_.Offer(
      lease, worker.model_version,
      {.worker_id = worker.id,
       .run_count = result.run_count(),
       .checkpoints = {result.checkpoints().begin(), result.checkpoints().end()},
       .content_hashes = {result.content_hashes().begin(), result.content_hashes().end()}},
      leases_->TimeOf(now));
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
    plan.Tell(LogLevel::kError, "finding given up",
              {{"finding", lease.finding_id}, {"words", row.words()}});
  }
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
}

void Coordinator::PlanConfirmed(const v1::LeaseResult& result, const LeaseRecord& lease,
                                const WorkerRecord& worker,
                                const std::map<std::string, Failure>& stored, Plan& plan) {
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
    plan.Tell(LogLevel::kError, "finding does not replay",
              {{"finding", lease.finding_id},
               {"found_by", row.found_by()},
               {"worker", worker.id},
               {"words", where}});
  } else {
    row.set_model_version(worker.model_version);
    if (seen.kind_key == row.brief().kind_key() && seen.check == row.brief().check()) {
      row.set_state(v1::FINDING_STATE_CONFIRMED);
      row.set_words(absl::StrFormat("confirmed by model %s; none of its own was connected",
                                    ForMessage(worker.model_version)));
    } else {
      row.set_state(v1::FINDING_STATE_FIXED);
      row.set_words(absl::StrFormat("model %s does not show it", ForMessage(worker.model_version)));
    }
  }
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
  plan.Tell(LogLevel::kInfo, "finding run again",
            {{"finding", lease.finding_id},
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
  if (!result.has_minimized()) {
    return PlanAttemptFailed(
        lease, result.words().empty() ? "the worker sent no failure" : ForMessage(result.words()),
        plan);
  }
  const Failure minimized = FromProto(result.minimized());
  if (const std::string words = WhyNotMinimized(minimized, found->second); !words.empty()) {
    plan.Tell(LogLevel::kWarning, "minimized failure refused",
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
  plan.Tell(LogLevel::kInfo, "finding minimized",
            {{"finding", lease.finding_id},
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
  plan.Tell(LogLevel::kInfo, "finding run on another model",
            {{"finding", lease.finding_id},
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
    AddUnableModel(row, lease.model_version);
    row.set_words(absl::StrFormat("model %s cannot run it (%s); before: %s",
                                  ForMessage(lease.model_version), words,
                                  finding->row.words().substr(0, 512)));
    plan.Tell(LogLevel::kWarning, "finding not run on another model",
              {{"finding", lease.finding_id}, {"worker", worker.id}, {"words", words}});
  }
  plan.Put(keys::Key(keys::kFinding, lease.finding_id), row);
}

// A scenario is refused for good when nobody who is connected can run it.
void Coordinator::PlanRefused(const v1::LeaseResult& result, const LeaseRecord& lease,
                              WorkerRecord& worker, absl::Time now, Plan& plan) {
  if (worker.refused.size() < 4096) worker.refused.insert(lease.scenario_key);
  plan.Tell(LogLevel::kWarning, "scenario refused",
            {{"scenario", lease.scenario_key},
             {"campaign", lease.campaign_id},
             {"worker", worker.id},
             {"words", result.words()}});
  const bool everybody = std::ranges::all_of(leases_->workers(), [&](const auto& entry) {
    mutex_.AssertHeld();
    const WorkerRecord& other = entry.second;
    return other.refused.contains(lease.scenario_key) || other.job_count == 0 ||
           other.last_heard + Leases::kTtl <= leases_->TimeOf(now);
  });
  if (!everybody) return;
  RefusedRow row;
  row.set_words(result.words());
  plan.Put(keys::Key(keys::kRefused, lease.campaign_id, lease.scenario_key), row);
}

}  // namespace shootdown::server
