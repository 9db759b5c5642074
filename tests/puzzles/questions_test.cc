// What is asked of a scenario's failure is asked of a program's as well: which of its decisions are
// needed, whether fewer would do, whether it takes a store buffer, its last chance, its neighbour.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/engine/last_chance.h"
#include "fuzz/engine/minimizer.h"
#include "fuzz/engine/minimum_proof.h"
#include "fuzz/engine/mutator.h"
#include "fuzz/engine/neighbour.h"
#include "fuzz/engine/search.h"
#include "fuzz/engine/store_buffer_need.h"
#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/puzzles/puzzles.h"

namespace shootdown::puzzles {
namespace {

constexpr std::uint64_t kSearchRuns = 40'000;
constexpr std::uint64_t kSampledRuns = 4'000;
constexpr std::uint64_t kQuestionRuns = 2'000;

class PuzzleQuestionsTest : public ::testing::TestWithParam<Puzzle> {
 protected:
  // A failing schedule, as children of runs that did something new come to it; or, as among a hundred threads,
  // where one step of hundreds has to be left for one thread of them, a sampler.
  void SetUp() override {
    program_ = GetParam().buggy();
    std::optional<Target::Found> found = Mutated();
    if (!found) found = Sampled();
    ASSERT_TRUE(found.has_value());
    kind_key_ = found->kind_key;
    minimized_ = MinimizeSchedule(*program_, found->exact, kind_key_);
  }

  [[nodiscard]] std::optional<Target::Found> Mutated() {
    std::optional<Target::Found> found;
    Target target(*program_);
    target.OnFound([&](const Target::Found& f) {
      if (f.kind_key.starts_with(GetParam().violation)) found = f;
    });
    Prng prng(1);
    std::vector<Schedule> parents = {Schedule()};
    (void)target.Run(Schedule());
    while (!found && target.run_count() < kSearchRuns) {
      target.EnsureLastRun(parents[prng.Below(static_cast<std::uint32_t>(parents.size()))]);
      const Schedule child = Mutate(target.machine(), prng);
      if (target.Run(child) != 0) parents.push_back(child);
    }
    return found;
  }

  [[nodiscard]] std::optional<Target::Found> Sampled() {
    std::optional<Target::Found> first;
    SampleSearch(*program_, {.kind = StrategyName::Kind::kPosEager},
                 {.seed = 1, .run_count_max = kSampledRuns},
                 {.found =
                      [&](const Target::Found& found) {
                        if (!first && found.kind_key.starts_with(GetParam().violation)) first = found;
                      },
                  .input = nullptr,
                  .ran = nullptr});
    return first;
  }

  [[nodiscard]] bool Fails(const Schedule& schedule) {
    ScheduleScheduler scheduler(schedule);
    return program_->RunOnce(scheduler) != nullptr;
  }
  [[nodiscard]] std::vector<std::uint64_t> Hashes(const Schedule& schedule) {
    (void)Fails(schedule);
    return sim::ChainedHashes(program_->machine().log());
  }

  std::unique_ptr<program::Program> program_;
  std::string kind_key_;
  Minimized minimized_;
};
INSTANTIATE_TEST_SUITE_P(All, PuzzleQuestionsTest, ::testing::ValuesIn(Puzzles()),
                         [](const auto& puzzle) { return puzzle.param.name; });

TEST_P(PuzzleQuestionsTest, NoDecisionCanBeLeftOut) {
  EXPECT_TRUE(Fails(minimized_.schedule));
  EXPECT_EQ(minimized_.proof.size(), minimized_.schedule.size());
  for (const ProofStep& step : minimized_.proof) {
    EXPECT_NE(step.verdict, "the same failure") << step.without;
  }
}

TEST_P(PuzzleQuestionsTest, FewerDecisionsAreTriedAndMayDo) {
  const MinimumProof proof =
      ProveMinimum(*program_, minimized_.schedule, kind_key_, {.run_count_max = kQuestionRuns});

  if (!proof.smaller) return;
  EXPECT_LT(proof.smaller->size(), minimized_.schedule.size());
  EXPECT_TRUE(Fails(*proof.smaller));
}

TEST_P(PuzzleQuestionsTest, ItIsKnownWhetherAStoreHasToWait) {
  const StoreBufferNeed need =
      AskForStoreBuffer(*program_, minimized_.schedule, kind_key_, kQuestionRuns);

  if (GetParam().needs_store_buffer) {
    EXPECT_EQ(need.answer, StoreBufferNeed::Answer::kNeeded);
  } else {
    EXPECT_EQ(need.answer, StoreBufferNeed::Answer::kNotNeeded);
    EXPECT_TRUE(Fails(need.schedule));
  }
}

TEST_P(PuzzleQuestionsTest, BeforeTheLastChanceARunPasses) {
  const LastChance chance = FindLastChance(*program_, minimized_.schedule, kQuestionRuns);

  ASSERT_TRUE(chance.row.has_value());
  EXPECT_FALSE(Fails(chance.passing));
  const std::vector<std::uint64_t> passing = Hashes(chance.passing);
  const std::vector<std::uint64_t> failing = Hashes(minimized_.schedule);
  ASSERT_LE(*chance.row, passing.size());
  EXPECT_TRUE(std::equal(passing.begin(), passing.begin() + *chance.row, failing.begin()));
}

TEST_P(PuzzleQuestionsTest, TheNeighbourPasses) {
  const NeighbourSearch search = FindNeighbour(*program_, minimized_.schedule);

  ASSERT_TRUE(search.nearest.has_value());
  EXPECT_FALSE(Fails(search.nearest->schedule));
}

}  // namespace
}  // namespace shootdown::puzzles
