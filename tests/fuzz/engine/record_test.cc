// A finding becomes a failure, and the failure replays, or says where it does not.
#include "fuzz/engine/record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/engine/minimizer.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::FirstFinding;
using testing::MutationLoop;
using testing::TestName;
using testing::SeedRaceNames;

Failure Minimal(Simulation& simulation, std::uint64_t seed) {
  const Target::Found found = FirstFinding(simulation, seed);
  const Minimized minimized = MinimizeSchedule(simulation, found.exact, found.kind_key);
  std::optional<Failure> failure = RecordFailure(simulation, minimized.schedule, "text");
  EXPECT_TRUE(failure.has_value());
  return failure.value_or(Failure());
}

class ReplayTest : public ::testing::TestWithParam<std::string> {
 protected:
  ReplayTest() : simulation_(BuildCorpus(GetParam())) {}

  Replay ReplayOf(const Failure& failure) {
    absl::StatusOr<Replay> replay = ReplayFailure(*simulation_, failure);
    EXPECT_TRUE(replay.ok()) << replay.status();
    return replay.ok() ? *std::move(replay) : Replay();
  }

  std::unique_ptr<Simulation> simulation_;
};

TEST_P(ReplayTest, EveryFindingIsReproduced) {
  MutationLoop loop(*simulation_, 3);
  loop.Run(10'000);
  ASSERT_FALSE(loop.found().empty());
  for (const Target::Found& found : loop.found()) {
    const auto failure = RecordFailure(*simulation_, found.exact, "");
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->kind_key, found.kind_key);

    const Replay replay = ReplayOf(*failure);

    EXPECT_TRUE(replay.reproduced) << failure->schedule_text;
    EXPECT_FALSE(replay.reanchored);
    EXPECT_EQ(replay.check, failure->check);
    EXPECT_EQ(replay.schedule, found.exact);
  }
}

TEST_P(ReplayTest, AMinimizedFindingIsReproducedInAFreshSimulation) {
  const Failure failure = Minimal(*simulation_, 4);
  simulation_.reset();
  simulation_ = BuildCorpus(GetParam());

  EXPECT_TRUE(ReplayOf(failure).reproduced);
}

TEST_P(ReplayTest, AnotherCheckOrTraceHashIsNotReproducedThoughEveryRowIsTheSame) {
  const Failure failure = Minimal(*simulation_, 4);
  Failure other_check = failure;
  other_check.check = "another";
  Failure other_hash = failure;
  other_hash.trace_hash.back() = other_hash.trace_hash.back() == '0' ? '1' : '0';

  for (const Failure& changed : {other_check, other_hash}) {
    const Replay replay = ReplayOf(changed);

    EXPECT_FALSE(replay.reproduced);
    EXPECT_FALSE(replay.reanchored);
    EXPECT_EQ(replay.expected + replay.got, "");
    EXPECT_EQ(replay.check, failure.check);
    EXPECT_EQ(replay.trace_hash, failure.trace_hash);
  }
}

TEST_P(ReplayTest, AChangedRowIsReportedAtThatRow) {
  const Failure failure = Minimal(*simulation_, 4);
  for (std::size_t row = 0; row < failure.trace.size(); ++row) {
    Failure changed = failure;
    changed.trace[row].hash ^= 1;
    changed.trace[row].text = "something else";

    const Replay replay = ReplayOf(changed);

    EXPECT_FALSE(replay.reproduced);
    EXPECT_FALSE(replay.reanchored);
    ASSERT_EQ(replay.first_difference, row);
    EXPECT_EQ(replay.expected, "something else");
    EXPECT_EQ(replay.got, failure.trace[row].text);
    EXPECT_EQ(replay.check, failure.check);
  }
}

TEST_P(ReplayTest, ATraceThatEndsEarlierIsADifference) {
  const Failure failure = Minimal(*simulation_, 4);
  Failure shorter = failure;
  shorter.trace.pop_back();
  Failure longer = failure;
  longer.trace.push_back({.text = "one more", .hash = 1});

  const Replay replay_of_shorter = ReplayOf(shorter);
  const Replay replay_of_longer = ReplayOf(longer);

  EXPECT_FALSE(replay_of_shorter.reproduced);
  EXPECT_EQ(replay_of_shorter.first_difference, shorter.trace.size());
  EXPECT_EQ(replay_of_shorter.expected, "");
  EXPECT_EQ(replay_of_shorter.got, failure.trace.back().text);
  EXPECT_FALSE(replay_of_longer.reproduced);
  EXPECT_EQ(replay_of_longer.first_difference, failure.trace.size());
  EXPECT_EQ(replay_of_longer.expected, "one more");
  EXPECT_EQ(replay_of_longer.got, "");
}

