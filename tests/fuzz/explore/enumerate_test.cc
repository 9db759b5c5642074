// The enumerator that other tests and searches lean on: it makes every schedule, and each of them once.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "fuzz/explore/enumerate.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/fuzz/explore/random_program.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using sim::MachineConfig;
using sim::MemoryModel;

constexpr MachineConfig kSc{.memory_model = MemoryModel::kSc};
constexpr MachineConfig kTso{.memory_model = MemoryModel::kTso};

// A thread of `count` steps that no other thread sees.
GuestProgram::Code Actions(int count) {
  return [count](GuestProgram& g) {
    for (int i = 0; i < count; ++i) g.Act(0);
  };
}

struct CountCase {
  const char* name;
  std::vector<int> steps;      // of each CPU
  std::uint64_t interleavings; // the multinomial coefficient
};

class EnumerateCountTest : public ::testing::TestWithParam<CountCase> {};

TEST_P(EnumerateCountTest, MakesEveryInterleavingOnce) {
  std::vector<GuestProgram::Code> threads;
  for (const int count : GetParam().steps) threads.push_back(Actions(count));
  GuestProgram program({.threads = threads}, kSc);

  std::set<std::string> seen;
  const std::uint64_t runs = RunAll(program, [&](sim::RunEnd) { seen.insert(StepsText(program.machine())); });

  EXPECT_EQ(runs, GetParam().interleavings);
  EXPECT_EQ(seen.size(), runs);
}

INSTANTIATE_TEST_SUITE_P(
    Programs, EnumerateCountTest,
    ::testing::Values(CountCase{"OneCpu", {5}, 1}, CountCase{"TwoCpusOneStepEach", {1, 1}, 2},
                      CountCase{"StoreBuffering", {2, 2}, 6}, CountCase{"Uneven", {3, 1}, 4},
                      CountCase{"ThreeCpus", {2, 2, 2}, 90}, CountCase{"Iriw", {1, 1, 2, 2}, 180}),
    [](const auto& test) { return test.param.name; });

TEST(EnumerateTest, DrainsAreChoicesOfTheirOwnUnderTso) {
  const GuestProgram::Code store_load = [](GuestProgram& g) {
    g.Store('x', 1);
    (void)g.Load('y');
  };
  GuestProgram program({.threads = {store_load, store_load}}, kTso);

  std::set<std::string> seen;
  const std::uint64_t runs = RunAll(program, [&](sim::RunEnd) { seen.insert(StepsText(program.machine())); });

  // Each CPU: the store comes first, the load and the drain in either order. 2 * 2 * (6 over 3).
  EXPECT_EQ(runs, 80u);
  EXPECT_EQ(seen.size(), runs);
}

TEST(EnumerateTest, WaitingCpusAreNoChoice) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.Act(0);
                                    }}},
                       kSc);

  const std::uint64_t runs =
      RunAll(program, [](sim::RunEnd end) { EXPECT_EQ(end, sim::RunEnd::kQuiet); });

  // CPU 1 may start to wait before the store or find it done; then one step each in either order.
  EXPECT_GE(runs, 2u);
  EXPECT_LE(runs, 4u);
}

// The last CPU that has anything to do is not asked about each step: but others may have more to do later.
TEST(EnumerateTest, ACpuThatIsDoneTakesACrossCallAtAnyMoment) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      (void)g.SendMondo(1, 0);
                                      g.Act(0);
                                      g.Act(0);
                                    },
                                    [](GuestProgram& /*done*/) {}},
                        .mondos = {[](GuestProgram& g) { g.Act(1); }}},
                       kSc);

  std::set<std::string> seen;
  RunAll(program, [&](sim::RunEnd) { seen.insert(StepsText(program.machine())); });

  // It is taken, and handled, while CPU 0 acts twice: 4 over 2.
  EXPECT_EQ(seen.size(), 6u);
}

TEST(EnumerateTest, ClassesAreLeftOutWhereNobodyAsksForThem) {
  program::RandomProgram random(MemoryModel::kTso);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    random.Become(seed);
    const auto report = [&](bool count_classes) {
      return explore::Enumerate(random.subject(), {},
                                {.execution_count_max = 2'000, .go_on = true, .count_classes = count_classes});
    };
    const explore::Report with = report(true);
    const explore::Report without = report(false);

    EXPECT_EQ(without.executions, with.executions);
    EXPECT_EQ(without.failing, with.failing);
    EXPECT_EQ(without.steps_max, with.steps_max);
    EXPECT_EQ(without.complete, with.complete);
    EXPECT_NE(with.classes, 0u);
    EXPECT_EQ(without.classes, 0u);
    EXPECT_EQ(without.rf_classes, 0u);
  }
}

// What an exact schedule makes of a run from the start is what it was, to the last row.
TEST(EnumerateTest, ARunThatGoesOnFromABranchIsTheOneFromTheStart) {
  struct Run {
    Schedule schedule;
    std::string log;
    std::string outcome;
  };
  std::size_t resumed = 0;
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso, MemoryModel::kPso}) {
    program::RandomProgram random(model);
    sim::Subject& subject = random.subject();
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      random.Become(seed);
      std::vector<Run> runs;
      const auto note = [&](const sim::Violation*) {
        runs.push_back({ExactSchedule(subject.machine().moves_made()), LogText(subject.machine()),
                        random.Outcome()});
        if (subject.machine().first_row() != 0) ++resumed;
      };
      (void)explore::Enumerate(subject, {}, {.execution_count_max = 300, .go_on = true, .on_run = note});

      for (const Run& run : runs) {
        ScheduleScheduler scheduler(run.schedule);
        (void)subject.RunOnce(scheduler);
        ASSERT_EQ(LogText(subject.machine()), run.log) << random.Text() << run.schedule.ToText();
        ASSERT_EQ(random.Outcome(), run.outcome);
      }
    }
  }
  if (program::RandomProgram(MemoryModel::kSc).subject().machine().CanKeepCheckpoints()) {
    EXPECT_GT(resumed, 3'000u);
  }
}

}  // namespace
}  // namespace shootdown::testing
