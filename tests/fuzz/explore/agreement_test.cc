// Random programs: what the searches say with reduction is what trying every schedule says.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "fuzz/explore/enumerate.h"
#include "fuzz/explore/source_dpor.h"
#include "fuzz/explore/state_search.h"
#include "tests/fuzz/explore/exploring.h"
#include "tests/fuzz/explore/random_program.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;
using program::RandomProgram;

Report Dpor(RandomProgram& random, Outcomes& outcomes,
            DporOptions::Reduction reduction = DporOptions::Reduction::kSourceSets) {
  return Exploring(random, outcomes, [&](const Options& options) {
    return SourceDpor(random.subject(), {options, reduction}).Explore();
  });
}

Report Everything(RandomProgram& random, Outcomes& outcomes) {
  return Exploring(random, outcomes, [&](const Options& options) {
    return Enumerate(random.subject(), {}, options);
  });
}

Report States(RandomProgram& random, Outcomes& outcomes) {
  return Exploring(random, outcomes, [&](const Options& options) {
    return StateSearch(random.subject(), {{options}}).Explore();
  });
}

TEST(AgreementTest, UnderScReductionLosesNoClassAndNoOutcome) {
  RandomProgram random(MemoryModel::kSc);
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    random.Become(seed);
    Outcomes all, reduced, of_states;
    const Report everything = Everything(random, all);

    const Report dpor = Dpor(random, reduced);
    (void)States(random, of_states);

    ASSERT_EQ(dpor.classes, everything.classes) << random.Text();
    ASSERT_EQ(dpor.rf_classes, everything.rf_classes) << random.Text();
    ASSERT_EQ(reduced, all) << random.Text();
    ASSERT_EQ(of_states, all) << random.Text();
  }
}

// Memory says whether what is awaited is there: it does not matter whether it was when the thread came.
TEST(AgreementTest, AnAwaitIsOneStateWhetherOrNotItHadToWait) {
  struct State {
    program::Word x, y;
  };
  program::ProgramOf<State> program(
      {.name = "await",
       .threads = {[](State& s) { STORE(s.x, 1); },
                   [](State& s) {
                     STORE(s.y, 1);
                     (void)AWAIT(s.x, now == 1);
                   }},
       .machine = {.memory_model = MemoryModel::kSc}});

  const Report report = StateSearch(program, {}).Explore();

  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.states, 4u);  // each store done or not
}

// Every schedule under TSO is too many; sleep sets alone try all that is enabled, and each class once.
TEST(AgreementTest, UnderTsoReductionLosesNoClassAndNoOutcome) {
  RandomProgram random(MemoryModel::kTso);
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    random.Become(seed);
    Outcomes all, reduced, of_states;
    const Report sleep_sets = Dpor(random, all, DporOptions::Reduction::kSleepSets);

    const Report dpor = Dpor(random, reduced);

    ASSERT_EQ(dpor.classes, sleep_sets.classes) << random.Text();
    ASSERT_EQ(dpor.rf_classes, sleep_sets.rf_classes) << random.Text();
    ASSERT_EQ(reduced, all) << random.Text();
    if (seed % 16 != 0) continue;  // states are many
    (void)States(random, of_states);
    ASSERT_EQ(of_states, all) << random.Text();
  }
}

TEST(AgreementTest, UnderTsoEveryScheduleSaysTheSame) {
  RandomProgram random(MemoryModel::kTso);
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    random.Become(seed);
    Outcomes all, reduced;
    const Report dpor = Dpor(random, reduced);
    if (dpor.steps_max > 10) continue;  // with their drains, few stores
    ++compared;

    const Report everything = Everything(random, all);

    ASSERT_EQ(dpor.classes, everything.classes) << random.Text();
    ASSERT_EQ(reduced, all) << random.Text();
  }
  EXPECT_GE(compared, 10);
}

TEST(AgreementTest, UnderPsoReductionLosesNoClassAndNoOutcome) {
  RandomProgram random(MemoryModel::kPso);
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    random.Become(seed);
    Outcomes all, reduced, of_states;
    const Report sleep_sets = Dpor(random, all, DporOptions::Reduction::kSleepSets);

    const Report dpor = Dpor(random, reduced);

    ASSERT_EQ(dpor.classes, sleep_sets.classes) << random.Text();
    ASSERT_EQ(reduced, all) << random.Text();
    if (seed % 8 != 0) continue;  // states are many
    (void)States(random, of_states);
    ASSERT_EQ(of_states, all) << random.Text();
  }
}

// Stores may pass each other, and nothing else is new; loads may be older still.
TEST(AgreementTest, WeakerModelsShowMore) {
  constexpr std::uint64_t kSeeds = 150;
  std::vector<Outcomes> stronger;
  for (const MemoryModel model : {MemoryModel::kPso, MemoryModel::kRmo}) {
    RandomProgram random(model);
    std::vector<Outcomes> seen;
    std::size_t more = 0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      random.Become(seed);
      (void)States(random, seen.emplace_back());
      if (stronger.empty()) continue;
      ASSERT_TRUE(std::ranges::includes(seen[seed], stronger[seed])) << random.Text();
      more += seen[seed].size() > stronger[seed].size() ? 1 : 0;
    }
    if (!stronger.empty()) {
      EXPECT_GT(more, kSeeds / 10);
    }
    stronger = std::move(seen);
  }
}

TEST(AgreementTest, TsoShowsAllThatScShows) {
  std::vector<Outcomes> sc;
  {
    RandomProgram random(MemoryModel::kSc);
    for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
      random.Become(seed);
      (void)Dpor(random, sc.emplace_back());
    }
  }
  RandomProgram random(MemoryModel::kTso);
  std::size_t more = 0;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    random.Become(seed);
    Outcomes tso;
    (void)Dpor(random, tso);
    ASSERT_TRUE(std::ranges::includes(tso, sc[seed])) << random.Text();
    if (tso.size() > sc[seed].size()) ++more;
  }
  EXPECT_GT(more, 100u);
}

}  // namespace
}  // namespace shootdown::explore
