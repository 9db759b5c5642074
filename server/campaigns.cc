// Coordinator: service Campaigns.
#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/base/content_hash.h"
#include "proto/printable.h"
#include "proto/rpc/log.h"
#include "proto/rpc/state_names.h"
#include "server/coordinator.h"
#include "server/keys.h"
#include "server/limits.h"
#include "server/progress.h"

namespace shootdown::server {
namespace {

constexpr int kTaskCountMax = 1000;

constexpr std::size_t kPageTokenDigits = 32;

// Where a campaign stands in the list, the oldest first: by its age, then by its id.
std::string PageToken(const CampaignState& campaign) {
  return absl::StrFormat("%016x%s", static_cast<std::uint64_t>(campaign.row.created_us()),
                         campaign.id);
}

v1::CampaignTask& AddTask(const char* kind, const ScenarioState& scenario, v1::Campaign& message) {
  v1::CampaignTask& task = *message.add_tasks();
  task.set_kind(kind);
  task.set_scenario(scenario.name);
  return task;
}

void SetLease(const LeaseRecord& lease, absl::Time at, v1::CampaignTask& task) {
  task.set_state("leased");
  task.set_worker_id(lease.worker_id);
  task.set_lease_id(lease.id);
  task.set_deadline_ms(absl::ToInt64Milliseconds(lease.deadline - at));
}

std::string IdOf(std::string_view text) { return ToHex(HashBytes(text)).substr(0, 16); }

}  // namespace

absl::StatusOr<v1::Campaign> Coordinator::CreateCampaign(const v1::CreateCampaignRequest& request,
                                                         absl::Time now) {
  if (request.request_id().empty() || request.request_id().size() > 64) {
    return absl::InvalidArgumentError(
        absl::StrFormat("request_id: %d bytes, wanted 1 to 64", request.request_id().size()));
  }
  absl::StatusOr<v1::CampaignSpec> spec = CheckSpec(request.spec());
  if (!spec.ok()) return spec.status();
  CampaignRow row;
  row.set_request_hash(OfferHash(*spec));
  row.set_created_us(absl::ToUnixMicros(now));
  *row.mutable_spec() = *std::move(spec);
  while (row.spec().seed() == 0) {
    std::random_device random;
    row.mutable_spec()->set_seed((std::uint64_t{random()} << 32) | random());
  }
  const std::string id = IdOf(request.request_id());
  const std::string key = keys::Key(keys::kCampaign, id);

  absl::MutexLock lock(&mutex_);
  if (const CampaignState* present = state_.FindCampaign(id)) {
    if (present->row.request_hash() == row.request_hash()) return ToProto(*present, now);
    return absl::AlreadyExistsError(
        absl::StrFormat("request_id: \"%s\" was used for a campaign with another spec, %s",
                        ForMessage(request.request_id()), id));
  }
  if (claimed_.contains(key)) {
    return absl::UnavailableError("the same request is being answered; ask again");
  }
  const auto open_count = std::ranges::count_if(
      state_.campaigns(), [](const auto& entry) { return !entry.second.ended.has_value(); });
  if (static_cast<std::size_t>(open_count) >= kOpenCampaignCountMax) {
    return Exhausted(absl::StrFormat("campaigns: %d are open, at most %d may be", open_count,
                                     kOpenCampaignCountMax),
                     absl::Seconds(60));
  }
  if (state_.campaigns().size() >= kCampaignCountMax) {
    return Exhausted(absl::StrFormat("campaigns: %d are kept, the limit; delete some that ended",
                                     kCampaignCountMax),
                     absl::Seconds(60));
  }
  Plan plan;
  plan.Put(key, row);
  plan.claimed.insert(key);
  if (absl::Status committed = Commit(plan); !committed.ok()) return committed;
  LogInfo(
      "campaign created",
      {{"campaign", id}, {"name", row.spec().name()}, {"seed", std::to_string(row.spec().seed())}});
  const CampaignState* created = state_.FindCampaign(id);
  if (created == nullptr) return absl::UnavailableError("the campaign was deleted meanwhile");
  return ToProto(*created, now);
}

absl::StatusOr<v1::Campaign> Coordinator::GetCampaign(std::string_view id_or_prefix, Tasks tasks,
                                                      absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const absl::StatusOr<std::string> id = CampaignId(id_or_prefix);
  if (!id.ok()) return id.status();
  const CampaignState& campaign = *state_.FindCampaign(*id);
  v1::Campaign message = ToProto(campaign, now);
  if (tasks == Tasks::kYes) AddTasks(campaign, now, message);
  return message;
}

absl::StatusOr<v1::ListCampaignsResponse> Coordinator::ListCampaigns(
    const v1::ListCampaignsRequest& request, absl::Time now) {
  const absl::StatusOr<int> page_size = CheckPageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const std::string& token = request.page_token();
  if (!token.empty() && !keys::IsHex(token, kPageTokenDigits)) {
    return absl::InvalidArgumentError("page_token: is none of ours");
  }
  absl::MutexLock lock(&mutex_);
  std::vector<const CampaignState*> newest;
  for (const auto& [id, campaign] : state_.campaigns()) newest.push_back(&campaign);
  std::ranges::sort(newest, std::greater<>(),
                    [](const CampaignState* of) { return PageToken(*of); });
  v1::ListCampaignsResponse response;
  std::string last;
  std::size_t bytes = 0;
  for (const CampaignState* campaign : newest) {
    // What was listed may be gone by now, and new ones come before it: so the place counts.
    if (!token.empty() && PageToken(*campaign) >= token) continue;
    v1::Campaign message = ToProto(*campaign, now);
    for (v1::CampaignScenario& scenario : *message.mutable_spec()->mutable_scenarios()) {
      scenario.clear_text();
    }
    bytes += message.ByteSizeLong();
    if (response.campaigns_size() > 0 &&
        (response.campaigns_size() >= *page_size || bytes > kResponseBytesMax)) {
      response.set_next_page_token(last);
      return response;
    }
    last = PageToken(*campaign);
    *response.add_campaigns() = std::move(message);
  }
  return response;
}

absl::StatusOr<v1::Campaign> Coordinator::SetCampaignState(std::string_view id_or_prefix,
                                                           v1::CampaignState wanted,
                                                           absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const absl::StatusOr<std::string> id = CampaignId(id_or_prefix);
  if (!id.ok()) return id.status();
  const CampaignState* campaign = state_.FindCampaign(*id);
  const bool stop = wanted == v1::CAMPAIGN_STATE_STOPPED;
  if (campaign->ended.has_value() && !stop) {
    return absl::FailedPreconditionError(
        absl::StrFormat("campaign %s: has ended (%s)", *id, StateName(campaign->state())));
  }
  if (campaign->state() != wanted && !campaign->ended.has_value()) {
    const std::string key = keys::Key(stop ? keys::kEnded : keys::kPaused, *id);
    if (claimed_.contains(key)) {
      return absl::UnavailableError("the campaign is being changed; ask again");
    }
    Plan plan;
    plan.claimed.insert(key);
    if (stop) {
      EndedRow row;
      row.set_state(wanted);
      row.set_ended_us(absl::ToUnixMicros(now));
      plan.Put(key, row);
    } else {
      PausedRow row;
      row.set_paused(wanted == v1::CAMPAIGN_STATE_PAUSED);
      plan.Put(key, row);
    }
    if (absl::Status committed = Commit(plan); !committed.ok()) return committed;
    LogInfo("campaign changed", {{"campaign", *id}, {"state", StateName(wanted)}});
    CancelLeases(now);
    campaign = state_.FindCampaign(*id);
    if (campaign == nullptr) return absl::NotFoundError("the campaign was deleted meanwhile");
  }
  return ToProto(*campaign, now);
}

absl::StatusOr<v1::DeleteCampaignResponse> Coordinator::DeleteCampaign(std::string_view id) {
  absl::MutexLock lock(&mutex_);
  if (!keys::IsHex(id, 16)) {
    return absl::InvalidArgumentError("id: wanted the whole id, 16 hexadecimal digits");
  }
  const CampaignState* campaign = state_.FindCampaign(id);
  if (campaign == nullptr) {
    return absl::NotFoundError(absl::StrFormat("no campaign \"%s\"", std::string(id)));
  }
  if (!campaign->ended.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("campaign %s: has not ended; stop it first", campaign->id));
  }
  v1::DeleteCampaignResponse response;
  Plan plan;
  if (absl::Status planned = PlanDelete(*campaign, plan, response); !planned.ok()) return planned;
  if (absl::Status committed = Commit(plan); !committed.ok()) return committed;
  LogInfo("campaign deleted", {{"campaign", std::string(id)}});
  return response;
}

