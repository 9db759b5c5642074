#include "fuzz/corpus/failure.h"

#include <gtest/gtest.h>

#include "tests/support/failure_builder.h"

namespace shootdown {
namespace {

Failure Unreduced() {
  Failure failure = FullFailure();
  failure.scenario_text = FullFailure().found_scenario_text;
  failure.found_scenario_text = "";
  return failure;
}

TEST(FailureIdTest, DependsOnScenarioAndScheduleAsFoundAlone) {
  Failure reduced = FullFailure();
  Failure elsewhere = FullFailure();
  elsewhere.found_scenario_text += "# other\n";
  Failure later = FullFailure();
  later.found_schedule_text += " T0@9~nmi";

  EXPECT_EQ(FailureId(reduced), FailureId(Unreduced()));
  EXPECT_NE(FailureId(elsewhere), FailureId(reduced));
  EXPECT_NE(FailureId(later), FailureId(reduced));
}

// Records of before a scenario could be reduced have no text of their own for it.
TEST(FailureIdTest, OfARecordWithoutTheFieldIsWhatItWas) {
  EXPECT_EQ(FailureId({.scenario_name = "s",
                       .scenario_text = "name: \"s\"\n",
                       .found_scenario_text = "",
                       .schedule_text = "",
                       .anchors = {},
                       .found_schedule_text = "T0@1>C1",
                       .check = "",
                       .kind_key = "",
                       .signature = "",
                       .message = "",
                       .why = "",
                       .trace_hash = "",
                       .trace = {},
                       .proof = {},
                       .scenario_proof = {}}),
            "d09ff262dbe374d3");
}

// Each is better than all behind it, whichever is named first.
TEST(BetterTest, MinimizedThenDecisionsThenWhatIsProvenThenTheScenarioThenTheText) {
  const Failure best = FullFailure();
  Failure longer_text = best;
  longer_text.schedule_text = "T1@123>C0";
  Failure larger_scenario = Unreduced();
  Failure not_proven = best;
  not_proven.minimality = Minimality::kOneMinimal;
  Failure not_asked = best;
  not_asked.minimality = Minimality::kUnknown;
  Failure more_decisions = best;
  more_decisions.anchors.push_back({});
  Failure not_minimized = best;
  not_minimized.minimized = false;
  const Failure ranked[] = {best,      longer_text,    larger_scenario, not_proven,
                            not_asked, more_decisions, not_minimized};

  for (std::size_t i = 0; i < std::size(ranked); ++i) {
    for (std::size_t j = i + 1; j < std::size(ranked); ++j) {
      EXPECT_EQ(&Better(ranked[i], ranked[j]), &ranked[i]) << i << ", " << j;
      EXPECT_EQ(&Better(ranked[j], ranked[i]), &ranked[i]) << i << ", " << j;
    }
  }
}

}  // namespace
}  // namespace shootdown
