// Coordinator: inputs and findings that come with a Sync.
#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/printable.h"
#include "proto/rpc/log.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"
#include "server/progress.h"
#include "server/sync_rows.h"

namespace shootdown::server {
namespace {

// Findings of one kind may be different bugs, which only minimizing tells apart. More of them cost
// everybody time and tell nothing. As Target::kReportsOfOneKindMax, for the whole campaign.
constexpr std::size_t kFindingsOfOneKindMax = 16;

}  // namespace

std::size_t Coordinator::OnTheWay(const CampaignState& campaign, const ScenarioState& scenario,
                                  const std::string& sort, const Plan& plan) const {
  const Counts::key_type what = {campaign.id, scenario.key, sort};
  const auto others = on_their_way_.find(what);
  const auto own = plan.counts.find(what);
  return (others == on_their_way_.end() ? 0 : others->second) +
         (own == plan.counts.end() ? 0 : own->second);
}

ProgressRow* Coordinator::PlanProgress(const CampaignState& campaign,
                                       const ScenarioState& scenario, Plan& plan) {
  const auto [planned, first] = plan.progress.try_emplace({campaign.id, scenario.key});
  if (!first) return &planned->second.row;
  for (std::size_t number = 0; number < kProgressPartMax; ++number) {
    const std::string part = ProgressPart(number);
    std::string key = keys::Key(keys::kProgress, campaign.id, scenario.key, part);
    if (claimed_.contains(key)) continue;
    plan.claimed.insert(key);
    planned->second.key = std::move(key);
    const auto present = scenario.progress.find(part);
    if (present != scenario.progress.end()) planned->second.row = present->second;
    return &planned->second.row;
  }
  plan.progress.erase(planned);
  return nullptr;
}

void Coordinator::PlanInput(const v1::Input& input, const CheckedInput& checked,
                            const WorkerRecord& worker, absl::Time now, Plan& plan) {
  const std::string& what = checked.offer_hash;
  if (!checked.refused.empty()) {
    plan.Tell(LogLevel::kWarning, "input refused",
              {{"worker", worker.id}, {"words", checked.refused}});
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
  const auto later = [&] { plan.open.insert(what); };  // offered again, and settled then
  if (claimed_.contains(key) || plan.claimed.contains(key)) return later();
  const auto present = scenario->inputs.find(checked.schedule_hash);
  if (present != scenario->inputs.end()) {
    if (present->second.row.trace_hash() != input.trace_hash()) {
      Dispute(*campaign, *scenario, present->second, worker, now);
    }
    // Known is what is on our disk as it is: a receipt says which features we must have.
    if (!std::ranges::equal(present->second.row.features(), input.features())) {
      return not_needed("the campaign holds its schedule, with the features of another run");
    }
    return plan.Settle(what, v1::Settled::VERDICT_KNOWN, "");
  }
  const std::span<const std::uint32_t> features(input.features().data(),
                                                static_cast<std::size_t>(input.features_size()));
  if (!scenario->IsWanted(checked.schedule_hash, input.schedule().size(), features)) {
    return not_needed("it has no new features");
  }
  const std::size_t input_count_max = campaign->row.spec().budget().input_count_max();
  if (scenario->inputs.size() >= input_count_max) {
    return not_needed("the campaign holds as many inputs as it may");
  }
  // What is on its way may fail, and may push out others.
  if (scenario->inputs.size() + OnTheWay(*campaign, *scenario, "inputs", plan) >= input_count_max) {
    return later();
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
  ++plan.counts[{campaign->id, scenario->key, "inputs"}];
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
                       input.row.trace_hash(), parties, leases_->TimeOf(now))) {
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
    plan.Tell(LogLevel::kWarning, "finding refused",
              {{"worker", worker.id}, {"words", checked.refused}});
    return plan.Settle(what, v1::Settled::VERDICT_REFUSED, checked.refused);
  }
  const CampaignState* campaign = state_.FindCampaign(found.campaign_id());
  const ScenarioState* scenario =
      campaign == nullptr ? nullptr : campaign->Find(found.scenario_key());
  const auto not_needed = [&](const std::string& words) {
    plan.Settle(what, v1::Settled::VERDICT_NOT_NEEDED, words);
  };
  const auto later = [&] { plan.open.insert(what); };  // offered again, and settled then
  if (scenario == nullptr) return not_needed("there is no such campaign and scenario");
  if (scenario->findings.contains(checked.id)) {
    return plan.Settle(what, v1::Settled::VERDICT_KNOWN, "", checked.id);
  }
  // A bug is a bug, also if it comes when its campaign has ended: from a worker that was away.
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
    ProgressRow* const progress = PlanProgress(*campaign, *scenario, plan);
    if (progress == nullptr) return later();
    progress->set_findings_dropped(progress->findings_dropped() + 1);
    return not_needed("the campaign holds as many findings as it may");
  }
  const std::string& kind = checked.failure.kind_key;
  if (scenario->FindingsOfKind(kind) >= kFindingsOfOneKindMax) {
    return not_needed("the campaign holds enough findings of this kind");
  }
  const std::string key = keys::Key(keys::kFinding, checked.id);
  if (claimed_.contains(key) || plan.claimed.contains(key)) return later();
  // What is on its way may fail. Who would be one too many with it hears when that is known.
  const std::string of_kind = "kind " + kind;
  if (scenario->findings.size() + OnTheWay(*campaign, *scenario, "findings", plan) >=
          spec.budget().finding_count_max() ||
      scenario->FindingsOfKind(kind) + OnTheWay(*campaign, *scenario, of_kind, plan) >=
          kFindingsOfOneKindMax) {
    return later();
  }
  if (spec.stop_at_first_finding()) {
    // One that is on its way is the first already.
    const std::string first = keys::Key("first", campaign->id, scenario->key);
    if (plan.claimed.contains(first)) {
      return not_needed("the campaign stops at the first finding, and this is not it");
    }
    if (claimed_.contains(first)) return later();
    plan.claimed.insert(first);
  }
  PutFinding(*campaign, *scenario, checked, worker, now, plan);
}

void Coordinator::PutFinding(const CampaignState& campaign, const ScenarioState& scenario,
                             const CheckedFinding& checked, const WorkerRecord& worker,
                             absl::Time now, Plan& plan) {
  const std::string key = keys::Key(keys::kFinding, checked.id);
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
    row.set_scenario_key(scenario.key);
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
  row.set_scenario_key(scenario.key);
  row.set_found_by(worker.id);
  row.set_offer_hash(checked.offer_hash);
  plan.Put(keys::Key(keys::kFound, campaign.id, checked.id), row);
  plan.claimed.insert(key);
  plan.batch.failures.push_back(checked.failure);
  ++plan.counts[{campaign.id, scenario.key, "kind " + checked.failure.kind_key}];
  ++plan.counts[{campaign.id, scenario.key, "findings"}];
  plan.Settle(checked.offer_hash, v1::Settled::VERDICT_ACCEPTED, "", checked.id);
  plan.Tell(LogLevel::kInfo, "finding",
            {{"finding", checked.id},
             {"check", checked.failure.check},
             {"scenario", scenario.name},
             {"campaign", campaign.id},
             {"worker", worker.id}});
}

}  // namespace shootdown::server