TEST_P(ReplayTest, TheHashIsThatOfTheRunThatWasMade) {
  const Failure failure = Minimal(*simulation_, 4);
  Failure changed = failure;
  changed.trace[1].hash ^= 1;
  changed.trace_hash = "something else";
  Failure clean = failure;
  clean.schedule_text = "";
  clean.anchors.clear();

  EXPECT_EQ(ReplayOf(failure).trace_hash, failure.trace_hash);
  EXPECT_EQ(ReplayOf(changed).trace_hash, failure.trace_hash);
  const Replay other = ReplayOf(clean);
  EXPECT_NE(other.trace_hash, failure.trace_hash);
  EXPECT_EQ(other.trace_hash.size(), failure.trace_hash.size());
}

TEST_P(ReplayTest, AnotherCheckIsADifference) {
  Failure other = Minimal(*simulation_, 4);
  other.check = "deadlock";

  EXPECT_FALSE(ReplayOf(other).reproduced);
}

// As if a step had been added to the model before the decision: its index is off by one, its site
// and occurrence are not.
TEST_P(ReplayTest, DecisionsThatHaveMovedAreFoundAgainBySite) {
  const Failure failure = Minimal(*simulation_, 4);
  const Schedule schedule = *Schedule::Parse(failure.schedule_text);
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    for (const int shift : {-1, 1}) {
      std::vector<Decision> decisions = schedule.decisions();
      decisions[i].index += static_cast<std::uint32_t>(shift);
      Failure moved = failure;
      moved.schedule_text = Schedule(std::move(decisions)).ToText();
      SCOPED_TRACE(failure.schedule_text + " stored as " + moved.schedule_text);

      const Replay replay = ReplayOf(moved);

      EXPECT_FALSE(replay.reproduced);
      EXPECT_TRUE(replay.reanchored);
      EXPECT_EQ(replay.schedule.ToText(), failure.schedule_text);
      EXPECT_EQ(replay.check, failure.check);
      EXPECT_LT(replay.first_difference, failure.trace.size());
      EXPECT_EQ(replay.expected, failure.trace[replay.first_difference].text);
    }
  }
}

TEST_P(ReplayTest, AllDecisionsMayHaveMoved) {
  const Failure failure = Minimal(*simulation_, 4);
  const Schedule schedule = *Schedule::Parse(failure.schedule_text);
  std::vector<Decision> decisions = schedule.decisions();
  for (Decision& d : decisions) d.index += 3;
  Failure moved = failure;
  moved.schedule_text = Schedule(std::move(decisions)).ToText();

  const Replay replay = ReplayOf(moved);

  EXPECT_FALSE(replay.reproduced);
  EXPECT_TRUE(replay.reanchored);
  EXPECT_EQ(replay.schedule.ToText(), failure.schedule_text);
}

TEST_P(ReplayTest, SitesThatAreGoneAreNotReanchored) {
  Failure gone = Minimal(*simulation_, 4);
  const Schedule schedule = *Schedule::Parse(gone.schedule_text);
  gone.schedule_text = schedule.Without(0).ToText();
  gone.anchors.assign(schedule.size() - 1, {.site = "no_such_function: nothing", .occurrence = 0});

  const Replay replay = ReplayOf(gone);

  EXPECT_FALSE(replay.reproduced);
  EXPECT_FALSE(replay.reanchored);
  EXPECT_EQ(replay.schedule.ToText(), gone.schedule_text);
}

