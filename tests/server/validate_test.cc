#include "server/validate.h"

#include <gtest/gtest.h>

#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

const std::string kCampaign(16, '0');

TEST(ValidateTest, AGoodInputAndAGoodFindingPass) {
  EXPECT_EQ(CheckInput(InputMessage(kCampaign, "T0@1>C1", {1, 2})).refused, "");
  EXPECT_EQ(CheckFinding(FoundMessage(kCampaign, 1)).refused, "");
}

TEST(ValidateTest, MalformedInputsAreRefusedWithTheField) {
  const auto refused = [](auto change) {
    v1::Input input = InputMessage(kCampaign, "T0@1>C1", {1, 2});
    change(input);
    return CheckInput(input).refused;
  };
  using I = v1::Input;

  EXPECT_NE(refused([](I& i) { i.set_campaign_id("../x"); }), "");
  EXPECT_NE(refused([](I& i) { i.set_scenario_key("x"); }), "");
  EXPECT_NE(refused([](I& i) { i.set_trace_hash(""); }), "");
  EXPECT_NE(refused([](I& i) { i.add_features(2); }), "");
  EXPECT_NE(refused([](I& i) { i.add_features(1 << 18); }), "");
  EXPECT_NE(refused([](I& i) { i.set_schedule("odd"); }), "");
  EXPECT_NE(refused([](I& i) { i.set_schedule(std::string(9000, '\0')); }), "");
}

TEST(ValidateTest, MalformedFindingsAreRefusedWithTheField) {
  const auto refused = [](auto change) {
    v1::FoundFailure found = FoundMessage(kCampaign, 1);
    change(found);
    return CheckFinding(found).refused;
  };
  using F = v1::FoundFailure;

  EXPECT_NE(refused([](F& f) { f.mutable_failure()->set_minimized(true); }), "");
  EXPECT_NE(refused([](F& f) { f.mutable_failure()->set_scenario_text("another"); }), "");
  EXPECT_NE(refused([](F& f) { f.mutable_failure()->set_schedule_text("T0@9>C1"); }), "");
  EXPECT_NE(refused([](F& f) {
              f.mutable_failure()->set_schedule_text("?");
              f.mutable_failure()->set_found_schedule_text("?");
            }),
            "");
  EXPECT_NE(refused([](F& f) { f.mutable_failure()->clear_check(); }), "");
  EXPECT_NE(refused([](F& f) { f.mutable_failure()->clear_anchors(); }), "");
}

TEST(ValidateTest, AMinimizedFailureProvesEachDecision) {
  const Failure found = FoundFailure(1, ScenarioText());
  const auto refused = [&](auto change) {
    Failure minimized = MinimizedFailure(found);
    change(minimized);
    return WhyNotMinimized(minimized, found);
  };
  using F = Failure;

  EXPECT_EQ(refused([](F&) {}), "");
  EXPECT_NE(refused([](F& f) { f.anchors.clear(); }), "");
  EXPECT_NE(refused([](F& f) { f.proof.clear(); }), "");
  EXPECT_NE(refused([](F& f) { f.proof.resize(2); }), "");
  EXPECT_NE(refused([](F& f) { f.minimized = false; }), "");
  EXPECT_NE(refused([](F& f) { f.kind_key = "another"; }), "");
  EXPECT_NE(refused([](F& f) { f.found_schedule_text = "T0@9>C1"; }), "");
  EXPECT_NE(refused([](F& f) {
              f.found_scenario_text = f.scenario_text;
              f.scenario_text = "?";
            }),
            "");
}

TEST(ValidateTest, APublicIdDependsOnSecretAndCertificate) {
  const std::string key(32, '1');

  EXPECT_EQ(PublicWorkerId(key, "a").size(), 16u);
  EXPECT_EQ(PublicWorkerId(key, "a"), PublicWorkerId(key, "a"));
  EXPECT_NE(PublicWorkerId(key, "a"), PublicWorkerId(key, "b"));
  EXPECT_NE(PublicWorkerId(key, "a"), PublicWorkerId(std::string(32, '2'), "a"));
}

TEST(ValidateTest, ASpecIsKeptWithCanonicalTextsAndDefaults) {
  v1::CampaignSpec spec;
  spec.set_name("n");
  spec.add_scenarios()->set_text("# a comment\n" + ScenarioText());
  spec.mutable_budget()->set_run_count(1);

  const auto kept = CheckSpec(spec);

  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->scenarios(0).text(), ScenarioText());
  EXPECT_EQ(kept->strategy(), "libfuzzer");
  spec.set_strategy("pct:3");
  EXPECT_EQ(CheckSpec(spec)->strategy(), "pct:3");
  spec.set_strategy("pct");
  EXPECT_EQ(CheckSpec(spec).status().code(), absl::StatusCode::kInvalidArgument);
  spec.clear_strategy();
  EXPECT_EQ(kept->budget().input_count_max(), 4096u);
  *spec.add_scenarios() = spec.scenarios(0);
  EXPECT_EQ(CheckSpec(spec).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace shootdown::server
