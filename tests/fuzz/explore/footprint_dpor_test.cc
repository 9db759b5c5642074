// What a search says that only knows what steps touch is what searches say that know other things.
#include "fuzz/explore/footprint_dpor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/explore/source_dpor.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"
#include "tests/fuzz/explore/exploring.h"
#include "tests/fuzz/explore/random_program.h"
#include "tests/fuzz/explore/small_scenario.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;
using program::RandomProgram;

// What is in one of them alone.
std::string Difference(const Outcomes& a, const Outcomes& b) {
  std::vector<std::string> difference;
  std::ranges::set_symmetric_difference(a, b, std::back_inserter(difference));
  std::string text;
  for (const std::string& one : difference) text += one + "\n";
  return text;
}

TEST(FootprintDporTest, LosesNoClassOfALittleProgram) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    RandomProgram random(model);
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      random.Become(seed);
      Outcomes found;
      Outcomes expected;
      const Report ours = Exploring(random, found, [&](const Options& options) {
        return FootprintDpor(random.subject(), {{options}}).Explore();
      });
      const Report theirs = Exploring(random, expected, [&](const Options& options) {
        return SourceDpor(random.subject(), {options}).Explore();
      });
      ASSERT_EQ(ours.classes, theirs.classes) << random.Text();
      ASSERT_EQ(Difference(found, expected), "") << random.Text();
    }
  }
}

// What a check at the end finds hides nothing of what others would have done.
TEST(FootprintDporTest, GoesOnAfterWhatIsWrongAtTheEnd) {
  struct Shared {
    program::Word word;
  };
  program::ProgramOf<Shared> program(
      {.name = "always wrong",
       .threads = {[](Shared& s) { STORE(s.word, 1); }, [](Shared& s) { STORE(s.word, 2); }},
       .at_end = [](Shared& s) { REQUIRE_AT_END(s.word.Peek() == 0, "always"); },
       .machine = {.memory_model = MemoryModel::kSc}});
  Options options;
  options.go_on = true;

  const Report report = FootprintDpor(program, {{options}}).Explore();

  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.executions, 2u);
  EXPECT_EQ(report.failing, 2u);
}

// Looks of judges, and waits that are no steps.
TEST(FootprintDporTest, LosesNoOutcomeOfAProgramThatLooksWithoutAStep) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    for (const auto words : {RandomProgram::Words::kAwaited, RandomProgram::Words::kMostlyOwn}) {
      RandomProgram random(model, words);
      for (std::uint64_t seed = 0; seed < 500; ++seed) {
        random.Become(seed);
        Outcomes found;
        Outcomes expected;
        (void)Exploring(random, found, [&](const Options& options) {
          return FootprintDpor(random.subject(), {{options}}).Explore();
        });
        (void)Exploring(random, expected, [&](const Options& options) {
          return StateSearch(random.subject(), {{options}}).Explore();
        });
        ASSERT_EQ(Difference(found, expected), "") << random.Text();
      }
    }
  }
}

TEST(FootprintDporTest, KernelsEndAsInASearchOverStates) {
  constexpr std::uint64_t kRunsMax = 10'000;
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto model = seed % 2 == 0 ? sim::MemoryModel::kSc : sim::MemoryModel::kTso;
    const std::unique_ptr<Simulation> simulation = SmallScenario(seed, model);
    if (simulation == nullptr) continue;
    std::set<std::string> expected;
    StateOptions states;
    states.state_count_max = 2'000;
    states.on_run = [&](const sim::Violation* violation) {
      expected.insert(EndOf(simulation->machine(), violation));
    };
    const Report theirs = StateSearch(*simulation, states).Explore();
    if (theirs.stopped_by != StoppedBy::kNothing) continue;

    std::set<std::string> found;
    FootprintOptions options;
    options.execution_count_max = kRunsMax;
    options.on_run = [&](const sim::Violation* violation) {
      found.insert(EndOf(simulation->machine(), violation));
    };
    const Report ours = FootprintDpor(*simulation, options).Explore();

    if (ours.stopped_by != StoppedBy::kNothing) continue;
    ++compared;
    ASSERT_EQ(ours.violation.has_value(), theirs.violation.has_value()) << "seed " << seed;
    if (!ours.violation) {
      ASSERT_EQ(Difference(found, expected), "") << "seed " << seed;
    }
  }
  EXPECT_GT(compared, 300);
}

TEST(FootprintDporTest, ItsCountsAreTheSameEachTime) {
  const auto count = [] {
    const std::unique_ptr<Simulation> simulation = SmallScenario(2, sim::MemoryModel::kTso);
    const Report report = FootprintDpor(*simulation, {}).Explore();
    return std::array{report.executions, report.blocked, report.classes};
  };
  EXPECT_EQ(count(), count());
}

TEST(FootprintDporTest, ModelsWhoseBuffersKeepNoOrderAreRefused) {
  for (const MemoryModel model : {MemoryModel::kPso, MemoryModel::kRmo}) {
    RandomProgram random(model);
    random.Become(0);
    const Report report = FootprintDpor(random.subject(), {}).Explore();
    EXPECT_EQ(report.stopped_by, StoppedBy::kRefused);
    EXPECT_FALSE(report.complete);
  }
}

TEST(FootprintDporTest, MoreProcessesThanItHasBitsForAreRefused) {
  ::shootdown::testing::GuestProgram::Parts parts;
  for (int n = 0; n < 65; ++n) {
    parts.threads.emplace_back([](::shootdown::testing::GuestProgram& g) { g.Act(0); });
  }
  ::shootdown::testing::GuestProgram program(std::move(parts), {.memory_model = MemoryModel::kSc});
  EXPECT_EQ(FootprintDpor(program, {}).Explore().stopped_by, StoppedBy::kRefused);
}

}  // namespace
}  // namespace shootdown::explore
