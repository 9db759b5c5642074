#include "fuzz/base/content_hash.h"
#include "fuzz/base/prng.h"
#include "server/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "server/committer.h"
#include "server/keys.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

const absl::Duration kSecond = absl::Seconds(1);
const std::string kFirst(16, 'a');
const std::string kSecondOne(16, 'b');

// A state that rows are put into, and workers that ask for work; no disk, no clock.
class PolicyTest : public ::testing::Test {
 protected:
  void Put(const std::string& key, const google::protobuf::Message& row) {
    mutex_.Lock();
    const auto ticket =
        committer_.Enqueue({.service = {{.key = key, .value = row.SerializeAsString()}}});
    mutex_.Unlock();
    ASSERT_TRUE(committer_.Wait(*ticket).ok());
  }
  void Delete(const std::string& key) {
    mutex_.Lock();
    const auto ticket = committer_.Enqueue({.service = {{.key = key, .value = std::nullopt}}});
    mutex_.Unlock();
    ASSERT_TRUE(committer_.Wait(*ticket).ok());
  }
  void PutCampaign(const std::string& id, std::uint64_t run_count,
                   const std::vector<std::string>& scenarios = {"race"}) {
    CampaignRow row;
    for (const std::string& name : scenarios) {
      row.mutable_spec()->add_scenarios()->set_text(ScenarioText(name));
    }
    row.mutable_spec()->mutable_budget()->set_run_count(run_count);
    row.set_created_us(absl::ToUnixMicros(kNoon));
    Put(keys::Key(keys::kCampaign, id), row);
  }
  // A finding of the first campaign, found by `found_by`.
  void PutFinding(const std::string& id, v1::FindingState state, const std::string& found_by) {
    FindingRow row;
    row.set_state(state);
    row.set_scenario_key(kScenario);
    row.set_found_by(found_by);
    row.set_found_us(absl::ToUnixMicros(kNoon));
    row.set_model_version("m1");
    row.add_models("m1");
    Put(keys::Key(keys::kFinding, id), row);
    FoundRow found;
    found.set_scenario_key(kScenario);
    Put(keys::Key(keys::kFound, kFirst, id), found);
  }
  WorkerRecord& Worker(const std::string& id, absl::Time heard, const std::string& model = "m1") {
    WorkerRecord& worker = leases_.AddWorker(id);
    worker.model_version = model;
    worker.job_count = 1;
    worker.last_heard = heard;
    return worker;
  }
  std::optional<LeaseRecord> Next(const WorkerRecord& worker, absl::Time now) {
    return policy_.Next(state_, leases_, audits_, worker, now);
  }
  TaskKind NextKind(const WorkerRecord& worker, absl::Time now) {
    const std::optional<LeaseRecord> lease = Next(worker, now);
    return lease.has_value() ? lease->kind : TaskKind::kTrace;
  }

  const std::string kScenario = ScenarioKey(ScenarioText());
  const std::string kId = std::string(16, '1');
  absl::Mutex mutex_;
  State state_;
  Committer committer_{[](const StoreBatch&) { return absl::OkStatus(); }, state_, mutex_};
  Leases leases_{1, 1};
  Audits audits_;
  Policy policy_;
};