INSTANTIATE_TEST_SUITE_P(Corpus, ReplayTest, ::testing::ValuesIn(SeedRaceNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

TEST(RecordTest, AScheduleThatDoesNotParseIsAnError) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  Failure failure = Minimal(*simulation, 1);
  failure.schedule_text = "T0@";

  EXPECT_EQ(ReplayFailure(*simulation, failure).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RecordTest, ACleanRunIsNoFailure) {
  const auto simulation = BuildCorpus("seed-stale-hit-fixed");

  EXPECT_FALSE(RecordFailure(*simulation, Schedule(), "").has_value());
}

TEST(RecordTest, AFailureSaysAllThatThereIsToSay) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Failure failure = Minimal(*simulation, 1);

  EXPECT_EQ(failure.scenario_name, "seed-stale-hit");
  EXPECT_EQ(failure.scenario_text, "text");
  EXPECT_EQ(failure.check, "stale_tlb_use");
  EXPECT_EQ(failure.found_schedule_text, failure.schedule_text);
  EXPECT_NE(failure.message, "");
  EXPECT_NE(failure.why, "");
  EXPECT_EQ(failure.trace_hash.size(), 32u);
  EXPECT_EQ(failure.signature.size(), 32u);
  EXPECT_EQ(failure.signature, Signature(failure));
  EXPECT_FALSE(failure.minimized);
  const Schedule schedule = *Schedule::Parse(failure.schedule_text);
  ASSERT_EQ(failure.anchors.size(), schedule.size());
  const auto log = simulation->machine().log();
  ASSERT_EQ(failure.trace.size(), log.size());
  const auto hashes = sim::ChainedHashes(log);
  for (std::size_t row = 0; row < log.size(); ++row) {
    EXPECT_EQ(failure.trace[row].text, sim::RowText(log[row]));
    EXPECT_EQ(failure.trace[row].hash, hashes[row]);
  }
}

TEST(RecordTest, RecordingTwiceGivesTheSame) {
  const auto simulation = BuildCorpus("seed-lost-bit");
  const Target::Found found = FirstFinding(*simulation, 1);
  const auto first = RecordFailure(*simulation, found.exact, "");
  (void)FirstFinding(*simulation, 2);

  EXPECT_EQ(RecordFailure(*simulation, found.exact, ""), first);
}

// The run ends while the task that was interrupted still waits: its step is known all the same.
TEST(RecordTest, ADecisionBeforeAStepThatIsNotTakenHasItsAnchorToo) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Failure failure = Minimal(*simulation, 1);
  const Schedule schedule = *Schedule::Parse(failure.schedule_text);
  const auto log = simulation->machine().log();
  std::vector<Decision> decisions = schedule.decisions();
  // Leaves app for good before its last step, which comes after the page is free. A second decision
  // stands there too.
  const auto last_of_app =
      std::ranges::find_if(log.rbegin(), log.rend(), [](const sim::LogEntry& e) {
        return IsStep(e.kind) && e.actor == TaskActor(0).code();
      });
  ASSERT_NE(last_of_app, log.rend());
  const std::uint32_t last = last_of_app->index;
  decisions.push_back({.kind = Decision::Kind::kHold, .actor = TaskActor(0), .index = last});
  decisions.push_back({.actor = TaskActor(0), .to = CpuActor(1), .index = last});
  const Schedule left = Schedule(std::move(decisions)).Canonical();

  const auto recorded = RecordFailure(*simulation, left, "");

  ASSERT_TRUE(recorded.has_value());
  ASSERT_EQ(recorded->anchors.size(), left.size());
  for (const DecisionAnchor& anchor : recorded->anchors) EXPECT_NE(anchor.site, "");
  EXPECT_EQ(sim::ChainedHashes(simulation->machine().log()).back(), recorded->trace.back().hash);
}

TEST(SignatureTest, IgnoresWhereTheDecisionsStandAndKeepsWhatTheyAre) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Failure failure = Minimal(*simulation, 1);

  Failure elsewhere = failure;
  elsewhere.trace_hash = "other";
  elsewhere.message = "other";
  elsewhere.schedule_text = "T0@1>C1 T1@2>C0";
  Failure another_site = failure;
  another_site.anchors[0].site = "elsewhere";
  Failure another_kind = failure;
  another_kind.kind_key += "x";
  Failure fewer = failure;
  fewer.schedule_text = Schedule::Parse(failure.schedule_text)->Without(0).ToText();
  fewer.anchors.erase(fewer.anchors.begin());

  EXPECT_EQ(Signature(elsewhere), failure.signature);
  EXPECT_NE(Signature(another_site), failure.signature);
  EXPECT_NE(Signature(another_kind), failure.signature);
  EXPECT_NE(Signature(fewer), failure.signature);
}

}  // namespace
}  // namespace shootdown
