// State: which inputs a scenario holds. Each feature has one owner, and who owns none is dropped
// (V2).
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/keys.h"
#include "server/state.h"

namespace shootdown::server {
namespace {

// V2: who of two owns a feature that both have.
bool OwnsBefore(std::size_t bytes, std::string_view hash, const Input& other) {
  return std::make_pair(bytes, hash) <
         std::make_pair(other.row.schedule().size(), std::string_view(other.hash));
}

}  // namespace

bool ScenarioState::IsWanted(std::string_view hash, std::size_t bytes,
                             std::span<const std::uint32_t> of_run) const {
  return std::ranges::any_of(of_run, [&](std::uint32_t feature) {
    const auto known = features.find(feature);
    return known == features.end() || OwnsBefore(bytes, hash, *known->second.owner);
  });
}

absl::Status State::ApplyInput(CampaignState& campaign, ScenarioState& scenario,
                               const std::string& hash, const std::string* value) {
  if (value == nullptr) {
    RemoveInput(scenario, hash);
    return absl::OkStatus();
  }
  if (scenario.inputs.contains(hash)) return absl::OkStatus();  // V1; a schedule has one row
  Input& input = scenario.inputs[hash];
  input.hash = hash;
  if (!input.row.ParseFromString(*value)) {
    scenario.inputs.erase(hash);
    return absl::DataLossError("its value is no InputRow");
  }
  scenario.input_bytes += input.row.schedule().size();
  scenario.inputs_by_age.emplace(-input.row.accepted_us(), hash);
  offers_[input.row.offer_hash()] = {};
  std::vector<std::string> robbed;
  for (const std::uint32_t number : input.row.features()) {
    ScenarioState::Feature& feature = scenario.features[number];
    ++feature.hit_count;
    // Who owns a feature has it, so of one that had one input only, that input is its owner.
    if (feature.hit_count == 1) AddSole(scenario, input);
    if (feature.hit_count == 2) TakeSole(scenario, scenario.inputs[feature.owner->hash]);
    if (feature.owner == nullptr) {
      scenario.feature_list.push_back(number);
    } else if (OwnsBefore(input.row.schedule().size(), hash, *feature.owner)) {
      Input& loser = scenario.inputs[feature.owner->hash];
      if (--loser.owned_count == 0) robbed.push_back(loser.hash);
    } else {
      continue;
    }
    feature.owner = &input;
    ++input.owned_count;
  }
  if (input.owned_count == 0) robbed.push_back(hash);
  for (const std::string& loser : robbed) {
    superfluous_.push_back(keys::Key(keys::kInput, campaign.id, scenario.key, loser));
    RemoveInput(scenario, loser);
  }
  return absl::OkStatus();
}

// Only of an input that owns nothing.
void State::RemoveInput(ScenarioState& scenario, const std::string& hash) {
  const auto input = scenario.inputs.find(hash);
  if (input == scenario.inputs.end() || input->second.owned_count != 0) return;
  for (const std::uint32_t number : input->second.row.features()) {
    ScenarioState::Feature& feature = scenario.features[number];
    if (--feature.hit_count == 1) AddSole(scenario, scenario.inputs[feature.owner->hash]);
  }
  scenario.inputs_by_age.erase({-input->second.row.accepted_us(), hash});
  scenario.input_bytes -= input->second.row.schedule().size();
  offers_.erase(input->second.row.offer_hash());
  scenario.inputs.erase(input);
}

void State::AddSole(ScenarioState& scenario, Input& input) {
  if (input.sole_count++ == 0) scenario.sole_inputs[input.hash] = &input;
}

void State::TakeSole(ScenarioState& scenario, Input& input) {
  if (--input.sole_count == 0) scenario.sole_inputs.erase(input.hash);
}

}  // namespace shootdown::server