TEST_F(PolicyTest, CampaignsAndTheirScenariosGetTheSameShare) {
  PutCampaign(kFirst, 1'000'000'000, {"race"});
  PutCampaign(kSecondOne, 1'000'000'000, {"race", "other", "third"});
  WorkerRecord& worker = Worker("w", kNoon);

  std::map<std::string, int> by_campaign;
  std::map<std::string, int> by_scenario;
  for (int i = 0; i < 60; ++i) {
    const std::optional<LeaseRecord> lease = Next(worker, kNoon);
    ASSERT_TRUE(lease.has_value());
    ++by_campaign[lease->campaign_id];
    if (lease->campaign_id == kSecondOne) ++by_scenario[lease->scenario_key];
  }

  EXPECT_EQ(by_campaign[kFirst], 30);
  EXPECT_EQ(by_campaign[kSecondOne], 30);
  ASSERT_EQ(by_scenario.size(), 3u);
  for (const auto& [scenario, count] : by_scenario) EXPECT_EQ(count, 10) << scenario;
}

TEST_F(PolicyTest, ACampaignThatComesLaterDoesNotGetThePastOfTheOthers) {
  PutCampaign(kFirst, 1'000'000'000);
  WorkerRecord& worker = Worker("w", kNoon);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Next(worker, kNoon).has_value());
  PutCampaign(kSecondOne, 1'000'000'000);

  int count = 0;
  for (int i = 0; i < 20; ++i) count += Next(worker, kNoon)->campaign_id == kSecondOne ? 1 : 0;

  EXPECT_EQ(count, 10);
}

TEST_F(PolicyTest, WhatIsLeasedNeverExceedsTheBudget) {
  constexpr std::uint64_t kBudget = 3 * Policy::kFirstRunCount + 17;
  PutCampaign(kFirst, kBudget);
  WorkerRecord& worker = Worker("w", kNoon);

  std::uint64_t run_count = 0;
  while (std::optional<LeaseRecord> lease = Next(worker, kNoon)) {
    run_count += lease->fuzz.run_count();
    ASSERT_LE(run_count, kBudget);
    (void)leases_.Grant(*std::move(lease), worker, kNoon);
  }

  EXPECT_EQ(run_count, kBudget);
  EXPECT_EQ(leases_.RunsOut(kFirst, kScenario), kBudget);
}

TEST_F(PolicyTest, RunsThatWereLostAreLeasedAgain) {
  PutCampaign(kFirst, Policy::kFirstRunCount);
  WorkerRecord& worker = Worker("w", kNoon);
  (void)leases_.Grant(*Next(worker, kNoon), worker, kNoon);
  EXPECT_FALSE(Next(worker, kNoon).has_value());

  (void)leases_.Expire(kNoon + Leases::kTtl);

  EXPECT_TRUE(Next(worker, kNoon + Leases::kTtl).has_value());
}

TEST_F(PolicyTest, AnotherWorkerThanTheFinderConfirms) {
  PutCampaign(kFirst, 1'000'000'000);
  WorkerRecord& finder = Worker("finder", kNoon);
  WorkerRecord& other = Worker("other", kNoon);
  PutFinding(kId, v1::FINDING_STATE_NEW, "finder");

  EXPECT_EQ(NextKind(finder, kNoon + kSecond), TaskKind::kFuzz);
  const std::optional<LeaseRecord> lease = Next(other, kNoon + kSecond);

  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->kind, TaskKind::kConfirm);
  EXPECT_EQ(lease->finding_id, kId);
  (void)leases_.Grant(*lease, other, kNoon + kSecond);
  EXPECT_EQ(NextKind(Worker("third", kNoon), kNoon + kSecond), TaskKind::kFuzz);  // one is enough
}

TEST_F(PolicyTest, LeasesFindTheirSizeThoughShortOnesAreMostlyBeginning) {
  PutCampaign(kFirst, 1'000'000'000);
  WorkerRecord& worker = Worker("w", kNoon);
  const std::string scenario = ScenarioKey(ScenarioText());
  constexpr std::uint64_t kRunUs = 3;
  constexpr std::uint64_t kBeginningUs = 200'000;

  std::uint64_t run_count = Policy::kFirstRunCount;
  for (int leases = 0; leases < 4; ++leases) {
    policy_.Measure(worker, kFirst, scenario, run_count, kBeginningUs + kRunUs * run_count);
    run_count = policy_.Next(state_, leases_, audits_, worker, kNoon)->fuzz.run_count();
  }

  const double seconds = static_cast<double>(kBeginningUs + kRunUs * run_count) * 1e-6;
  EXPECT_NEAR(seconds, absl::ToDoubleSeconds(Policy::kLeaseWork), 0.3);
}

TEST_F(PolicyTest, AWorkerThatIsNewBeginsWithWhatAnotherMeasured) {
  PutCampaign(kFirst, 1'000'000'000);
  const std::string scenario = ScenarioKey(ScenarioText());
  WorkerRecord& first = Worker("first", kNoon);
  WorkerRecord& second = Worker("second", kNoon);
  const auto run_count = [&](const WorkerRecord& worker) {
    return policy_.Next(state_, leases_, audits_, worker, kNoon)->fuzz.run_count();
  };
  EXPECT_EQ(run_count(second), Policy::kFirstRunCount);

  policy_.Measure(first, kFirst, scenario, 100'000, 400'000);
  EXPECT_EQ(run_count(second), 1'000'000);

  policy_.Measure(second, kFirst, scenario, 100'000, 800'000);  // and goes on with its own
  EXPECT_EQ(run_count(second), 500'000);
  EXPECT_EQ(run_count(first), 1'000'000);
}

TEST_F(PolicyTest, TheFinderConfirmsWhenNobodyElseComesAndTheWordsSayWhyItWaits) {
  PutCampaign(kFirst, 1'000'000'000);
  WorkerRecord& finder = Worker("finder", kNoon);
  PutFinding(kId, v1::FINDING_STATE_NEW, "finder");
  const FindingState& finding = *state_.FindFinding(kId);

  EXPECT_EQ(NextKind(finder, kNoon + kSecond), TaskKind::kFuzz);
  EXPECT_EQ(Policy::WhyNot(state_, leases_, finding, &finder, kNoon + kSecond),
            "no worker but the finder is connected");
  const absl::Time later = kNoon + Policy::kPatience;
  leases_.Touch(finder, {}, later);

  EXPECT_EQ(NextKind(finder, later), TaskKind::kConfirm);
  EXPECT_EQ(Policy::WhyNot(state_, leases_, finding, nullptr, later),
            "waits for its finder: no other worker is connected");
}

TEST_F(PolicyTest, AWorkerInQuarantineIsNobodyToWaitFor) {
  PutCampaign(kFirst, 1'000'000'000);
  const absl::Time later = kNoon + Policy::kPatience;
  WorkerRecord& finder = Worker("finder", later);
  (void)Worker("odd", later);
  PutFinding(kId, v1::FINDING_STATE_NEW, "finder");
  EXPECT_EQ(NextKind(finder, later), TaskKind::kFuzz);
  WorkerRow row;
  row.set_quarantined("step 7");
  Put(keys::Key(keys::kWorker, "odd"), row);

  EXPECT_EQ(NextKind(finder, later), TaskKind::kConfirm);
}

TEST_F(PolicyTest, AFindingInQuarantineIsNotTheFirstThatACampaignStopsAt) {
  CampaignRow row;
  row.mutable_spec()->add_scenarios()->set_text(ScenarioText());
  row.mutable_spec()->mutable_budget()->set_run_count(1'000'000'000);
  row.mutable_spec()->set_stop_at_first_finding(true);
  Put(keys::Key(keys::kCampaign, kFirst), row);
  WorkerRecord& worker = Worker("w", kNoon);

  PutFinding(kId, v1::FINDING_STATE_QUARANTINED, "finder");
  EXPECT_EQ(NextKind(worker, kNoon), TaskKind::kFuzz);
  PutFinding(std::string(16, '2'), v1::FINDING_STATE_MINIMIZED, "finder");
  EXPECT_FALSE(Next(worker, kNoon).has_value());
}

TEST_F(PolicyTest, WhatWasFoundBeforeTheClockWasSetBackIsConfirmedAtOnce) {
  PutCampaign(kFirst, 1'000'000'000);
  const absl::Time set_back = kNoon - absl::Hours(1);
  WorkerRecord& finder = Worker("finder", set_back);
  PutFinding(kId, v1::FINDING_STATE_NEW, "finder");

  EXPECT_EQ(NextKind(finder, set_back), TaskKind::kConfirm);
}

TEST_F(PolicyTest, WhatIsConfirmedIsMinimizedByAnybodyOfItsModel) {
  PutCampaign(kFirst, 1'000'000'000);
  WorkerRecord& finder = Worker("finder", kNoon);
  PutFinding(kId, v1::FINDING_STATE_CONFIRMED, "finder");

  EXPECT_EQ(NextKind(Worker("older", kNoon, "m0"), kNoon + kSecond), TaskKind::kFuzz);
  EXPECT_EQ(NextKind(finder, kNoon + kSecond), TaskKind::kMinimize);
}

TEST_F(PolicyTest, AFindingOfACampaignThatIsPausedWaits) {
  PutCampaign(kFirst, 1'000'000'000);
  WorkerRecord& other = Worker("other", kNoon);
  PutFinding(kId, v1::FINDING_STATE_NEW, "finder");
  PausedRow row;
  row.set_paused(true);
  Put(keys::Key(keys::kPaused, kFirst), row);

  EXPECT_FALSE(Next(other, kNoon + kSecond).has_value());
  EXPECT_EQ(Policy::WhyNot(state_, leases_, *state_.FindFinding(kId), &other, kNoon),
            "its campaign is paused, or was stopped");
}

TEST_F(PolicyTest, AnotherModelRunsWhatIsSettledOnceAndItsOwnModelDoesNot) {
  PutCampaign(kFirst, 1'000'000'000);
  PutFinding(kId, v1::FINDING_STATE_MINIMIZED, "finder");
  WorkerRecord& same = Worker("same", kNoon);
  WorkerRecord& newer = Worker("newer", kNoon, "m2");

  EXPECT_EQ(NextKind(same, kNoon), TaskKind::kFuzz);
  const std::optional<LeaseRecord> lease = Next(newer, kNoon);
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->kind, TaskKind::kReplay);
  EXPECT_EQ(lease->finding_id, kId);
  const std::string lease_id = leases_.Grant(*lease, newer, kNoon).id;
  EXPECT_EQ(NextKind(newer, kNoon), TaskKind::kFuzz);
  (void)leases_.Take(lease_id);  // came back undone
  EXPECT_EQ(NextKind(newer, kNoon), TaskKind::kReplay);

  FindingRow row = state_.FindFinding(kId)->row;
  row.set_model_version("m2");
  row.add_models("m2");
  Put(keys::Key(keys::kFinding, kId), row);

  EXPECT_EQ(NextKind(newer, kNoon), TaskKind::kFuzz);
  EXPECT_EQ(NextKind(same, kNoon), TaskKind::kFuzz);  // was run on it long ago
}

TEST_F(PolicyTest, WhatIsSettledIsRunAgainWhenALaterCampaignSearchesItsScenario) {
  PutCampaign(kFirst, 1'000'000'000);
  PutFinding(kId, v1::FINDING_STATE_FIXED, "finder");
  EndedRow ended;
  ended.set_state(v1::CAMPAIGN_STATE_DONE);
  Put(keys::Key(keys::kEnded, kFirst), ended);
  WorkerRecord& newer = Worker("newer", kNoon, "m2");
  EXPECT_FALSE(Next(newer, kNoon).has_value());

  PutCampaign(kSecondOne, 1'000'000'000);

  const std::optional<LeaseRecord> lease = Next(newer, kNoon);
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->kind, TaskKind::kReplay);
  EXPECT_EQ(lease->campaign_id, kSecondOne);
}

class ChooseSeedsTest : public PolicyTest {
 protected:
  void PutInput(int n, const std::vector<std::uint32_t>& features) {
    InputRow row;
    row.set_schedule(ScheduleBytes("T0@" + std::to_string(n + 1) + ">C1"));
    for (const std::uint32_t feature : features) row.add_features(feature);
    row.set_offer_hash(std::to_string(n));
    row.set_accepted_us(n);
    Put(keys::Key(keys::kInput, kFirst, kScenario, HashHex(n)), row);
  }
  static std::string HashHex(int n) { return ToHex(HashBytes(std::to_string(n))); }
  const ScenarioState& Scenario() { return *state_.FindCampaign(kFirst)->Find(kScenario); }
};

TEST_F(ChooseSeedsTest, HalfAloneHaveAFeatureAQuarterIsYoungAndAllAreDifferent) {
  PutCampaign(kFirst, 1);
  // Each has a feature of its own.
  for (std::uint32_t n = 0; n < 200; ++n) PutInput(static_cast<int>(n), {5, 1000 + n});

  const std::vector<std::string> seeds = ChooseSeeds(Scenario(), 1);

  EXPECT_EQ(seeds.size(), Policy::kSeedCountMax);
  EXPECT_EQ(std::set<std::string>(seeds.begin(), seeds.end()).size(), seeds.size());
  EXPECT_NE(std::ranges::find(seeds, ScheduleBytes("T0@200>C1")), seeds.end());
  EXPECT_EQ(ChooseSeeds(Scenario(), 1), seeds);
  EXPECT_NE(ChooseSeeds(Scenario(), 2), seeds);
}

TEST_F(ChooseSeedsTest, WhoAloneHasAFeatureIsKnownAsInputsComeAndGo) {
  PutCampaign(kFirst, 1);
  Prng prng(3);
  for (int n = 0; n < 300; ++n) {
    std::set<std::uint32_t> features;
    for (int i = 0; i < 6; ++i) features.insert(prng.Below(120));
    PutInput(n, {features.begin(), features.end()});

    std::map<std::uint32_t, std::vector<std::string>> holders;
    for (const auto& [hash, input] : Scenario().inputs) {
      for (const std::uint32_t feature : input.row.features()) holders[feature].push_back(hash);
    }
    std::set<std::string> sole;
    for (const auto& [feature, hashes] : holders) {
      if (hashes.size() == 1) sole.insert(hashes.front());
    }
    std::set<std::string> indexed;
    for (const auto& [hash, input] : Scenario().sole_inputs) indexed.insert(hash);
    ASSERT_EQ(indexed, sole);
    ASSERT_EQ(Scenario().inputs_by_age.size(), Scenario().inputs.size());
  }
}

TEST_F(PolicyTest, NothingIsRememberedOfACampaignThatIsGone) {
  PutCampaign(kFirst, 1'000'000, {"race", "other"});
  ASSERT_TRUE(policy_.Next(state_, leases_, audits_, Worker("1", kNoon), kNoon).has_value());
  policy_.Tidy(state_);
  EXPECT_EQ(policy_.scenario_count(), 2u);

  Delete(keys::Key(keys::kCampaign, kFirst));
  policy_.Tidy(state_);

  EXPECT_EQ(policy_.scenario_count(), 0u);
}

}  // namespace
}  // namespace shootdown::server
