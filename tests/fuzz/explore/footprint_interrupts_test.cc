// Steps that touch something else once others came first, above all since a cross call did: no outcome of a program may
// be lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "fuzz/explore/enumerate.h"
#include "fuzz/explore/footprint_dpor.h"
#include "fuzz/explore/state_search.h"
#include "tests/fuzz/explore/random_cross_calls.h"

namespace shootdown::explore {
namespace {

using Outcomes = std::set<std::string>;

sim::MemoryModel ModelOf(std::uint64_t seed) {
  return seed % 4 == 0 ? sim::MemoryModel::kTso : sim::MemoryModel::kSc;
}

// Empty: there are too many ways to try them all.
template <class Search, class Options>
Outcomes OutcomesBy(RandomCrossCalls& random, Options options, const Search& search) {
  Outcomes outcomes;
  options.go_on = true;
  options.on_run = [&](const sim::Violation* violation) {
    outcomes.insert(random.Outcome(violation));
  };
  return search(options).complete ? outcomes : Outcomes{};
}

Outcomes ByFootprints(RandomCrossCalls& random) {
  return OutcomesBy(random, FootprintOptions{}, [&](const FootprintOptions& options) {
    return FootprintDpor(random.subject(), options).Explore();
  });
}

Outcomes ByStates(RandomCrossCalls& random) {
  StateOptions all;
  all.state_count_max = 20'000;
  return OutcomesBy(random, all, [&](const StateOptions& options) {
    return StateSearch(random.subject(), options).Explore();
  });
}

Outcomes OfAllSchedules(RandomCrossCalls& random, std::uint64_t run_count_max) {
  Options all;
  all.execution_count_max = run_count_max;
  return OutcomesBy(random, all, [&](const Options& options) {
    return Enumerate(random.subject(), {}, options);
  });
}

TEST(FootprintInterruptsTest, LosesNoOutcomeThatASearchOverStatesFinds) {
  int compared = 0;
  for (std::uint64_t seed = 400; seed < 900; ++seed) {
    RandomCrossCalls random(seed, ModelOf(seed));
    const Outcomes expected = ByStates(random);
    if (expected.empty()) continue;
    ++compared;

    EXPECT_EQ(ByFootprints(random), expected) << "seed " << seed << "\n" << random.Text();
  }
  EXPECT_GT(compared, 450);
}

TEST(FootprintInterruptsTest, LosesNoOutcomeOfAnySchedule) {
  int compared = 0;
  for (std::uint64_t seed = 1'000; seed < 1'250; ++seed) {
    RandomCrossCalls random(seed, ModelOf(seed));
    const Outcomes expected = OfAllSchedules(random, 2'000);
    if (expected.empty()) continue;
    ++compared;

    // Under TSO it has orders of its own where a drain ends a wait (README.md).
    const Outcomes found = ByFootprints(random);
    EXPECT_TRUE(std::ranges::includes(found, expected)) << "seed " << seed << "\n" << random.Text();
    if (ModelOf(seed) == sim::MemoryModel::kSc) {
      EXPECT_EQ(found, expected) << "seed " << seed << "\n" << random.Text();
    }
  }
  EXPECT_GT(compared, 100);
}

// A search that is interrupted every few runs, and goes on from what was saved.
TEST(FootprintInterruptsTest, APieceAtATimeNoOutcomeIsLost) {
  constexpr std::uint64_t kRunsOfOne = 3;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomCrossCalls random(seed, ModelOf(seed));
    const Outcomes whole = ByFootprints(random);
    Outcomes outcomes;
    std::string saved;
    Report report;
    do {
      FootprintOptions options;
      options.go_on = true;
      options.execution_count_max = kRunsOfOne;
      options.on_run = [&](const sim::Violation* violation) {
        outcomes.insert(random.Outcome(violation));
      };
      FootprintDpor search(random.subject(), options);
      ASSERT_TRUE(saved.empty() || search.Load(saved));
      report = search.Explore();
      saved.clear();
      search.Save(saved);
    } while (!report.complete);

    EXPECT_EQ(outcomes, whole) << "seed " << seed << "\n" << random.Text();
  }
}

}  // namespace
}  // namespace shootdown::explore
