// Every run of any strategy can be written in exact form, and that form makes the same run again.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/support/busy_program.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using Hashes = std::vector<std::uint64_t>;
using sim::Move;

constexpr std::uint64_t kRunCount = 500;  // on each of four machines

Hashes HashesOf(GuestProgram& program, sim::Scheduler& scheduler) {
  EXPECT_EQ(program.Run(scheduler), sim::RunEnd::kQuiet);
  return sim::ChainedHashes(program.machine().log());
}

// Makes any move anywhere, moves that cannot be made too; when blocked, the default half of the time.
class AnythingGoes : public sim::Scheduler {
 public:
  explicit AnythingGoes(std::uint64_t seed) : prng_(seed) {}
  void StartRun(const sim::Machine& /*machine*/) override {}
  [[nodiscard]] Move Pick(const sim::Question& question) override {
    if (prng_.OneIn(2)) return {.kind = question.blocked ? Move::Kind::kNext : Move::Kind::kStep};
    const bool hold = question.kind == sim::StepKind::kStore && prng_.OneIn(2);
    return {.kind = hold ? Move::Kind::kHold
                         : static_cast<Move::Kind>(static_cast<int>(Move::Kind::kRun) +
                                                   static_cast<int>(prng_.Below(7))),
            .cpu = static_cast<std::uint8_t>(prng_.Below(4)),
            .arg = static_cast<std::uint8_t>(prng_.Below(6))};
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override {
    return index + prng_.Below(3);
  }

 private:
  Prng prng_;
};

class ExactScheduleTest : public ::testing::TestWithParam<BusyCase> {};

TEST_P(ExactScheduleTest, ReplaysRandomWalks) {
  GuestProgram program(BusyProgram(), GetParam().config);

  for (std::uint64_t seed = 0; seed < kRunCount; ++seed) {
    RandomWalk walk(seed, static_cast<std::uint32_t>(seed % 4));
    const Hashes wanted = HashesOf(program, walk);
    const Schedule exact = ExactSchedule(program.machine().moves_made());

    ScheduleScheduler again(exact);
    ASSERT_EQ(HashesOf(program, again), wanted) << "seed " << seed << ": " << exact.ToText();
    ASSERT_EQ(ExactSchedule(program.machine().moves_made()), exact) << "seed " << seed;
  }
}

TEST_P(ExactScheduleTest, ReplaysRunsOfAnyMoves) {
  GuestProgram program(BusyProgram(), GetParam().config);

  for (std::uint64_t seed = 0; seed < kRunCount; ++seed) {
    AnythingGoes anything(seed);
    const Hashes wanted = HashesOf(program, anything);
    const Schedule exact = ExactSchedule(program.machine().moves_made());

    ScheduleScheduler again(exact);
    ASSERT_EQ(HashesOf(program, again), wanted) << "seed " << seed << ": " << exact.ToText();
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, ExactScheduleTest, ::testing::ValuesIn(BusyCases()),
                         [](const auto& test) { return test.param.name; });

TEST(ExactFormTest, ReplaysAllSchedulesOfALitmusTest) {
  const GuestProgram::Code store_load = [](GuestProgram& g) {
    g.Store('x', 1);
    (void)g.Load('y');
  };
  GuestProgram program({.threads = {store_load, store_load}});
  std::vector<std::pair<Schedule, Hashes>> runs;
  RunAll(program, [&](sim::RunEnd) {
    runs.emplace_back(ExactSchedule(program.machine().moves_made()),
                      sim::ChainedHashes(program.machine().log()));
  });

  for (const auto& [exact, wanted] : runs) {
    ScheduleScheduler again(exact);
    ASSERT_EQ(HashesOf(program, again), wanted) << exact.ToText();
  }
}

TEST(ExactFormTest, TheDefaultRunIsTheEmptySchedule) {
  GuestProgram program(BusyProgram());

  RunUnder(program, "");

  EXPECT_TRUE(ExactSchedule(program.machine().moves_made()).empty());
}

// T1's await is ready from the start, until a store of T0's reaches memory, or the handler's own does.
GuestProgram::Parts UndoneAwait() {
  return {.threads = {[](GuestProgram& g) {
                        g.Store('x', 1);
                        g.Store('z', 1);
                        g.Store('x', 0);
                      },
                      [](GuestProgram& g) {
                        (void)g.Load('z');
                        (void)g.cell('x').LoadWhen(SHOOTDOWN_SITE("await"),
                                                   [](std::uint64_t x) { return x == 0; });
                      }},
          .nmi = [](GuestProgram& g) { (void)g.Add('x', 1); }};
}

// It has been asked about its step when that happens, and waits after all. What is done then comes after the row
// which says so, in the replay as well.
TEST(ExactFormTest, ReplaysRunsInWhichWhatAnAwaitWasReadyForIsUndone) {
  for (const auto model : {sim::MemoryModel::kSc, sim::MemoryModel::kTso, sim::MemoryModel::kPso,
                           sim::MemoryModel::kRmo}) {
    GuestProgram program(UndoneAwait(), {.memory_model = model});
    const auto compare = [&](sim::Scheduler& scheduler) {
      const Hashes wanted = HashesOf(program, scheduler);
      const Schedule exact = ExactSchedule(program.machine().moves_made());
      ScheduleScheduler again(exact);
      ASSERT_EQ(HashesOf(program, again), wanted) << sim::NameOf(model) << ": " << exact.ToText();
    };
    for (std::uint64_t seed = 0; seed < kRunCount; ++seed) {
      RandomWalk walk(seed, /*hold_one_in=*/2);
      compare(walk);
      AnythingGoes anything(seed);
      compare(anything);
      if (HasFatalFailure()) return;
    }
  }
}

// Holds the first store of all for as long as can be, and is asked before every step.
class HoldsFirstStore : public sim::Scheduler {
 public:
  void StartRun(const sim::Machine& /*machine*/) override {}
  [[nodiscard]] Move Pick(const sim::Question& question) override {
    if (question.blocked) return {.kind = Move::Kind::kNext};
    const bool hold = question.kind == sim::StepKind::kStore && !held_;
    held_ = held_ || hold;
    return {.kind = hold ? Move::Kind::kHold : Move::Kind::kStep};
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override {
    return index;
  }

 private:
  bool held_ = false;
};

// A livelock ends when its budget of rows is used up. A drain that an atomic forces is a row, too; the
// replay is asked only where something was decided.
TEST(ExactFormTest, ALivelockEndsInTheSameRowHoweverSeldomItIsAsked) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                          for (const char cell : {'w', 'x', 'z'}) g.Store(cell, 1);
                          for (;;) (void)g.Add('y', 1);
                        }}},
                       {.step_count_max = 100});
  HoldsFirstStore holds;
  ASSERT_EQ(program.Run(holds), sim::RunEnd::kBudget);
  const Hashes wanted = sim::ChainedHashes(program.machine().log());
  const Schedule exact = ExactSchedule(program.machine().moves_made());

  ScheduleScheduler again(exact);
  ASSERT_EQ(program.Run(again), sim::RunEnd::kBudget);

  EXPECT_EQ(sim::ChainedHashes(program.machine().log()), wanted);
  EXPECT_EQ(wanted.size(), 100u);
}

}  // namespace
}  // namespace shootdown::testing
