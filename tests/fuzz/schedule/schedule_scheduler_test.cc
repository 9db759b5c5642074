// What decisions do to a run, and what they leave alone.
#include "fuzz/schedule/schedule_scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/sim/trace.h"
#include "tests/support/busy_program.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using Hashes = std::vector<std::uint64_t>;

GuestProgram::Code ActTimes(std::uint64_t count) {
  return [count](GuestProgram& g) {
    for (std::uint64_t i = 0; i < count; ++i) g.Act(i);
  };
}

struct OrderCase {
  const char* name;
  const char* schedule;
  const char* steps;  // of two CPUs with three actions each
};

class OrderTest : public ::testing::TestWithParam<OrderCase> {};

TEST_P(OrderTest, FollowsTheSchedule) {
  GuestProgram program({.threads = {ActTimes(3), ActTimes(3)}});

  RunUnder(program, GetParam().schedule);

  std::string order;
  for (const sim::LogEntry& e : program.machine().log()) order += static_cast<char>('0' + e.cpu);
  EXPECT_EQ(order, GetParam().steps);
}

// The first three are the examples of fuzz/schedule/README.md.
INSTANTIATE_TEST_SUITE_P(
    Schedules, OrderTest,
    ::testing::Values(OrderCase{"Default", "", "000111"},
                      OrderCase{"OneSwitch", "T0@1>C1", "011100"},
                      OrderCase{"ThereAndBack", "T0@1>C1 T1@2>C0", "011001"},
                      OrderCase{"BeforeTheFirstStep", "T0@0>C1", "111000"},
                      OrderCase{"AfterTheLastStepIsNeverReached", "T0@3>C1 T0@9>C1", "000111"},
                      OrderCase{"UnknownCpuIsIgnored", "T0@1>C9", "000111"},
                      OrderCase{"UnknownActorIsIgnored", "T9@1>C1 I0@0>C1", "000111"},
                      OrderCase{"SwitchToItselfIsIgnored", "T0@1>C0", "000111"},
                      OrderCase{"EmptyBufferIsIgnored", "T0@1>B0", "000111"},
                      OrderCase{"HandlersThatAreNotThereAreIgnored", "T0@1~resched T0@1~nmi",
                                "000111"},
                      OrderCase{"DecisionsAfterAnIgnoredOneCount", "T0@1>C9 T0@1>C1", "011100"}),
    [](const auto& test) { return test.param.name; });

TEST(ScheduleSchedulerTest, ASwitchThatCannotBeMadeIsNotInTheWayWhenBlocked) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.Act(0);
                                    },
                                    ActTimes(1), [](GuestProgram& g) { g.Store('x', 1); }}});

  RunUnder(program, "T0@0>C9 T0@0~defer(0) T0@0>C2");

  EXPECT_EQ(StepsText(program.machine()), "T2 store, T0 action, T1 action");
}

TEST(ScheduleSchedulerTest, TheDefaultOrderAsksNoQuestionsButBlockedOnes) {
  class Counting : public ScheduleScheduler {
   public:
    using ScheduleScheduler::ScheduleScheduler;
    sim::Move Pick(const sim::Question& question) override {
      question_count += question.blocked ? 0 : 1;
      return ScheduleScheduler::Pick(question);
    }
    int question_count = 0;
  };
  GuestProgram program({.threads = {ActTimes(100), ActTimes(100)}});
  const Schedule schedule = ScheduleOf("T0@10>C1 T1@20>C0");
  Counting counting(schedule);

  (void)program.Run(counting);

  // At each decision: the decision, and then the step.
  EXPECT_LE(counting.question_count, 4);
}

// ---- dropping decisions ------------------------------------------------------------------------------

// A schedule that means something to BusyProgram on three CPUs, more or less.
Schedule RandomSchedule(Prng& prng) {
  std::vector<Decision> decisions;
  const std::uint32_t count = 1 + prng.Below(12);
  for (std::uint32_t i = 0; i < count; ++i) {
    const int number = static_cast<int>(prng.Below(4));  // one more than there are
    const int to = static_cast<int>(prng.Below(4));
    decisions.push_back(
        {.kind = static_cast<Decision::Kind>(prng.Below(Decision::kKindCount)),
         .actor = prng.OneIn(4) ? CpuActor(number) : TaskActor(number),
         .to = prng.OneIn(3) ? BufferActor(to) : CpuActor(to),
         .arg = static_cast<std::uint8_t>(prng.Below(6)),
         .index = prng.Below(30)});
  }
  return Schedule(std::move(decisions)).Canonical();
}

Hashes Follow(GuestProgram& program, const Schedule& schedule) {
  ScheduleScheduler scheduler(schedule);
  (void)program.Run(scheduler);
  return sim::ChainedHashes(program.machine().log());
}

class DropTest : public ::testing::TestWithParam<BusyCase> {};

TEST_P(DropTest, ADecisionThatWasNeverAppliedCanBeDropped) {
  GuestProgram program(BusyProgram(), GetParam().config);
  Prng prng(5);

  int dropped = 0;
  for (int n = 0; n < 500; ++n) {
    const Schedule schedule = RandomSchedule(prng);
    const Hashes wanted = Follow(program, schedule);
    const Schedule applied = ExactSchedule(program.machine().moves_made());
    for (std::size_t i = 0; i < schedule.size(); ++i) {
      const Decision& d = schedule.decisions()[i];
      const auto& made = applied.decisions();
      if (std::ranges::find(made, d) != made.end()) continue;
      ++dropped;
      ASSERT_EQ(Follow(program, schedule.Without(i)), wanted)
          << "without " << ToText(d) << " of " << schedule.ToText();
    }
    // And so can all of them together.
    ASSERT_EQ(Follow(program, applied), wanted) << schedule.ToText();
  }
  EXPECT_GT(dropped, 500);
}

TEST_P(DropTest, WhatCameBeforeADroppedDecisionStaysAsItWas) {
  GuestProgram program(BusyProgram(), GetParam().config);
  Prng prng(6);

  for (int n = 0; n < 500; ++n) {
    const Schedule schedule = RandomSchedule(prng);
    const Hashes whole = Follow(program, schedule);
    const std::vector<sim::MoveMade> moves(program.machine().moves_made().begin(),
                                           program.machine().moves_made().end());
    const Schedule applied = ExactSchedule(moves);
    for (std::size_t m = 0; m < moves.size(); ++m) {
      const Schedule one = ExactSchedule(std::span(moves).subspan(m, 1));
      const auto& all = applied.decisions();
      const auto at = std::ranges::find(all, one.decisions()[0]);
      ASSERT_NE(at, all.end());
      // Equal decisions cannot be told apart, so it must be the only one of its kind.
      if (std::ranges::count(all, *at) != 1) continue;

      const Hashes rest =
          Follow(program, applied.Without(static_cast<std::size_t>(at - all.begin())));

      for (std::size_t row = 0; row < moves[m].row && row < rest.size(); ++row) {
        ASSERT_EQ(rest[row], whole[row]) << applied.ToText() << " without " << ToText(*at);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, DropTest, ::testing::ValuesIn(BusyCases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace shootdown::testing