absl::Status Coordinator::PlanDelete(const CampaignState& campaign, Plan& plan,
                                     v1::DeleteCampaignResponse& dropped) {
  const auto drop = [&](const std::string& key) {
    plan.batch.service.push_back({.key = key, .value = std::nullopt});
  };
  for (const ScenarioState& scenario : campaign.scenarios) {
    for (const auto& [hash, input] : scenario.inputs) {
      drop(keys::Key(keys::kInput, campaign.id, scenario.key, hash));
      dropped.set_input_count(dropped.input_count() + 1);
    }
    for (const auto& [part, progress] : scenario.progress) {
      drop(keys::Key(keys::kProgress, campaign.id, scenario.key, part));
    }
    drop(keys::Key(keys::kRefused, campaign.id, scenario.key));
    for (const auto& [finding_id, found] : scenario.findings) {
      drop(keys::Key(keys::kFound, campaign.id, finding_id));
      dropped.set_finding_count(dropped.finding_count() + 1);
      const FindingState* finding = state_.FindFinding(finding_id);
      const std::string key = keys::Key(keys::kFinding, finding_id);
      if (claimed_.contains(key)) {
        return absl::UnavailableError("one of its findings is being changed; ask again");
      }
      if (finding == nullptr || finding->campaigns.size() > 1) continue;
      plan.claimed.insert(key);
      drop(key);
    }
  }
  for (const char* kind : {keys::kPaused, keys::kEnded, keys::kCampaign}) {
    drop(keys::Key(kind, campaign.id));
  }
  return absl::OkStatus();
}

