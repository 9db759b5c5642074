// Minimizing keeps the failure, ends 1-minimal, and brings equal bugs to equal schedules.
#include "fuzz/engine/minimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "fuzz/engine/record.h"
#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/fuzz/engine/engine_testing.h"
#include "tests/fuzz/scenario/burst_walk.h"

namespace shootdown {
namespace {

using testing::AnyDecision;
using testing::BuildCorpus;
using testing::FirstFinding;
using testing::KindOf;
using testing::TestName;
using testing::SeedRaceNames;

constexpr std::uint64_t kSeedCount = 10;

bool StartsWith(const std::string& text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Whatever was minimized: it fails as before, and without any one decision it does not.
void ExpectMinimal(Simulation& simulation, const Minimized& minimized,
                   const std::string& kind_key) {
  const Schedule& schedule = minimized.schedule;
  EXPECT_EQ(KindOf(simulation, schedule), kind_key) << schedule.ToText();
  EXPECT_EQ(schedule, schedule.Canonical());

  ASSERT_EQ(minimized.proof.size(), schedule.size());
  const std::vector<ProofStep> proof = Prove(simulation, schedule, kind_key);
  EXPECT_EQ(minimized.proof, proof);
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    EXPECT_EQ(proof[i].without, ToText(schedule.decisions()[i]));
    EXPECT_NE(proof[i].verdict, "the same failure") << schedule.ToText();
    // Once more, by our own run.
    const std::string kind = KindOf(simulation, schedule.Without(i));
    EXPECT_NE(kind, kind_key) << schedule.ToText() << " without " << proof[i].without;
    EXPECT_EQ(proof[i].verdict, kind.substr(0, kind.find('|')));
  }

  const Minimized again = MinimizeSchedule(simulation, schedule, kind_key);
  EXPECT_EQ(again.schedule.ToText(), schedule.ToText()) << "minimizing twice gives something else";
}

class MinimizerTest : public ::testing::TestWithParam<std::string> {
 protected:
  MinimizerTest() : simulation_(BuildCorpus(GetParam())) {}

