// A store that nobody else looks at reaches memory at once, and no other moment is tried: what a
// search over states says then is what it says when it tries them all.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "fuzz/base/content_hash.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"
#include "fuzz/scenario/generate.h"
#include "fuzz/scenario/simulation.h"
#include "tests/fuzz/explore/random_program.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;
using program::RandomProgram;
using Outcomes = std::set<std::string>;

struct Explored {
  Outcomes outcomes;
  std::uint64_t states = 0;
};

Explored Explore(RandomProgram& random, StateOptions options) {
  Explored explored;
  options.go_on = true;
  options.on_run = [&](const sim::Violation*) { explored.outcomes.insert(random.Outcome()); };
  const Report report = StateSearch(random.subject(), options).Explore();
  EXPECT_TRUE(report.complete) << random.Text();
  explored.states = report.states;
  return explored;
}

void ExpectTheSame(MemoryModel model, std::uint64_t seeds, StateOptions options) {
  RandomProgram random(model, RandomProgram::Words::kMostlyOwn);
  std::uint64_t fewer = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    random.Become(seed);
    options.drains_unseen = false;
    const Explored all = Explore(random, options);
    options.drains_unseen = true;

    const Explored reduced = Explore(random, options);

    ASSERT_EQ(reduced.outcomes, all.outcomes) << random.Text();
    ASSERT_LE(reduced.states, all.states) << random.Text();
    if (reduced.states < all.states) ++fewer;
  }
  EXPECT_GT(fewer, seeds / 2);
}

TEST(UnseenDrainsTest, UnderTsoNoOutcomeIsLost) { ExpectTheSame(MemoryModel::kTso, 10'000, {}); }

TEST(UnseenDrainsTest, UnderPsoNoOutcomeIsLost) { ExpectTheSame(MemoryModel::kPso, 500, {}); }

TEST(UnseenDrainsTest, WithinABoundNoOutcomeIsLost) {
  for (const std::uint32_t limit : {0u, 1u, 2u}) {
    StateOptions options;
    options.preemptions = limit;
    ExpectTheSame(MemoryModel::kTso, 500, options);
  }
}

// A departure is also a store that lingers; one that nobody sees need not.
TEST(UnseenDrainsTest, WithinDeparturesNoOutcomeIsLost) {
  StateOptions options;
  options.departures = 3;
  ExpectTheSame(MemoryModel::kTso, 500, options);
}

struct LeftOutCase {
  const char* name;
  UseLeftOut rule;
};

class UnseenDrainsLeftOutTest : public ::testing::TestWithParam<LeftOutCase> {};

TEST_P(UnseenDrainsLeftOutTest, IsNoticed) {
  RandomProgram random(MemoryModel::kTso, RandomProgram::Words::kMostlyOwn);
  std::uint64_t lost = 0;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    random.Become(seed);
    const Explored right = Explore(random, {});

    StateOptions options;
    options.left_out = GetParam().rule;
    const Explored wrong = Explore(random, options);

    if (wrong.outcomes != right.outcomes) ++lost;
  }
  EXPECT_GT(lost, 0u);
}

INSTANTIATE_TEST_SUITE_P(Rules, UnseenDrainsLeftOutTest,
                         ::testing::Values(LeftOutCase{"Looks", UseLeftOut::kLooks},
                                           LeftOutCase{"Steps", UseLeftOut::kSteps},
                                           LeftOutCase{"Contradictions",
                                                       UseLeftOut::kContradictions}),
                         [](const auto& test) { return std::string(test.param.name); });

// How runs end: with what in memory, or with what found. Nothing: there are more states than so
// many.
std::optional<Outcomes> EndsOf(Simulation& simulation, StateOptions options) {
  constexpr std::uint64_t kStatesMax = 4'000;
  Outcomes ends;
  options.state_count_max = kStatesMax;
  options.go_on = true;
  options.on_run = [&](const sim::Violation* violation) {
    const auto memory = simulation.machine().GuestMemory();
    ends.insert(violation != nullptr ? violation->check
                                     : ToHex(HashBytes({memory.data(), memory.size()})));
  };
  const Report report = StateSearch(simulation, options).Explore();
  if (report.states > kStatesMax) return std::nullopt;
  return ends;
}

// Its first run shows that both threads use the word, which was relied on to be one's own.
TEST(UnseenDrainsTest, ASearchThatBeginsAnewCountsAnew) {
  struct Shared {
    program::Word word;
  };
  program::ProgramOf<Shared> program({.name = "always wrong",
                                      .threads = {[](Shared& s) { STORE(s.word, 1); },
                                                  [](Shared& s) {
                                                    (void)LOAD(s.word);
                                                    REQUIRE(false, "always");
                                                  }},
                                      .machine = {.memory_model = MemoryModel::kTso}});
  StateOptions options;
  options.go_on = true;

  const Report report = StateSearch(program, options).Explore();

  EXPECT_TRUE(report.complete);
  EXPECT_GT(report.failing, 0u);
  EXPECT_EQ(report.failing, report.executions);
}

TEST(UnseenDrainsTest, KernelsEndInTheSameStates) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Scenario scenario = GenerateScenario(seed);
    scenario.machine.memory_model = MemoryModel::kTso;
    if (ProcessCount(scenario.machine) > kProcessCountMax) continue;
    ScenarioProblem problem;
    const std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
    ASSERT_NE(simulation, nullptr) << problem.message;
    for (const std::optional<std::uint32_t> preemptions : {std::optional<std::uint32_t>(), {1}}) {
      StateOptions options;
      options.preemptions = preemptions;
      options.drains_unseen = false;
      const std::optional<Outcomes> all = EndsOf(*simulation, options);
      if (!all) continue;
      options.drains_unseen = true;

      EXPECT_EQ(EndsOf(*simulation, options), all) << scenario.name << ", seed " << seed;
      ++compared;
    }
  }
  EXPECT_GT(compared, 20);
}

}  // namespace
}  // namespace shootdown::explore
