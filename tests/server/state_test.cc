#include "server/state.h"

#include <gtest/gtest.h>

#include <map>

#include "fuzz/base/content_hash.h"
#include "fuzz/base/prng.h"
#include "server/committer.h"
#include "server/keys.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

const std::string kCampaign(16, 'c');

// A state with a disk that is a map.
class StateTest : public ::testing::Test {
 protected:
  void Put(const std::string& key, const google::protobuf::Message& row) {
    Change({.key = key, .value = row.SerializeAsString()});
  }
  void Change(ServiceChange change) { Change(state_, committer_, std::move(change)); }
  void Change(State& /*state*/, Committer& committer, ServiceChange change) {
    mutex_.Lock();
    const auto ticket = committer.Enqueue({.service = {std::move(change)}});
    mutex_.Unlock();
    ASSERT_TRUE(committer.Wait(*ticket).ok());
  }
  void PutCampaign() {
    CampaignRow row;
    row.mutable_spec()->add_scenarios()->set_text(ScenarioText());
    Put(keys::Key(keys::kCampaign, kCampaign), row);
  }
  ServiceChange InputChange(const std::string& schedule,
                            const std::vector<std::uint32_t>& features) {
    InputRow row;
    row.set_schedule(ScheduleBytes(schedule));
    for (const std::uint32_t feature : features) row.add_features(feature);
    row.set_offer_hash(schedule);
    const std::string hash = ToHex(HashBytes(row.schedule()));
    return {.key = keys::Key(keys::kInput, kCampaign, ScenarioKey(ScenarioText()), hash),
            .value = row.SerializeAsString()};
  }
  const ScenarioState& Scenario() { return state_.FindCampaign(kCampaign)->scenarios.front(); }

  absl::Mutex mutex_;
  State state_;
  std::map<std::string, std::string> disk_;
  Committer committer_{[this](const StoreBatch& batch) {
                         for (const ServiceChange& change : batch.service) {
                           if (change.value.has_value()) {
                             disk_[change.key] = *change.value;
                           } else {
                             disk_.erase(change.key);
                           }
                         }
                         return absl::OkStatus();
                       },
                       state_, mutex_};
};

TEST_F(StateTest, ASmallerInputTakesFeaturesOverAndOneWithoutAnyIsDropped) {
  PutCampaign();
  Change(InputChange("T0@1>C1 T0@2>C1", {1, 2}));
  Change(InputChange("T0@1>C1", {1}));
  EXPECT_EQ(Scenario().inputs.size(), 2u);

  Change(InputChange("T0@2>C1", {2}));

  EXPECT_EQ(Scenario().inputs.size(), 2u);
  EXPECT_EQ(Scenario().features.size(), 2u);
  EXPECT_EQ(state_.TakeSuperfluous().size(), 1u);
}

TEST_F(StateTest, OfAnInputThatIsDroppedNothingIsLeft) {
  PutCampaign();
  Change(InputChange("T0@1>C1 T0@2>C1", {1, 2}));
  Change(InputChange("T0@1>C1", {1}));
  Change(InputChange("T0@2>C1", {2}));

  ASSERT_EQ(Scenario().inputs.size(), 2u);
  EXPECT_FALSE(state_.FindOffer("T0@1>C1 T0@2>C1").has_value()) << "a worker would be told it is known";
  std::uint64_t bytes = 0;
  for (const auto& [hash, input] : Scenario().inputs) bytes += input.row.schedule().size();
  EXPECT_EQ(Scenario().input_bytes, bytes);
}

TEST_F(StateTest, AFindingHasOneLastChangeAndOfOneThatIsForgottenNothingIsLeft) {
  FindingRow row;
  row.set_state(v1::FINDING_STATE_CONFIRMED);
  row.set_model_version("m1");
  Put(keys::Key(keys::kFinding, "f"), row);
  row.set_state(v1::FINDING_STATE_MINIMIZED);
  Put(keys::Key(keys::kFinding, "f"), row);
  EXPECT_EQ(state_.changes().size(), 1u);
  EXPECT_EQ(state_.settled_findings().size(), 1u);

  Change({.key = keys::Key(keys::kFinding, "f"), .value = std::nullopt});

  EXPECT_TRUE(state_.changes().empty());
  EXPECT_TRUE(state_.settled_findings().empty());
}

