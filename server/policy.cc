#include "server/policy.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "fuzz/base/hash.h"
#include "fuzz/base/prng.h"

namespace shootdown::server {
namespace {

// Another worker than `except` of this model version, heard of lately.
bool AnotherIsConnected(const State& state, const Leases& leases, const std::string& model_version,
                        const std::string& except, absl::Time now) {
  return std::ranges::any_of(leases.workers(), [&](const auto& entry) {
    const WorkerRecord& worker = entry.second;
    return worker.id != except && worker.model_version == model_version && !worker.draining &&
           worker.job_count > 0 && !state.workers().contains(worker.id) &&
           worker.last_heard + Policy::kPatience > leases.TimeOf(now);
  });
}

// A campaign that found it, and under which it may be run again; or nothing.
const CampaignState* SettlingCampaignOf(const State& state, const FindingState& finding) {
  for (const std::string& id : finding.campaigns) {
    const CampaignState* campaign = state.FindCampaign(id);
    if (campaign != nullptr && campaign->SettlesFindings()) return campaign;
  }
  return nullptr;
}

// In the last moments; not when the clock was set back since.
bool WasFoundLately(const FindingRow& row, absl::Time now) {
  const absl::Duration age = now - absl::FromUnixMicros(row.found_us());
  return age >= absl::ZeroDuration() && age < Policy::kPatience;
}

}  // namespace

std::optional<LeaseRecord> Policy::Next(const State& state, const Leases& leases,
                                        const Audits& audits, const WorkerRecord& worker,
                                        absl::Time now) {
  if (std::optional<LeaseRecord> lease = NextFinding(state, leases, worker, now)) return lease;
  if (std::optional<LeaseRecord> lease = NextReplay(state, leases, worker)) return lease;
  if (std::optional<LeaseRecord> lease = audits.Next(leases, worker)) return lease;
  return NextFuzz(state, leases, worker, now);
}

// ------------------------------------------------------------------------------------- findings

std::string Policy::WhyNot(const State& state, const Leases& leases, const FindingState& finding,
                           const WorkerRecord* worker, absl::Time now) {
  if (SettlingCampaignOf(state, finding) == nullptr) return "its campaign is paused, or was stopped";
  const FindingRow& row = finding.row;
  const bool same_model_there =
      AnotherIsConnected(state, leases, row.model_version(), /*except=*/"", now);
  if (!same_model_there) {
    if (WasFoundLately(row, now) || worker == nullptr) {
      return "no worker of its model version is connected";
    }
    return {};  // a newer model will say whether it still fails
  }
  if (worker != nullptr && worker->model_version != row.model_version()) {
    return "waits for a worker of its model version";
  }
  if (row.state() != v1::FINDING_STATE_NEW) {
    return worker == nullptr ? "waits for a free engine" : "";
  }
  const bool other = AnotherIsConnected(state, leases, row.model_version(), row.found_by(), now);
  if (worker != nullptr && worker->id != row.found_by()) return {};
  if (other) return "waits for another worker than its finder";
  if (WasFoundLately(row, now)) {
    return "no worker but the finder is connected";
  }
  return worker == nullptr ? "waits for its finder: no other worker is connected" : "";
}

std::optional<LeaseRecord> Policy::NextFinding(const State& state, const Leases& leases,
                                               const WorkerRecord& worker, absl::Time now) const {
  const FindingState* chosen = nullptr;
  for (const std::string& id : state.open_findings()) {
    const FindingState& finding = *state.FindFinding(id);
    const bool fresh = finding.row.state() == v1::FINDING_STATE_NEW;
    if (chosen != nullptr && !fresh) continue;  // confirming comes first
    if (leases.ForFinding(id) != nullptr) continue;
    if (!WhyNot(state, leases, finding, &worker, now).empty()) continue;
    chosen = &finding;
    if (fresh) break;
  }
  if (chosen == nullptr) return std::nullopt;
  const bool fresh = chosen->row.state() == v1::FINDING_STATE_NEW;
  return LeaseRecord{.campaign_id = SettlingCampaignOf(state, *chosen)->id,
                     .scenario_key = chosen->row.scenario_key(),
                     .kind = fresh ? TaskKind::kConfirm : TaskKind::kMinimize,
                     .finding_id = chosen->id};
}

void Policy::LookAround(const State& state, const Leases& leases, absl::Time now) {
  const absl::Time at = leases.TimeOf(now);
  if (!first_look_.has_value()) first_look_ = at;
  if (at < *first_look_ + Leases::kMemory) return;
  std::set<std::string> models;
  for (const auto& [id, worker] : leases.workers()) {
    if (worker.job_count > 0 && !state.workers().contains(id)) models.insert(worker.model_version);
  }
  if (models_ == models) return;
  models_ = std::move(models);
  nothing_to_replay_.clear();
}

// Each model once. What one model shows and another does not is as it is on those that are connected: when
// a fix is taken back, the bug is there again, although no model is new.
bool Policy::IsJudge(const std::string& model, const FindingRow& row) const {
  if (std::ranges::find(row.models(), model) == row.models().end()) return true;
  const bool models_differ =
      row.state() == v1::FINDING_STATE_FIXED || row.state() == v1::FINDING_STATE_REGRESSED;
  const bool last_is_gone = models_.has_value() && !models_->contains(row.model_version());
  return models_differ && last_is_gone &&
         std::ranges::find(row.unable_models(), model) == row.unable_models().end();
}

std::optional<LeaseRecord> Policy::NextReplay(const State& state, const Leases& leases,
                                              const WorkerRecord& worker) {
  const std::string& model = worker.model_version;
  const auto nothing = nothing_to_replay_.find(model);
  if (nothing != nothing_to_replay_.end() && nothing->second == state.replay_change()) {
    return std::nullopt;
  }
  std::map<std::string, std::string> running;  // campaigns, by scenario
  for (const auto& [id, campaign] : state.campaigns()) {
    if (!campaign.IsRunning()) continue;
    for (const ScenarioState& scenario : campaign.scenarios) running.emplace(scenario.key, id);
  }
  bool some_are_out = false;
  for (const auto& [of_model, ids] : state.settled_findings()) {
    if (of_model == model) continue;
    for (const std::string& id : ids) {
      const FindingRow& row = state.FindFinding(id)->row;
      const auto campaign = running.find(row.scenario_key());
      if (campaign == running.end()) continue;
      if (!IsJudge(model, row)) continue;
      if (leases.ForFinding(id) != nullptr) {
        some_are_out = true;  // and may come back undone
        continue;
      }
      return LeaseRecord{.campaign_id = campaign->second,
                         .scenario_key = row.scenario_key(),
                         .kind = TaskKind::kReplay,
                         .finding_id = id,
                         .model_version = model};
    }
  }
  if (!some_are_out) {
    if (nothing_to_replay_.size() >= kModelCountMax) nothing_to_replay_.clear();
    nothing_to_replay_[model] = state.replay_change();
  }
  return std::nullopt;
}

// --------------------------------------------------------------------------------------- search

bool Policy::IsSpent(const State& state, const CampaignState& campaign,
                     const ScenarioState& scenario, absl::Time now) {
  if (!scenario.refused.empty()) return true;
  const v1::CampaignSpec& spec = campaign.row.spec();
  const v1::CampaignBudget& budget = spec.budget();
  if (budget.run_count() > 0 && scenario.run_count >= budget.run_count()) return true;
  if (budget.second_count() > 0 &&
      absl::FromUnixMicros(campaign.row.created_us()) + absl::Seconds(budget.second_count()) <=
          now) {
    return true;
  }
  return spec.stop_at_first_finding() &&
         std::ranges::any_of(scenario.findings, [&](const auto& entry) {
           const FindingState* finding = state.FindFinding(entry.first);
           return finding != nullptr && !finding->IsOpen() &&
                  finding->row.state() != v1::FINDING_STATE_QUARANTINED;
         });
}

Policy::Search Policy::NeediestOf(const State& state, const Leases& leases,
                                  const WorkerRecord& worker, const CampaignState& campaign,
                                  absl::Time now) {
  const v1::CampaignSpec& spec = campaign.row.spec();
  const std::uint64_t budget = spec.budget().run_count();
  Search neediest{.campaign = &campaign};
  for (const ScenarioState& scenario : campaign.scenarios) {
    Pace& pace = pace_[{campaign.id, scenario.key}];
    if (worker.refused.contains(scenario.key) || IsSpent(state, campaign, scenario, now)) continue;
    if (spec.stop_at_first_finding() && !scenario.findings.empty() &&
        std::ranges::any_of(scenario.findings, [&](const auto& entry) {
          return state.open_findings().contains(entry.first);
        })) {
      continue;  // it may be done in a moment
    }
    const std::uint64_t used = scenario.run_count + leases.RunsOut(campaign.id, scenario.key);
    const std::uint64_t left =
        budget == 0 ? std::numeric_limits<std::uint64_t>::max() : budget - std::min(used, budget);
    if (left == 0) continue;
    if (neediest.scenario != nullptr && pace.granted_us >= neediest.pace->granted_us) continue;
    neediest.scenario = &scenario;
    neediest.pace = &pace;
    neediest.runs_left = left;
  }
  return neediest;
}

std::optional<LeaseRecord> Policy::NextFuzz(const State& state, const Leases& leases,
                                            const WorkerRecord& worker, absl::Time now) {
  // A campaign that is new begins where the others are: it has not earned their past.
  double begin_us = std::numeric_limits<double>::max();
  for (const auto& [id, granted_us] : campaign_us_) {
    const CampaignState* running = state.FindCampaign(id);
    if (running != nullptr && running->IsRunning()) begin_us = std::min(begin_us, granted_us);
  }
  if (begin_us == std::numeric_limits<double>::max()) begin_us = 0;
  Search search;
  double least_us = std::numeric_limits<double>::max();
  for (const auto& [id, campaign] : state.campaigns()) {
    if (!campaign.IsRunning()) continue;
    const double granted_us = campaign_us_.try_emplace(id, begin_us).first->second;
    const Search candidate = NeediestOf(state, leases, worker, campaign, now);
    if (candidate.scenario == nullptr || granted_us >= least_us) continue;
    search = candidate;
    least_us = granted_us;
  }
  if (search.scenario == nullptr) return std::nullopt;

  const std::string& key = search.scenario->key;
  const auto measured = worker.speeds.find(key);
  const WorkerRecord::Speed& speed =
      measured == worker.speeds.end() ? search.pace->speed : measured->second;
  const double run_us = speed.run_count > 0 ? speed.busy_us / speed.run_count : 0;
  std::uint64_t run_count = kFirstRunCount;
  if (run_us > 0) {
    const double fitting = absl::ToDoubleMicroseconds(kLeaseWork) / run_us;
    run_count = static_cast<std::uint64_t>(
        std::clamp(fitting, static_cast<double>(kRunCountMin), static_cast<double>(kRunCountMax)));
  }
  run_count = std::min(run_count, search.runs_left);
  const double work_us = run_us > 0 ? run_us * static_cast<double>(run_count) : 1e5;
  search.pace->granted_us += work_us;
  campaign_us_[search.campaign->id] += work_us;

  const v1::CampaignSpec& spec = search.campaign->row.spec();
  const std::uint64_t number = Combine(leases.start_count(), search.pace->lease_count++);
  LeaseRecord lease{.campaign_id = search.campaign->id, .scenario_key = key};
  lease.fuzz.set_strategy(spec.strategy());
  lease.fuzz.set_random_seed(Combine(Combine(spec.seed(), HashName(key)), number));
  lease.fuzz.set_run_count(run_count);
  lease.fuzz.set_known_feature_count(
      static_cast<std::uint32_t>(search.scenario->feature_list.size()));
  for (std::string& seed : ChooseSeeds(*search.scenario, lease.fuzz.random_seed())) {
    lease.fuzz.add_seeds(std::move(seed));
  }
  return lease;
}

namespace {

const Input* InputOf(const std::pair<const std::string, Input>& entry) { return &entry.second; }
const Input* InputOf(const std::pair<const std::string, const Input*>& entry) {
  return entry.second;
}

// One of `inputs`, which are not empty, by lot. Hashes lie evenly; the steps after the lot even out
// the gaps between them.
template <class Inputs>
const Input* Draw(const Inputs& inputs, Prng& prng) {
  auto at = inputs.lower_bound(absl::StrFormat("%016x", prng.Next()));
  for (std::uint32_t steps = prng.Below(16); steps > 0; --steps) {
    if (at != inputs.end()) ++at;
    if (at == inputs.end()) at = inputs.begin();
  }
  return InputOf(at == inputs.end() ? *inputs.begin() : *at);
}

}  // namespace

std::vector<std::string> ChooseSeeds(const ScenarioState& scenario, std::uint64_t number) {
  constexpr std::size_t kMax = Policy::kSeedCountMax;
  constexpr int kDrawCount = 4 * static_cast<int>(kMax);  // some come twice
  std::vector<const Input*> chosen;
  const auto take = [&](const Input* input, std::size_t until) {
    if (chosen.size() >= until || std::ranges::find(chosen, input) != chosen.end()) return;
    chosen.push_back(input);
  };
  if (scenario.inputs.size() <= kMax) {
    for (const auto& [hash, input] : scenario.inputs) chosen.push_back(&input);
  } else {
    Prng prng(number);
    if (!scenario.sole_inputs.empty()) {
      for (int i = 0; i < kDrawCount; ++i) take(Draw(scenario.sole_inputs, prng), kMax / 2);
    }
    for (const auto& [age, hash] : scenario.inputs_by_age) {
      if (chosen.size() >= kMax * 3 / 4) break;
      take(&scenario.inputs.at(hash), kMax * 3 / 4);
    }
    for (int i = 0; i < kDrawCount; ++i) take(Draw(scenario.inputs, prng), kMax);
  }
  std::vector<std::string> seeds;
  seeds.reserve(chosen.size());
  for (const Input* input : chosen) seeds.push_back(input->row.schedule());
  return seeds;
}

void Policy::Measure(WorkerRecord& worker, const std::string& campaign_id,
                     const std::string& scenario_key, std::uint64_t run_count,
                     std::uint64_t busy_us) {
  if (run_count == 0 || busy_us == 0) return;
  if (worker.speeds.size() >= 4096) worker.speeds.clear();
  WorkerRecord::Speed& speed = worker.speeds[scenario_key];
  speed.run_count = speed.run_count / 2 + static_cast<double>(run_count);
  speed.busy_us = speed.busy_us / 2 + static_cast<double>(busy_us);
  pace_[{campaign_id, scenario_key}].speed = speed;
}

void Policy::EngineFailed(const std::string& campaign_id, const std::string& scenario_key) {
  ++pace_[{campaign_id, scenario_key}].failure_count;
}

bool Policy::IsLastAttempt(const std::string& campaign_id, const std::string& scenario_key) const {
  const auto pace = pace_.find({campaign_id, scenario_key});
  return pace != pace_.end() && pace->second.failure_count + 1 >= kScenarioFailuresMax;
}

void Policy::EngineWorked(const std::string& campaign_id, const std::string& scenario_key) {
  pace_[{campaign_id, scenario_key}].failure_count = 0;
}

void Policy::Tidy(const State& state) {
  std::erase_if(pace_, [&](const auto& entry) {
    return state.FindCampaign(entry.first.first) == nullptr;
  });
  std::erase_if(campaign_us_,
                [&](const auto& entry) { return state.FindCampaign(entry.first) == nullptr; });
}

}  // namespace shootdown::server