v1::Campaign Coordinator::ToProto(const CampaignState& campaign, absl::Time now) const {
  v1::Campaign message;
  message.set_id(campaign.id);
  *message.mutable_spec() = campaign.row.spec();
  message.set_state(campaign.state());
  message.set_created_us(campaign.row.created_us());
  if (campaign.ended.has_value()) message.set_ended_us(campaign.ended->ended_us());
  std::vector<std::uint32_t> by_state(v1::FindingState_ARRAYSIZE, 0);
  SampledRuns sampled;
  std::uint64_t behaviour_count = 0;  // of what is shown of each, so that the column adds up
  for (const ScenarioState& scenario : campaign.scenarios) {
    v1::ScenarioProgress& progress = *message.add_scenarios();
    progress.set_name(scenario.name);
    progress.set_expected(scenario.expected);
    progress.set_key(scenario.key);
    progress.set_run_count(scenario.run_count);
    progress.set_feature_count(scenario.features.size());
    progress.set_input_count(scenario.inputs.size());
    progress.set_finding_count(scenario.findings.size());
    progress.set_input_bytes(scenario.input_bytes);
    const ProgressRow in_all = scenario.ProgressInAll();
    progress.set_findings_dropped(in_all.findings_dropped());
    const SampledRuns of_scenario = SampledRunsOf(in_all);
    *progress.mutable_behaviours() = Estimate(of_scenario);
    behaviour_count += progress.behaviours().behaviour_count();
    *progress.mutable_reached() = in_all.reached();
    progress.set_reached_run_count(in_all.reached_run_count());
    sampled.run_count += of_scenario.run_count;
    sampled.counts += of_scenario.counts;
    progress.set_refused(scenario.refused);
    for (const auto& [id, found] : scenario.findings) {
      if (const FindingState* finding = state_.FindFinding(id)) ++by_state[finding->row.state()];
    }
  }
  *message.mutable_behaviours() = Estimate(sampled);
  message.mutable_behaviours()->set_behaviour_count(behaviour_count);
  message.mutable_findings_by_state()->Add(by_state.begin(), by_state.end());
  std::set<std::string> workers;
  for (const auto& [id, lease] : leases_->leases()) {
    if (lease.campaign_id == campaign.id) workers.insert(lease.worker_id);
  }
  message.set_worker_count(static_cast<std::uint32_t>(workers.size()));
  SetPace(campaign, now, message);
  return message;
}

