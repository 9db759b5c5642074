// What comes from outside, by the search that knows only what each step touches: it must come to what the search over
// states does, which knows before which steps an event makes a difference.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "fuzz/explore/footprint_dpor.h"
#include "fuzz/explore/state_search.h"
#include "tests/fuzz/explore/interrupted_program.h"

namespace shootdown::explore {
namespace {

using Outcomes = std::set<std::string>;

sim::MemoryModel ModelOf(std::uint64_t seed) {
  return seed % 4 == 0 ? sim::MemoryModel::kTso : sim::MemoryModel::kSc;
}

// Empty: there are too many ways to try them all.
template <class Search, class Options>
Outcomes OutcomesBy(InterruptedProgram& random, Options options, std::uint32_t events) {
  Outcomes outcomes;
  options.events = events;
  options.go_on = true;
  options.on_run = [&](const sim::Violation*) { outcomes.insert(random.Outcome()); };
  return Search(random.subject(), options).Explore().complete ? outcomes : Outcomes{};
}

// By both, where neither has more to do than is worth while: how many were compared, with so many events.
int CompareWith(std::uint32_t events, std::uint64_t first_seed, std::uint64_t seed_count) {
  int compared = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + seed_count; ++seed) {
    InterruptedProgram random(seed, ModelOf(seed));
    StateOptions of_states;
    of_states.state_count_max = 3'000;
    const Outcomes expected = OutcomesBy<StateSearch>(random, of_states, events);
    if (expected.empty()) continue;
    FootprintOptions of_footprints;
    of_footprints.execution_count_max = 10'000;
    const Outcomes found = OutcomesBy<FootprintDpor>(random, of_footprints, events);
    if (found.empty()) continue;
    ++compared;

    EXPECT_TRUE(found == expected) << "seed " << seed << ", " << found.size() << " outcomes of "
                                   << expected.size() << ": " << random.Text();
  }
  return compared;
}

TEST(FootprintEventsTest, OneEventComesToWhatASearchOverStatesDoes) {
  EXPECT_GT(CompareWith(1, 0, 400), 300);
}

TEST(FootprintEventsTest, TwoEventsComeToWhatASearchOverStatesDoes) {
  EXPECT_GT(CompareWith(2, 400, 400), 150);
}

// A search that is interrupted every few runs, and goes on from what was saved.
TEST(FootprintEventsTest, APieceAtATimeNoOutcomeIsLost) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    InterruptedProgram random(seed, ModelOf(seed));
    FootprintOptions options;
    options.execution_count_max = 2'000;
    const Outcomes whole = OutcomesBy<FootprintDpor>(random, options, 1);
    if (whole.empty()) continue;
    Outcomes outcomes;
    options.events = 1;
    options.execution_count_max = 7;
    options.go_on = true;
    options.on_run = [&](const sim::Violation*) { outcomes.insert(random.Outcome()); };
    std::string saved;
    bool complete = false;
    while (!complete) {
      FootprintDpor search(random.subject(), options);
      ASSERT_TRUE(saved.empty() || search.Load(saved));
      complete = search.Explore().complete;
      saved.clear();
      search.Save(saved);
    }

    EXPECT_TRUE(outcomes == whole) << "seed " << seed << ": " << random.Text();
  }
}

}  // namespace
}  // namespace shootdown::explore
