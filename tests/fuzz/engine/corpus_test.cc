// Every scenario of corpus/ has the verdict that its file expects.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/check/check.h"
#include "fuzz/kernel/version.h"
#include "fuzz/scenario/undone.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::CorpusNames;
using testing::MutationLoop;
using testing::TestName;
using testing::Verdict;

constexpr std::uint64_t kSeedCount = 5;
constexpr std::uint64_t kFindRunCountMax = 100'000;
constexpr std::uint64_t kCleanRunCount = 30'000;

TEST(CorpusTest, HoldsRacesAndTheirRepairs) {
  EXPECT_FALSE(CorpusNames(Verdict::kFound).empty());
  EXPECT_FALSE(CorpusNames(Verdict::kClean).empty());
}

TEST(CorpusTest, FilesAreNamedAfterTheirScenarios) {
  for (const std::string& name : CorpusNames()) {
    EXPECT_EQ(testing::CorpusScenario(name).name, name);
  }
}

// A broken version that no scenario finds shows nothing, and may not even do what it says.
TEST(CorpusTest, EveryVersionOfEverySwitchIsInAScenarioThatIsFound) {
  std::set<std::pair<std::string, std::string>> used = {
      // Correct, like the first value.
      {"x86.lazy_tlb", "aggressive"},
      {"x86.should_flush_tlb", "loaded_mm_or_switching"},
      {"asid.active_asids", "before_flush"},  // 7.12-active-asid-before-flush says why
  };
  for (const std::string& name : CorpusNames(Verdict::kFound)) {
    for (const VersionChoice& v : testing::CorpusScenario(name).version) used.insert({v.name, v.value});
  }
  for (const kernel::VersionSwitch* s : kernel::VersionSwitch::All()) {
    for (std::size_t i = 1; i < s->values().size(); ++i) {
      EXPECT_TRUE(used.contains({std::string(s->name()), std::string(s->values()[i])}))
          << s->name() << " = " << s->values()[i];
    }
  }
}

// A flush that reaches too few must show there, whatever the other checks say.
TEST(CorpusTest, TheDifferentialCheckJudgesEveryCleanScenario) {
  ASSERT_TRUE(check::FindCheck("differential_read")->on_by_default);
  for (const std::string& name : CorpusNames(Verdict::kClean)) {
    const std::vector<std::string> off = testing::CorpusScenario(name).checks_off;
    EXPECT_EQ(std::ranges::count(off, "differential_read"), 0) << name;
  }
}

// Else it could be something else that makes the twin clean.
TEST(CorpusTest, ARepairedTwinDiffersInItsVersionsAlone) {
  constexpr std::string_view kSuffix = "-fixed";
  for (const std::string& name : CorpusNames(Verdict::kClean)) {
    if (!name.ends_with(kSuffix)) continue;
    const Scenario twin = testing::CorpusScenario(name);
    const Scenario race = testing::CorpusScenario(name.substr(0, name.size() - kSuffix.size()));

    EXPECT_EQ(twin.tasks, race.tasks) << name;
    EXPECT_EQ(twin.arch, race.arch) << name;
    EXPECT_EQ(twin.commit, race.commit) << name;
    EXPECT_TRUE(twin.checks_off.empty()) << name;
    // Its repair is the machine's: who sends a cross call waits until it was executed.
    if (race.name == "10.4-accepted-not-executed") continue;
    EXPECT_EQ(twin.machine, race.machine) << name;
  }
}

// 7.17 takes mutation alone 60,000 to 70,000 runs on average, and one seed in five more than 100,000.
std::uint64_t FindRunCountMax(const std::string& name) {
  return name == "7.17-clear-prev-cpumask" ? 5 * kFindRunCountMax : kFindRunCountMax;
}

class RaceTest : public ::testing::TestWithParam<std::string> {};

TEST_P(RaceTest, IsFoundWithEverySeed) {
  const auto simulation = BuildCorpus(GetParam());
  ASSERT_NE(simulation, nullptr);
  const std::string expected = simulation->scenario().expected;

  for (std::uint64_t seed = 0; seed < kSeedCount; ++seed) {
    MutationLoop loop(*simulation, seed);
    loop.Run(FindRunCountMax(GetParam()), 1);

    ASSERT_EQ(loop.found().size(), 1u) << "seed " << seed << ", " << loop.target().run_count()
                                       << " runs, " << loop.target().feature_count() << " features";
    EXPECT_EQ(loop.found()[0].kind_key.substr(0, expected.size() + 1), expected + "|");
    EXPECT_EQ(loop.found()[0].run, loop.target().run_count());
  }
}

