#include "server/state.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "proto/rpc/state_names.h"
#include "proto/scenario_text.h"
#include "server/keys.h"
#include "server/progress.h"

namespace shootdown::server {
namespace {

template <class Row>
absl::Status Parse(const std::string& value, Row& row) {
  if (row.ParseFromString(value)) return absl::OkStatus();
  return absl::DataLossError("its value is no " + std::string(Row::descriptor()->name()));
}

std::vector<std::string> Split(const std::string& key) { return absl::StrSplit(key, '/'); }

}  // namespace

// ------------------------------------------------------------------------------ small questions

ProgressRow ScenarioState::ProgressInAll() const {
  ProgressRow sum;
  for (const auto& [part, row] : progress) AddProgress(row, sum);
  return sum;
}

std::uint32_t ScenarioState::FindingsOfKind(const std::string& kind_key) const {
  const auto of_kind = findings_by_kind.find(kind_key);
  return of_kind == findings_by_kind.end() ? 0 : of_kind->second;
}

v1::CampaignState CampaignState::state() const {
  if (ended.has_value()) return ended->state();
  return paused ? v1::CAMPAIGN_STATE_PAUSED : v1::CAMPAIGN_STATE_RUNNING;
}

const ScenarioState* CampaignState::Find(std::string_view scenario_key) const {
  const auto found = std::ranges::find(scenarios, scenario_key, &ScenarioState::key);
  return found == scenarios.end() ? nullptr : &*found;
}

ScenarioState* CampaignState::Find(std::string_view scenario_key) {
  return const_cast<ScenarioState*>(std::as_const(*this).Find(scenario_key));
}

bool FindingState::IsOpen() const {
  if (row.given_up()) return false;
  return row.state() == v1::FINDING_STATE_NEW || row.state() == v1::FINDING_STATE_CONFIRMED;
}

bool FindingState::IsSettled() const {
  return row.state() == v1::FINDING_STATE_MINIMIZED || row.state() == v1::FINDING_STATE_REGRESSED ||
         row.state() == v1::FINDING_STATE_FIXED;
}

const CampaignState* State::FindCampaign(std::string_view id) const {
  const auto found = campaigns_.find(std::string(id));
  return found == campaigns_.end() ? nullptr : &found->second;
}

const FindingState* State::FindFinding(std::string_view id) const {
  const auto found = findings_.find(std::string(id));
  return found == findings_.end() ? nullptr : &found->second;
}

std::optional<State::Known> State::FindOffer(std::string_view hash) const {
  const auto found = offers_.find(std::string(hash));
  if (found == offers_.end()) return std::nullopt;
  return found->second;
}

State::GroupKey State::GroupKeyOf(const FindingState& finding) {
  return {finding.row.scenario_key(), finding.row.brief().signature()};
}

std::string State::GroupOf(const FindingState& finding, const std::string& campaign_id) const {
  const auto group = groups_.find(GroupKeyOf(finding));
  if (group == groups_.end()) return {};
  const auto first = std::ranges::find_if(group->second, [&](const auto& member) {
    return campaign_id.empty() || findings_.at(member.second).campaigns.contains(campaign_id);
  });
  return first == group->second.end() ? std::string() : first->second;
}

std::vector<ServiceChange> State::TakeSuperfluous() {
  std::vector<ServiceChange> changes;
  changes.reserve(superfluous_.size());
  for (std::string& key : superfluous_) {
    changes.push_back({.key = std::move(key), .value = std::nullopt});
  }
  superfluous_.clear();
  return changes;
}

// ------------------------------------------------------------------------------------- changes

absl::Status State::Apply(ApplyKey /*key*/, const ServiceChange& change) {
  const Parts parts = Split(change.key);
  const std::string* value = change.value.has_value() ? &*change.value : nullptr;
  const auto is = [&](const char* kind, std::size_t part_count) {
    return parts.front() == kind && parts.size() == part_count;
  };
  absl::Status applied = absl::DataLossError("no key of ours");
  if (is(keys::kEpoch, 1)) {
    EpochRow row;
    applied = value == nullptr ? absl::DataLossError("deleted") : Parse(*value, row);
    epoch_ = std::max(epoch_, row.epoch());
    start_count_ = std::max(start_count_, row.start_count() != 0 ? row.start_count() : row.epoch());
  } else if (is(keys::kCampaign, 2)) {
    applied = ApplyCampaign(parts, value);
  } else if (is(keys::kFinding, 2)) {
    applied = ApplyFinding(parts[1], value);
  } else if (is(keys::kWorker, 2)) {
    applied = ApplyWorker(parts[1], value);
  } else if (parts.size() >= 2) {
    // Everything else belongs to a campaign. It may have been deleted while this was on its way.
    const auto campaign = campaigns_.find(parts[1]);
    if (campaign == campaigns_.end()) {
      if (value != nullptr) superfluous_.push_back(change.key);
      return absl::OkStatus();
    }
    CampaignState& of = campaign->second;
    ScenarioState* scenario = parts.size() >= 3 ? of.Find(parts[2]) : nullptr;
    if (is(keys::kEnded, 2)) applied = ApplyEnded(of, value);
    if (is(keys::kPaused, 2)) applied = ApplyPaused(of, value);
    if (is(keys::kFound, 3)) applied = ApplyFound(of, parts[2], value);
    if (scenario != nullptr) {
      if (is(keys::kRefused, 3)) applied = ApplyRefused(*scenario, value);
      if (is(keys::kProgress, 4)) applied = ApplyProgress(*scenario, parts[3], value);
      if (is(keys::kInput, 4)) applied = ApplyInput(of, *scenario, parts[3], value);
    }
  }
  if (applied.ok()) return applied;
  return absl::DataLossError(
      absl::StrFormat("service %s: %s", change.key, std::string(applied.message())));
}

absl::Status State::ApplyCampaign(const Parts& key, const std::string* value) {
  if (value == nullptr) {
    RemoveCampaign(key[1]);
    return absl::OkStatus();
  }
  if (campaigns_.contains(key[1])) return absl::OkStatus();  // never changes
  CampaignState campaign{.id = key[1]};
  if (absl::Status parsed = Parse(*value, campaign.row); !parsed.ok()) return parsed;
  for (const v1::CampaignScenario& text : campaign.row.spec().scenarios()) {
    const absl::StatusOr<Scenario> scenario = ParseScenario(text.text(), "scenario");
    if (!scenario.ok()) return scenario.status();
    campaign.scenarios.push_back({.key = ScenarioKey(text.text()),
                                  .name = scenario->name,
                                  .expected = scenario->expected,
                                  .text = text.text()});
  }
  campaigns_.emplace(key[1], std::move(campaign));
  ++replay_change_;
  return absl::OkStatus();
}

void State::RemoveCampaign(const std::string& id) {
  const auto campaign = campaigns_.find(id);
  if (campaign == campaigns_.end()) return;
  for (ScenarioState& scenario : campaign->second.scenarios) {
    for (const auto& [hash, input] : scenario.inputs) offers_.erase(input.row.offer_hash());
    for (const auto& [finding_id, found] : scenario.findings) {
      offers_.erase(found.offer_hash());
      if (const auto finding = findings_.find(finding_id); finding != findings_.end()) {
        finding->second.campaigns.erase(id);
        Touch(finding->second);
      }
    }
  }
  campaigns_.erase(campaign);
  ++replay_change_;
}

absl::Status State::ApplyEnded(CampaignState& campaign, const std::string* value) {
  campaign.ended.reset();
  ++replay_change_;
  if (value == nullptr) return absl::OkStatus();
  return Parse(*value, campaign.ended.emplace());
}

absl::Status State::ApplyPaused(CampaignState& campaign, const std::string* value) {
  PausedRow row;
  if (value != nullptr) {
    if (absl::Status parsed = Parse(*value, row); !parsed.ok()) return parsed;
  }
  campaign.paused = row.paused();
  ++replay_change_;
  return absl::OkStatus();
}

absl::Status State::ApplyProgress(ScenarioState& scenario, const std::string& part,
                                  const std::string* value) {
  ProgressRow row;
  if (value != nullptr) {
    if (absl::Status parsed = Parse(*value, row); !parsed.ok()) return parsed;
  }
  ProgressRow& present = scenario.progress[part];
  scenario.run_count += row.run_count() - present.run_count();
  present = std::move(row);
  if (value == nullptr) scenario.progress.erase(part);
  return absl::OkStatus();
}

absl::Status State::ApplyRefused(ScenarioState& scenario, const std::string* value) {
  RefusedRow row;
  if (value != nullptr) {
    if (absl::Status parsed = Parse(*value, row); !parsed.ok()) return parsed;
  }
  scenario.refused = row.words();
  return absl::OkStatus();
}

void State::Touch(FindingState& finding) {
  ++replay_change_;
  if (finding.change != 0) changes_.erase(finding.change);
  finding.change = ++last_change_;
  changes_[finding.change] = finding.id;
}

void State::ForgetGroup(const FindingState& finding) {
  if (const auto of = settled_.find(finding.row.model_version()); of != settled_.end()) {
    of->second.erase(finding.id);
    if (of->second.empty()) settled_.erase(of);
  }
  const auto group = groups_.find(GroupKeyOf(finding));
  if (group == groups_.end()) return;
  group->second.erase({finding.row.minimized_us(), finding.id});
  if (group->second.empty()) groups_.erase(group);
}

void State::CountKind(ScenarioState& scenario, const std::string& kind_key, Count count) {
  std::uint32_t& of_kind = scenario.findings_by_kind[kind_key];
  if (count == Count::kMore) {
    ++of_kind;
  } else if (--of_kind == 0) {
    scenario.findings_by_kind.erase(kind_key);
  }
}

void State::CountKind(const FindingState& finding, Count count) {
  for (const std::string& id : finding.campaigns) {
    for (ScenarioState& scenario : campaigns_.at(id).scenarios) {
      if (scenario.findings.contains(finding.id)) {
        CountKind(scenario, finding.row.brief().kind_key(), count);
      }
    }
  }
}

absl::Status State::ApplyFinding(const std::string& id, const std::string* value) {
  const auto present = findings_.find(id);
  if (value == nullptr) {
    if (present == findings_.end()) return absl::OkStatus();
    CountKind(present->second, Count::kLess);
    ForgetGroup(present->second);
    changes_.erase(present->second.change);
    open_.erase(id);
    findings_.erase(present);
    return absl::OkStatus();
  }
  FindingRow row;
  if (absl::Status parsed = Parse(*value, row); !parsed.ok()) return parsed;
  // Findings are counted by it.
  if (!v1::FindingState_IsValid(row.state())) {
    return absl::DataLossError(absl::StrFormat("its state is %d, which is none",
                                            static_cast<int>(row.state())));
  }
  FindingState& finding = findings_[id];
  ForgetGroup(finding);
  CountKind(finding, Count::kLess);
  finding.id = id;
  finding.row = std::move(row);
  CountKind(finding, Count::kMore);
  if (finding.row.minimized_us() != 0) {
    groups_[GroupKeyOf(finding)].emplace(finding.row.minimized_us(), id);
  }
  if (finding.IsSettled()) settled_[finding.row.model_version()].insert(id);
  if (finding.IsOpen()) {
    open_.insert(id);
  } else {
    open_.erase(id);
  }
  Touch(finding);
  return absl::OkStatus();
}

absl::Status State::ApplyFound(CampaignState& campaign, const std::string& id,
                               const std::string* value) {
  FoundRow row;
  if (value == nullptr) return absl::OkStatus();  // goes with its campaign
  if (absl::Status parsed = Parse(*value, row); !parsed.ok()) return parsed;
  ScenarioState* scenario = campaign.Find(row.scenario_key());
  const auto finding = findings_.find(id);
  if (scenario == nullptr) return absl::DataLossError("the campaign has no such scenario");
  if (finding == findings_.end()) {
    superfluous_.push_back(keys::Key(keys::kFound, campaign.id, id));
    return absl::OkStatus();
  }
  offers_[row.offer_hash()] = {.finding_id = id};
  if (scenario->findings.insert_or_assign(id, std::move(row)).second) {
    CountKind(*scenario, finding->second.row.brief().kind_key(), Count::kMore);
  }
  finding->second.campaigns.insert(campaign.id);
  Touch(finding->second);
  return absl::OkStatus();
}

absl::Status State::ApplyWorker(const std::string& id, const std::string* value) {
  if (value == nullptr) {
    workers_.erase(id);
    return absl::OkStatus();
  }
  return Parse(*value, workers_[id]);
}

// ----------------------------------------------------------------------------------- in words

std::vector<std::string> State::Describe() const {
  std::vector<std::string> words = {absl::StrFormat("epoch %d", epoch_)};
  for (const auto& [id, campaign] : campaigns_) {
    words.push_back(
        absl::StrFormat("campaign %s %s", id, StateName(campaign.state())));
    for (const ScenarioState& scenario : campaign.scenarios) {
      const ProgressRow progress = scenario.ProgressInAll();
      words.push_back(absl::StrFormat(
          "scenario %s %s runs=%d sampled=%d behaviours=%d reached=%d:%s features=%d bytes=%d refused=%s",
          id, scenario.key, scenario.run_count, progress.sampled_run_count(),
          progress.behaviours_size(), progress.reached_run_count(),
          absl::StrJoin(progress.reached(), ","), scenario.features.size(), scenario.input_bytes,
          scenario.refused));
      for (const auto& [hash, input] : scenario.inputs) {
        words.push_back(absl::StrFormat("input %s %s owns=%d", id, hash, input.owned_count));
      }
      for (const auto& [finding, found] : scenario.findings) {
        words.push_back(absl::StrFormat("found %s %s", id, finding));
      }
      for (const auto& [kind, count] : scenario.findings_by_kind) {
        words.push_back(absl::StrFormat("kind %s %s %s: %d", id, scenario.key, kind, count));
      }
    }
  }
  for (const auto& [id, finding] : findings_) {
    words.push_back(absl::StrFormat(
        "finding %s %s campaigns=%d group=%s %s", id, StateName(finding.row.state()),
        finding.campaigns.size(), GroupOf(finding, ""), finding.row.words()));
  }
  for (const auto& [id, worker] : workers_) {
    words.push_back(absl::StrFormat("worker %s %s", id, worker.quarantined()));
  }
  return words;
}

}  // namespace shootdown::server