TEST_F(StateTest, ApplyingARowTwiceChangesNothing) {
  PutCampaign();
  const ServiceChange input = InputChange("T0@1>C1", {1});
  ProgressRow progress;
  progress.set_run_count(10);
  const std::string key =
      keys::Key(keys::kProgress, kCampaign, ScenarioKey(ScenarioText()), std::string(16, 'a'));
  Change(input);
  Put(key, progress);
  const std::vector<std::string> once = state_.Describe();

  Change(input);
  Put(key, progress);

  EXPECT_EQ(state_.Describe(), once);
  EXPECT_EQ(Scenario().run_count, 10u);
}

TEST_F(StateTest, InputsInAnyOrderLeaveTheSameState) {
  Prng prng(3);
  std::vector<ServiceChange> changes;
  for (int i = 1; i < 60; ++i) {
    std::string schedule;
    for (std::uint32_t n = 1 + prng.Below(3); n > 0; --n) {
      schedule += "T0@" + std::to_string(1 + prng.Below(500)) + ">C1 ";
    }
    std::vector<std::uint32_t> features;
    for (std::uint32_t f = 0; f < 40; ++f) {
      if (prng.OneIn(6)) features.push_back(f);
    }
    changes.push_back(InputChange(schedule, features));
  }
  std::vector<std::string> first;
  for (int round = 0; round < 10; ++round) {
    Change({.key = keys::Key(keys::kCampaign, kCampaign), .value = std::nullopt});
    PutCampaign();
    for (std::size_t i = changes.size(); i > 1; --i) {
      std::swap(changes[i - 1], changes[prng.Below(static_cast<std::uint32_t>(i))]);
    }
    for (const ServiceChange& change : changes) Change(change);
    if (round == 0) first = state_.Describe();
    EXPECT_EQ(state_.Describe(), first);
  }
}

TEST_F(StateTest, OneFindingStandsForThoseOfItsScenarioAndSignature) {
  const std::string race = ScenarioKey(ScenarioText("race"));
  const std::string other = ScenarioKey(ScenarioText("other"));
  const std::string second(16, 'd');
  for (const std::string& campaign : {kCampaign, second}) {
    CampaignRow row;
    row.mutable_spec()->add_scenarios()->set_text(ScenarioText("race"));
    row.mutable_spec()->add_scenarios()->set_text(ScenarioText("other"));
    Put(keys::Key(keys::kCampaign, campaign), row);
  }
  const auto put = [&](const std::string& id, const std::string& scenario,
                       const std::string& campaign, std::int64_t minimized_us) {
    FindingRow row;
    row.set_scenario_key(scenario);
    row.set_state(v1::FINDING_STATE_MINIMIZED);
    row.set_minimized_us(minimized_us);
    row.mutable_brief()->set_signature("bug");
    Put(keys::Key(keys::kFinding, id), row);
    FoundRow found;
    found.set_scenario_key(scenario);
    Put(keys::Key(keys::kFound, campaign, id), found);
  };
  put("f1", race, kCampaign, 20);
  put("f2", race, kCampaign, 10);
  put("f3", race, second, 30);
  put("f4", other, second, 40);

  const auto group_of = [&](const std::string& id, const std::string& campaign) {
    return state_.GroupOf(*state_.FindFinding(id), campaign);
  };
  EXPECT_EQ(group_of("f1", ""), "f2");
  EXPECT_EQ(group_of("f2", ""), "f2");
  EXPECT_EQ(group_of("f3", ""), "f2");
  EXPECT_EQ(group_of("f4", ""), "f4");
  EXPECT_EQ(group_of("f3", second), "f3") << "the list of one campaign would not have its bug";
  EXPECT_EQ(group_of("f1", kCampaign), "f2");
}

TEST_F(StateTest, AFolderOfAnOlderServerGoesOnCountingItsStarts) {
  EpochRow row;
  row.set_epoch(7);
  Put(keys::Key(keys::kEpoch), row);
  EXPECT_EQ(state_.start_count(), 7u);

  row.set_epoch(1'700'000'000);
  row.set_start_count(8);
  Put(keys::Key(keys::kEpoch), row);
  EXPECT_EQ(state_.start_count(), 8u);
  EXPECT_EQ(state_.epoch(), 1'700'000'000u);
}

TEST_F(StateTest, WhatComesForACampaignThatIsGoneIsSwept) {
  Change(InputChange("T0@1>C1", {1}));

  EXPECT_TRUE(state_.campaigns().empty());
  EXPECT_EQ(state_.TakeSuperfluous().size(), 1u);
}

}  // namespace
}  // namespace shootdown::server
