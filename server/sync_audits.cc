// Coordinator: what leases that were run twice come to, as a Sync says.
#include <algorithm>
#include <utility>

#include "fuzz/schedule/schedule.h"
#include "proto/convert.h"
#include "proto/rpc/log.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"
#include "server/sync_rows.h"

namespace shootdown::server {

void Coordinator::PlanQuarantine(const std::string& worker_id, const std::string& campaign_id,
                                 const std::string& words, absl::Time now, Plan& plan) {
  WorkerRow row;
  if (const WorkerRecord* record = leases_->FindWorker(worker_id)) row.set_name(record->name);
  row.set_quarantined(words);
  row.set_quarantined_us(absl::ToUnixMicros(now));
  plan.Put(keys::Key(keys::kWorker, worker_id), row);
  plan.Tell(
      LogLevel::kError, "worker quarantined",
      {{"worker", worker_id}, {"name", row.name()}, {"campaign", campaign_id}, {"words", words}});
  const auto& present = state_.workers();
  if (present.size() < kQuarantinedCountMax) return;
  const auto oldest = std::ranges::min_element(present, {}, [&](const auto& entry) {
    mutex_.AssertReaderHeld();
    const bool connected = leases_->FindWorker(entry.first) != nullptr;
    return std::pair(connected, entry.second.quarantined_us());
  });
  plan.batch.service.push_back(
      {.key = keys::Key(keys::kWorker, oldest->first), .value = std::nullopt});
  plan.Tell(LogLevel::kWarning, "quarantined worker forgotten: there are too many",
            {{"worker", oldest->first}, {"name", oldest->second.name()}});
}

void Coordinator::PlanAudited(const v1::LeaseResult& result, const LeaseRecord& lease,
                              const WorkerRecord& worker, absl::Time now, Plan& plan) {
  const std::uint64_t number = lease.audit_number;
  const Audits::Audit* present = audits_.Find(number);
  if (present == nullptr) return;
  // It is claimed, so nobody else changes it until this is on disk.
  Audits::Audit audit = *present;
  const auto drop = [this, number] {
    mutex_.AssertHeld();
    audits_.Drop(number);
  };
  const auto keep = [&] {
    plan.then.emplace_back([this, audit] {
      mutex_.AssertHeld();
      if (Audits::Audit* const now_there = audits_.Find(audit.number)) *now_there = audit;
    });
  };
  if (lease.kind == TaskKind::kTrace) {
    const Failure seen = FromProto(result.replayed());
    audit.traces.push_back(
        {.worker_id = worker.id, .trace_hash = seen.trace_hash, .steps = seen.trace});
    const bool third_is_there = std::ranges::count_if(leases_->workers(), [&](const auto& entry) {
                                  return entry.second.model_version == audit.model_version &&
                                         entry.second.job_count > 0 && !entry.second.draining;
                                }) > static_cast<std::ptrdiff_t>(audit.outcomes.size());
    if (audit.traces.size() < audit.outcomes.size() + (third_is_there ? 1 : 0)) return keep();
    const Audits::Verdict verdict = Audits::Judge(audit);
    for (const std::string& id : verdict.quarantined) {
      PlanQuarantine(id, audit.campaign_id, verdict.words, now, plan);
    }
    if (verdict.quarantined.empty()) {
      plan.Tell(LogLevel::kError, "audit undecided", {{"words", verdict.words}});
    }
    plan.then.emplace_back(drop);
    return;
  }

  audit.outcomes.push_back(
      {.worker_id = worker.id,
       .run_count = result.run_count(),
       .checkpoints = {result.checkpoints().begin(), result.checkpoints().end()},
       .content_hashes = {result.content_hashes().begin(), result.content_hashes().end()}});
  const std::string difference = Audits::Difference(audit.outcomes.front(), audit.outcomes.back());
  plan.then.emplace_back([this, outcome = difference.empty() ? "audit_equal" : "audit_different"] {
    mutex_.AssertHeld();
    ++totals_.lease_outcomes[outcome];
  });
  if (difference.empty()) {
    plan.then.emplace_back(drop);
    return;
  }
  plan.Tell(LogLevel::kError, "workers differ",
            {{"worker", audit.outcomes.front().worker_id},
             {"other", worker.id},
             {"campaign", audit.campaign_id},
             {"scenario", audit.scenario_key},
             {"words", difference}});
  // What only one of them found, or else any input, says which of them runs schedules wrongly.
  const std::string foreign = Audits::FirstForeign(audit.outcomes.front(), audit.outcomes.back());
  const CampaignState* campaign = state_.FindCampaign(audit.campaign_id);
  const ScenarioState* scenario =
      campaign == nullptr ? nullptr : campaign->Find(audit.scenario_key);
  const Input* chosen = nullptr;
  if (scenario != nullptr) {
    for (const auto& [hash, input] : scenario->inputs) {
      if (chosen == nullptr || input.row.offer_hash() == foreign) chosen = &input;
    }
  }
  const absl::StatusOr<Schedule> schedule = ScheduleOfInput(chosen);
  if (!schedule.ok()) {
    plan.then.emplace_back(drop);
    return;
  }
  audit.tracing = true;
  audit.schedule_text = schedule->ToText();
  audit.stored_trace_hash = chosen->row.trace_hash();
  keep();
}

}  // namespace shootdown::server
