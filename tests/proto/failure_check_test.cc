#include "proto/failure_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shootdown {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kScenario[] =
    "name: \"s\"\nsummary: \"s\"\nmachine { cpus: 2 }\n"
    "task { name: \"a\" op: \"mmap A\" }\nexpect { clean: true }\n";

Failure Found() {
  Failure failure;
  failure.scenario_name = "s";
  failure.scenario_text = kScenario;
  failure.schedule_text = "T0@1>C1 T0@2>C1";
  failure.found_schedule_text = failure.schedule_text;
  failure.anchors.resize(2);
  failure.check = "stale_tlb_use";
  failure.signature = std::string(32, 'a');
  failure.trace_hash = std::string(32, 'b');
  return failure;
}

Failure Minimized() {
  Failure failure = Found();
  failure.found_scenario_text = kScenario;
  failure.schedule_text = "T0@1>C1";
  failure.anchors.resize(1);
  failure.minimized = true;
  failure.proof = {{.without = "T0@1>C1", .verdict = "clean"}};
  failure.minimality = Minimality::kMinimum;
  return failure;
}

TEST(FailureCheckTest, WhatTheProgramsMakePasses) {
  EXPECT_TRUE(CheckFailure(Found()).ok()) << CheckFailure(Found());
  EXPECT_TRUE(CheckFailure(Minimized()).ok()) << CheckFailure(Minimized());
  Failure without_decisions = Minimized();
  without_decisions.schedule_text.clear();
  without_decisions.anchors.clear();
  without_decisions.proof.clear();
  EXPECT_TRUE(CheckFailure(without_decisions).ok()) << CheckFailure(without_decisions);
}

TEST(FailureCheckTest, NonsenseIsRefusedWithTheField) {
  struct Case {
    const char* words;
    Failure failure;
    void (*spoil)(Failure&);
  };
  const Case cases[] = {
      {"anchors: 0 of them, wanted one for each of the 2 decisions", Found(),
       [](Failure& f) { f.anchors.clear(); }},
      {"anchors: 0 of them", Minimized(), [](Failure& f) { f.anchors.clear(); }},
      {"proof: 0 of them, wanted one for each of the 1 decisions", Minimized(),
       [](Failure& f) { f.proof.clear(); }},
      {"proof: 2 of them", Minimized(), [](Failure& f) { f.proof.resize(2); }},
      {"proof: is set", Found(), [](Failure& f) { f.proof.resize(2); }},
      {"proof: is set", Found(), [](Failure& f) { f.scenario_proof.resize(1); }},
      {"minimality: is minimum, proven", Found(),
       [](Failure& f) { f.minimality = Minimality::kMinimum; }},
      {"schedule_text: is not found_schedule_text", Found(),
       [](Failure& f) { f.schedule_text = "T0@1>C1 T0@3>C1"; }},
      {"found_scenario_text: is set", Found(),
       [](Failure& f) { f.found_scenario_text = kScenario; }},
      {"schedule_text: schedule:1:1", Minimized(), [](Failure& f) { f.schedule_text = "?"; }},
      {"found_schedule_text: schedule:1:1", Minimized(),
       [](Failure& f) { f.found_schedule_text = "?"; }},
      {"scenario_text:1:1", Minimized(), [](Failure& f) { f.scenario_text = "?"; }},
      {"found_scenario_text:1:1", Minimized(), [](Failure& f) { f.found_scenario_text = "?"; }},
      {"check: 0 bytes", Found(), [](Failure& f) { f.check.clear(); }},
      {"signature: \"x\"", Found(), [](Failure& f) { f.signature = "x"; }},
      {"trace_hash: \"\"", Found(), [](Failure& f) { f.trace_hash.clear(); }},
      {"message is not UTF-8", Found(), [](Failure& f) { f.message = "\xff"; }},
  };
  for (const Case& c : cases) {
    Failure failure = c.failure;
    c.spoil(failure);
    const absl::Status status = CheckFailure(failure);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.words;
    EXPECT_THAT(std::string(status.message()), StartsWith("failure " + FailureId(failure) + ": "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.words));
  }
}

}  // namespace
}  // namespace shootdown