// What no run of a clean scenario does: of that it shows nothing. These are all that there are, so that one more of
// them is noticed.
struct NeverDone {
  const char* scenario;
  std::vector<std::string> ops;
};
const std::vector<NeverDone>& KnownNeverDone() {
  static const std::vector<NeverDone> known = {
      // It leaves its CPU lazy, which is what the scenario is about.
      {"7.18-lazy-tlb-no-ipi-fixed", {"b: sleep never"}},
      {"7.26-force-flush-forgets-tables-fixed", {"c: sleep never"}},
      // Kernel threads that wait for more to do.
      {"7.33-binder-mmput-vs-exit-fixed", {"kworker: mmput_async_fn"}},
      {"seed-lost-bit-vhost", {"vhost: vhost_worker dev"}},
      {"seed-stale-hit-vhost", {"vhost: vhost_worker dev"}},
      {"10.6-loongarch-lost-bit-fixed", {"sq: io_sq_thread ring"}},
      {"10.6-loongarch-unfenced-mask-fixed", {"sq: io_sq_thread ring"}},
      {"10.6-loongarch-zeroed-asid-fixed", {"sq: io_sq_thread ring"}},
      {"10.6-mips-zeroed-asid-fixed", {"sq: io_sq_thread ring"}},
      {"10.6-sh-zeroed-asid-fixed", {"sq: io_sq_thread ring"}},
      {"10.6-sparc32-trim-fixed", {"sq: io_sq_thread ring"}},
      {"10.6-sparc32-use-mm-fixed", {"sq: io_sq_thread ring"}},
      {"10.12-powerpc-counted-twice-fixed", {"sq: io_sq_thread ring"}},
      {"7.1-trim-vs-use-mm-fixed", {"sq: io_sq_thread ring"}},
      {"7.3-use-mm-vs-invalidate-fixed", {"sq: io_sq_thread ring"}},
      {"7.36-s390-attach-fixed", {"sq: io_sq_thread ring"}},
      {"7.39-alpha-zeroed-asn-fixed", {"sq: io_sq_thread ring"}},
      {"W1-flusher-resets-mask-fixed", {"sq: io_sq_thread ring"}},
      {"W10-decision-reused-fixed", {"sq: io_sq_thread ring"}},
      {"W11-does-not-wait-fixed", {"sq: io_sq_thread ring"}},
      {"W12-no-fence-fixed", {"sq: io_sq_thread ring"}},
      {"W16-lazy-cpus-skipped-fixed", {"sq: io_sq_thread ring"}},
      {"W17-shared-argument-fixed", {"sq: io_sq_thread ring"}},
      {"W2-handler-takes-joiner-for-sender-fixed", {"sq: io_sq_thread ring"}},
      {"W3-clears-while-running-fixed", {"sq: io_sq_thread ring"}},
      {"W5-publishes-mm-late-fixed", {"sq: io_sq_thread ring"}},
      {"W9-plain-clear-fixed", {"sq: io_sq_thread ring"}},
      {"seed-lost-bit-3cpu-fixed", {"sq: io_sq_thread ring"}},
      {"seed-lost-bit-4cpu-fixed", {"sq: io_sq_thread ring"}},
      {"seed-lost-bit-8cpu-fixed", {"sq: io_sq_thread ring"}},
      {"seed-lost-bit-fixed", {"sq: io_sq_thread ring"}},
      {"seed-stale-hit-3cpu-fixed", {"sq: io_sq_thread ring"}},
      {"seed-stale-hit-4cpu-fixed", {"sq: io_sq_thread ring"}},
      {"seed-stale-hit-8cpu-fixed", {"sq: io_sq_thread ring"}},
      {"seed-stale-hit-fixed", {"sq: io_sq_thread ring"}},
  };
  return known;
}

std::vector<std::string> NeverDoneBy(Simulation& simulation) {
  std::vector<std::string> ops;
  for (const Undone& u : FindUndone(simulation.scenario(), simulation.kernel().reached())) {
    const TaskSpec& task = simulation.scenario().tasks[u.task];
    for (std::size_t i = u.first; i < task.ops.size(); ++i) {
      ops.push_back(task.name + ": " + task.ops[i].text);
    }
  }
  return ops;
}

class RepairTest : public ::testing::TestWithParam<std::string> {};

TEST_P(RepairTest, StaysCleanAndDoesAllThatItSays) {
  const auto simulation = BuildCorpus(GetParam());
  ASSERT_NE(simulation, nullptr);
  constexpr std::uint64_t kRestart = kCleanRunCount / kSeedCount;

  for (std::uint64_t seed = 0; seed < kSeedCount; ++seed) {
    MutationLoop loop(*simulation, seed);
    loop.Run(kRestart, 1);

    ASSERT_TRUE(loop.found().empty()) << "seed " << seed << ": " << loop.found()[0].kind_key
                                      << " with " << loop.found()[0].exact.ToText();
    EXPECT_EQ(loop.target().run_count(), kRestart);
  }
  const auto known = std::ranges::find(KnownNeverDone(), GetParam(), &NeverDone::scenario);
  EXPECT_EQ(NeverDoneBy(*simulation),
            known != KnownNeverDone().end() ? known->ops : std::vector<std::string>());
}

TEST(CorpusTest, WhatIsNeverDoneIsOfCleanScenarios) {
  const std::vector<std::string> clean = CorpusNames(Verdict::kClean);
  for (const NeverDone& known : KnownNeverDone()) {
    EXPECT_EQ(std::ranges::count(clean, known.scenario), 1) << known.scenario;
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, RaceTest, ::testing::ValuesIn(CorpusNames(Verdict::kFound)),
                         [](const auto& scenario) { return TestName(scenario.param); });
INSTANTIATE_TEST_SUITE_P(Corpus, RepairTest, ::testing::ValuesIn(CorpusNames(Verdict::kClean)),
                         [](const auto& scenario) { return TestName(scenario.param); });

}  // namespace
}  // namespace shootdown