  std::unique_ptr<Simulation> simulation_;
};

TEST_P(MinimizerTest, EveryFindingEndsMinimalAndSmall) {
  const std::size_t most = StartsWith(GetParam(), "seed-stale-hit") ? 2 : 3;
  for (std::uint64_t seed = 0; seed < kSeedCount; ++seed) {
    const Target::Found found = FirstFinding(*simulation_, seed);

    const Minimized minimized = MinimizeSchedule(*simulation_, found.exact, found.kind_key);

    ExpectMinimal(*simulation_, minimized, found.kind_key);
    EXPECT_LE(minimized.schedule.size(), most)
        << "seed " << seed << ": " << minimized.schedule.ToText();
    EXPECT_LE(minimized.schedule.size(), found.exact.size());
  }
}

TEST_P(MinimizerTest, NoiseIsTakenAway) {
  const Target::Found found = FirstFinding(*simulation_, 0);
  Prng prng(1);
  int tried = 0;
  for (int n = 0; n < 4'000 && tried < 5; ++n) {
    std::vector<Decision> decisions = found.exact.decisions();
    for (int i = 0; i < 20; ++i) {
      decisions.push_back(AnyDecision(prng, simulation_->machine().cpu_count()));
    }
    const Schedule noisy = Schedule(std::move(decisions)).Canonical();
    if (KindOf(*simulation_, noisy) != found.kind_key) continue;
    ++tried;

    const Minimized minimized = MinimizeSchedule(*simulation_, noisy, found.kind_key);

    ExpectMinimal(*simulation_, minimized, found.kind_key);
    EXPECT_LE(minimized.schedule.size(), 3u) << minimized.schedule.ToText();
  }
  EXPECT_EQ(tried, 5) << "the noise hides the failure nearly always";
}

TEST_P(MinimizerTest, LongRandomWalksShrinkToAFewDecisions) {
  int tried = 0;
  for (std::uint64_t seed = 0; seed < 20'000 && tried < 5; ++seed) {
    testing::BurstWalk walk(seed);
    const check::Finding* const finding = simulation_->Run(walk);
    if (finding == nullptr) continue;
    const std::string kind_key = KindKey(*finding, simulation_->machine());
    const Schedule exact = ExactSchedule(simulation_->machine().moves_made());
    ASSERT_EQ(KindOf(*simulation_, exact), kind_key) << "a walk and its exact form differ";
    if (exact.size() < 8) continue;
    ++tried;

    const Minimized minimized = MinimizeSchedule(*simulation_, exact, kind_key);

    ExpectMinimal(*simulation_, minimized, kind_key);
    EXPECT_LE(minimized.schedule.size(), 4u) << minimized.schedule.ToText();
  }
  EXPECT_GE(tried, 1) << "no random walk fails";
}

INSTANTIATE_TEST_SUITE_P(Corpus, MinimizerTest, ::testing::ValuesIn(SeedRaceNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

class EqualBugsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(EqualBugsTest, EndAsEqualSchedulesAndSignatures) {
  const auto simulation = BuildCorpus(GetParam());
  std::map<std::string, std::set<std::string>> schedules;
  std::map<std::string, std::set<std::string>> signatures;
  for (std::uint64_t seed = 0; seed < 2 * kSeedCount; ++seed) {
    const Target::Found found = FirstFinding(*simulation, seed);
    const Minimized minimized = MinimizeSchedule(*simulation, found.exact, found.kind_key);
    schedules[found.kind_key].insert(minimized.schedule.ToText());
    const auto failure = RecordFailure(*simulation, minimized.schedule, "");
    ASSERT_TRUE(failure.has_value());
    signatures[found.kind_key].insert(failure->signature);
  }

  for (const auto& [kind, texts] : schedules) {
    EXPECT_EQ(texts.size(), 1u) << kind << ": " << ::testing::PrintToString(texts);
  }
  for (const auto& [kind, all] : signatures) EXPECT_EQ(all.size(), 1u) << kind;
}

INSTANTIATE_TEST_SUITE_P(TwoCpus, EqualBugsTest,
                         ::testing::Values("seed-stale-hit", "seed-lost-bit"),
                         [](const auto& scenario) { return TestName(scenario.param); });

// Ways from CPU 0 to CPU 1 over others, which each have to be left again; and back over CPU 2.
TEST(WayTest, LeadsStraightWhereItLedOverCpusThatHaveNothingToDoWithIt) {
  const auto simulation = BuildCorpus("seed-lost-bit-8cpu");
  const std::string straight = "T0@22>C1 T1@30>C0";
  const std::string kind_key = KindOf(*simulation, *Schedule::Parse(straight));
  ASSERT_TRUE(StartsWith(kind_key, "stale_tlb_use")) << kind_key;

  for (const char* const around : {"T0@22>C7 T1@30>C0 T2@16>C1 T4@16>C2 I7@0>C6",
                                   "T0@22>C2 T1@30>C0 I7@0>C1", "T0@22>C1 T1@30>C2"}) {
    const Schedule schedule = *Schedule::Parse(around);
    ASSERT_EQ(KindOf(*simulation, schedule), kind_key) << around;

    const Minimized minimized = MinimizeSchedule(*simulation, schedule, kind_key);

    EXPECT_EQ(minimized.schedule.ToText(), straight) << "from " << around;
    ExpectMinimal(*simulation, minimized, kind_key);
  }
}

// CPU 1 has no task, so a switch to it leads to CPU 2: the same run, but a reader looks for steps of CPU 1.
TEST(WayTest, EndsAtTheCpuThatGoesOn) {
  Scenario scenario = testing::CorpusScenario("seed-stale-hit");
  scenario.machine.cpu_count = 3;
  for (TaskSpec& task : scenario.tasks) {
    if (task.cpu == 1) task.cpu = 2;
  }
  ScenarioProblem problem;
  const auto simulation = Simulation::Build(scenario, &problem);
  ASSERT_NE(simulation, nullptr) << problem.message;
  const Target::Found found = FirstFinding(*simulation, 1);

  const Minimized minimized = MinimizeSchedule(*simulation, found.exact, found.kind_key);

  ExpectMinimal(*simulation, minimized, found.kind_key);
  const std::string text = minimized.schedule.ToText();
  EXPECT_NE(text.find(">C2"), std::string::npos) << text;
  EXPECT_EQ(text.find(">C1"), std::string::npos) << text;
}

TEST(ProveTest, NamesWhatHappensInstead) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  const Target::Found found = FirstFinding(*simulation, 0);
  std::vector<Decision> decisions = found.exact.decisions();
  // A decision too many, far behind the end.
  decisions.push_back({.actor = TaskActor(0), .to = CpuActor(1), .index = 5000});
  const Schedule schedule = Schedule(std::move(decisions)).Canonical();

  const std::vector<ProofStep> proof = Prove(*simulation, schedule, found.kind_key);

  ASSERT_EQ(proof.size(), schedule.size());
  const ProofStep needless{.without = "T0@5000>C1", .verdict = "the same failure"};
  EXPECT_NE(std::ranges::find(proof, needless), proof.end());
}

}  // namespace
}  // namespace shootdown
