// Every puzzle's bug is found, and confirmed, within a bounded number of runs; its fixed twin stays clean
// over many more.
#include "tests/puzzles/puzzles.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fuzz/engine/mutator.h"
#include "fuzz/engine/search.h"
#include "fuzz/explore/enumerate.h"
#include "tests/puzzles/tlb_race.h"

namespace shootdown::puzzles {
namespace {

constexpr std::uint64_t kRunsToFind = 4000;
constexpr std::uint64_t kRunsToTrust = 4000;

// Some bugs break a run in more than one way.
using Violations = std::set<std::string>;

std::string ViolationOf(const Target::Found& found) {
  return found.kind_key.substr(0, found.kind_key.find('|'));
}

Violations Sample(program::Program& program, const StrategyName& strategy,
                  std::uint64_t run_count) {
  Violations violations;
  SampleSearch(program, strategy, {.seed = 1, .run_count_max = run_count},
               {.found = [&](const Target::Found& found) { violations.insert(ViolationOf(found)); },
                .input = nullptr,
                .ran = nullptr});
  return violations;
}

// What libfuzzer's mutator finds without libFuzzer: children of runs that did something new.
Violations MutateFor(program::Program& program, std::uint64_t run_count, std::uint64_t seed = 1) {
  Violations violations;
  Target target(program);
  target.OnFound([&](const Target::Found& found) { violations.insert(ViolationOf(found)); });
  Prng prng(seed);
  std::vector<Schedule> parents = {Schedule()};
  (void)target.Run(Schedule());
  while (target.run_count() < run_count) {
    target.EnsureLastRun(parents[prng.Below(static_cast<std::uint32_t>(parents.size()))]);
    const Schedule child = Mutate(target.machine(), prng);
    if (target.Run(child) != 0) parents.push_back(child);
  }
  return violations;
}

class PuzzleTest : public ::testing::TestWithParam<Puzzle> {};
INSTANTIATE_TEST_SUITE_P(All, PuzzleTest, ::testing::ValuesIn(Puzzles()),
                         [](const auto& puzzle) { return puzzle.param.name; });

TEST_P(PuzzleTest, TheBugIsFound) {
  const auto program = GetParam().buggy();
  if (!GetParam().needs_store_buffer) {
    const Violations violations =
        Sample(*program, {.kind = StrategyName::Kind::kPosEager}, kRunsToFind);
    EXPECT_TRUE(violations.contains(GetParam().violation));
    return;
  }
  // One search in twenty is unlucky (work_stealing): of ten, nine have to find it.
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    found += MutateFor(*program, kRunsToFind, seed).contains(GetParam().violation) ? 1 : 0;
  }
  EXPECT_GE(found, 9);
}

TEST_P(PuzzleTest, TheFixedTwinStaysClean) {
  const auto program = GetParam().fixed();
  for (const char* name : {"random-walk", "pos", "race-reversal"}) {
    EXPECT_EQ(Sample(*program, *ParseStrategyName(name), kRunsToTrust), Violations()) << name;
  }
  EXPECT_EQ(MutateFor(*program, kRunsToTrust), Violations());
}

TEST_P(PuzzleTest, ABugOfTheStoreBufferNeedsIt) {
  if (!GetParam().needs_store_buffer) return;
  const auto program = GetParam().buggy();  // samplers hold no stores
  EXPECT_EQ(Sample(*program, {.kind = StrategyName::Kind::kRandomWalk}, kRunsToTrust),
            Violations());
}

TEST(TlbRaceTest, IsFoundAndItsFixIsClean) {
  const StrategyName strategy = {.kind = StrategyName::Kind::kRaceReversal};
  EXPECT_TRUE(Sample(*TlbRace({}), strategy, kRunsToFind).contains("assertion"));
  EXPECT_TRUE(Sample(*TlbRace({.cpus = 3}), strategy, kRunsToFind).contains("assertion"));
  EXPECT_EQ(Sample(*TlbRace({.pages = 1}), strategy, kRunsToTrust), Violations());
  EXPECT_EQ(Sample(*TlbRace({.fixed = true}), strategy, kRunsToTrust), Violations());
  EXPECT_EQ(Sample(*TlbRace({.cpus = 4, .fixed = true}), strategy, kRunsToTrust), Violations());
}

// The published counts of schedules tell in how many steps a reference is taken.
TEST(TlbRaceTest, WithAReferenceTakenInOneStepItHasAsManySchedulesAsPublished) {
  const auto schedules = [](Mmget mmget, std::uint32_t preemptions) {
    const auto program = TlbRace({.mmget = mmget});
    const explore::Bound bound{explore::Bound::Kind::kPreemptions, preemptions};
    return explore::Enumerate(*program, bound, {.go_on = true}).executions;
  };
  EXPECT_EQ(schedules(Mmget::kOneStep, 0), 2u);
  EXPECT_EQ(schedules(Mmget::kOneStep, 1), 30u);
  EXPECT_EQ(schedules(Mmget::kOneStep, 2), 382u);

  EXPECT_EQ(schedules(Mmget::kCompareAndSwap, 2), 407u);
}

}  // namespace
}  // namespace shootdown::puzzles