void Coordinator::SetPace(const CampaignState& campaign, absl::Time now,
                          v1::Campaign& message) const {
  if (campaign.ended.has_value()) {
    message.set_seconds_left(0);
    return;
  }
  const auto samples = samples_.find(campaign.id);
  if (samples != samples_.end() && samples->second.size() >= 2) {
    const Sample& first = samples->second.front();
    const Sample& last = samples->second.back();
    const double seconds = absl::ToDoubleSeconds(last.at - first.at);
    if (seconds > 0) {
      message.set_runs_per_second(std::max(0.0, (last.run_count - first.run_count) / seconds));
    }
  }
  const v1::CampaignBudget& budget = campaign.row.spec().budget();
  double left = -1;
  if (budget.run_count() > 0 && message.runs_per_second() > 0) {
    std::uint64_t runs_left = 0;
    for (const ScenarioState& scenario : campaign.scenarios) {
      if (Policy::IsSpent(state_, campaign, scenario, now)) continue;
      runs_left += budget.run_count() - std::min(budget.run_count(), scenario.run_count);
    }
    left = static_cast<double>(runs_left) / message.runs_per_second();
  }
  if (budget.second_count() > 0) {
    const double by_clock =
        std::max(0.0, absl::ToDoubleSeconds(absl::FromUnixMicros(campaign.row.created_us()) +
                                            absl::Seconds(budget.second_count()) - now));
    left = left < 0 ? by_clock : std::min(left, by_clock);
  }
  message.set_seconds_left(left);
}

void Coordinator::AddTasks(const CampaignState& campaign, absl::Time now,
                           v1::Campaign& message) const {
  AddFindingTasks(campaign, now, message);
  AddLeaseTasks(campaign, now, message);
  AddIdleTasks(campaign, now, message);
}

void Coordinator::AddFindingTasks(const CampaignState& campaign, absl::Time now,
                                  v1::Campaign& message) const {
  for (const ScenarioState& scenario : campaign.scenarios) {
    for (const auto& [id, found] : scenario.findings) {
      if (message.tasks_size() >= kTaskCountMax) return;
      const FindingState* finding = state_.FindFinding(id);
      if (finding == nullptr) continue;
      const FindingRow& row = finding->row;
      if (!finding->IsOpen() && !row.given_up()) continue;
      v1::CampaignTask& task =
          AddTask(row.state() == v1::FINDING_STATE_NEW ? "confirm" : "minimize", scenario, message);
      task.set_finding_id(id);
      task.set_attempts(row.attempts());
      if (const LeaseRecord* lease = leases_->ForFinding(id)) {
        SetLease(*lease, leases_->TimeOf(now), task);
      } else if (row.given_up()) {
        task.set_state("given up");
        task.set_reason(row.words());
      } else {
        task.set_state("waiting");
        task.set_reason(Policy::WhyNot(state_, *leases_, *finding, nullptr, now));
        if (task.reason().empty()) task.set_reason("waits for a free engine");
      }
    }
  }
}

void Coordinator::AddLeaseTasks(const CampaignState& campaign, absl::Time now,
                                v1::Campaign& message) const {
  for (const auto& [id, lease] : leases_->leases()) {
    if (lease.campaign_id != campaign.id) continue;
    if (lease.kind == TaskKind::kConfirm || lease.kind == TaskKind::kMinimize) continue;
    const ScenarioState* scenario = campaign.Find(lease.scenario_key);
    if (scenario == nullptr || message.tasks_size() >= kTaskCountMax) continue;
    v1::CampaignTask& task = AddTask(Name(lease.kind), *scenario, message);
    SetLease(lease, leases_->TimeOf(now), task);
    task.set_finding_id(lease.finding_id);
    task.set_reason(
        lease.kind == TaskKind::kFuzz     ? absl::StrFormat("%d runs", lease.fuzz.run_count())
        : lease.kind == TaskKind::kReplay ? "another model version showed it"
                                          : "what another worker ran, run again to compare");
  }
}

void Coordinator::AddIdleTasks(const CampaignState& campaign, absl::Time now,
                               v1::Campaign& message) const {
  for (const ScenarioState& scenario : campaign.scenarios) {
    if (message.tasks_size() >= kTaskCountMax) return;
    if (leases_->LeasesOut(campaign.id, scenario.key) > 0) continue;
    v1::CampaignTask& task = AddTask("fuzz", scenario, message);
    if (!scenario.refused.empty()) {
      task.set_state("given up");
      task.set_reason(scenario.refused);
    } else if (campaign.ended.has_value() || Policy::IsSpent(state_, campaign, scenario, now)) {
      task.set_state("done");
      task.set_reason(campaign.ended.has_value() ? "the campaign has ended"
                                                 : "its budget is spent, or it has its finding");
    } else {
      task.set_state("waiting");
      task.set_reason(campaign.paused              ? "the campaign is paused"
                      : leases_->workers().empty() ? "no worker is connected"
                                                   : "waits for a free engine");
    }
  }
}

}  // namespace shootdown::server
