// Races are drawn by where they happen, not by how often.
#include "fuzz/strategy/any_race.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/fuzz/strategy/strategy_testing.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

// Two threads meet once on x, and eight others again and again on y.
GuestProgram::Parts OneRaceAmongBusyNeighbours() {
  GuestProgram::Parts parts = {.threads = {[](GuestProgram& g) { g.Store('x', 1); },
                                           [](GuestProgram& g) { g.reg[1] = g.Load('x'); }}};
  for (int n = 0; n < 8; ++n) {
    parts.threads.emplace_back([](GuestProgram& g) {
      for (int i = 0; i < 20; ++i) (void)g.Add('y', 1);
    });
  }
  return parts;
}

TEST(AnyRaceTest, BusyNeighboursDoNotHideARace) {
  GuestProgram program(OneRaceAmongBusyNeighbours());
  RandomWalk walk(1, /*hold_one_in=*/0);
  (void)program.Run(walk);
  const auto& machine = program.machine();
  ASSERT_GT(machine.conflicts().size(), 50u);
  const sim::WordIndex x = sim::Arena::IndexOf(program.cell('x').word());

  Prng prng(1);
  int rare = 0;
  for (int n = 0; n < 1000; ++n) {
    rare += machine.log()[AnyRace(machine, prng).first].word == x ? 1 : 0;
  }

  // One pair of places of two.
  EXPECT_GT(rare, 400);
  EXPECT_LT(rare, 600);
}

TEST(AnyRaceTest, OfOnePairOfPlacesEachRaceIsAsLikely) {
  GuestProgram program(OneRaceAmongBusyNeighbours());
  RandomWalk walk(1, /*hold_one_in=*/0);
  (void)program.Run(walk);
  const auto& machine = program.machine();

  Prng prng(1);
  std::set<sim::Row> drawn;
  for (int n = 0; n < 10'000; ++n) drawn.insert(AnyRace(machine, prng).second);

  std::set<sim::Row> all;
  for (const sim::Conflict& c : machine.conflicts()) all.insert(c.second);
  EXPECT_EQ(drawn, all);
}

// A store and a load of x, and two additions to y, in whichever order.
GuestProgram::Parts TwoRaces() {
  return {.threads = {[](GuestProgram& g) {
                        g.Store('x', 1);
                        (void)g.Add('y', 1);
                      },
                      [](GuestProgram& g) {
                        (void)g.Load('x');
                        (void)g.Add('y', 1);
                      }}};
}

TEST(AnyRaceTest, WhatWasDrawnWaitsForAllOthersAlsoOnceItIsReversed) {
  GuestProgram program(TwoRaces(), {.memory_model = sim::MemoryModel::kSc});
  const sim::WordIndex x = sim::Arena::IndexOf(program.cell('x').word());
  DrawnRaces drawn;
  Prng prng(1);
  std::set<bool> first_of_two;
  for (int n = 0; n < 50; ++n) {
    (void)RunUnder(program, "");
    const auto& machine = program.machine();
    const bool of_x = machine.log()[AnyRace(machine, prng, &drawn).first].word == x;
    (void)RunUnder(program, "T0@0>C1");
    EXPECT_EQ(machine.log()[AnyRace(machine, prng, &drawn).first].word == x, !of_x) << n;
    first_of_two.insert(of_x);
  }

  EXPECT_EQ(first_of_two.size(), 2u);
}

// Whoever takes a mondo could have taken it before any of its steps, but those that the mondo brings.
TEST(AnyRaceTest, SendingAMondoRacesWithEachStepOfItsTarget) {
  constexpr std::uint64_t kSteps = 10;
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      for (std::uint64_t i = 0; i < kSteps; ++i) g.Store('y', i);
                                    },
                                    [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
                        .mondos = {[](GuestProgram& g) { g.Store('z', 1); }}});
  const absl::StatusOr<Schedule> schedule = Schedule::Parse("T0@4>C1");
  ASSERT_TRUE(schedule.ok());
  ScheduleScheduler scheduler(*schedule);
  (void)program.Run(scheduler);
  const auto& machine = program.machine();
  ASSERT_EQ(machine.conflicts().size(), 1u);

  Prng prng(1);
  std::set<std::uint32_t> before;
  std::set<std::uint32_t> after;
  for (int n = 0; n < 1000; ++n) {
    const sim::Conflict race = AnyRace(machine, prng);
    const sim::LogEntry& first = machine.log()[race.first];
    const sim::LogEntry& second = machine.log()[race.second];
    ASSERT_LT(race.first, race.second);
    ASSERT_NE(first.cpu, second.cpu);
    if (first.kind == sim::StepKind::kMondoSend) {
      ASSERT_EQ(second.actor, TaskActor(0).code());
      after.insert(second.index);
    } else {
      ASSERT_EQ(second.kind, sim::StepKind::kMondoSend);
      before.insert(first.index);
    }
  }

  EXPECT_EQ(before, (std::set<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(after, (std::set<std::uint32_t>{4, 5, 6, 7, 8, 9}));
}

// A thread that meets the handlers of its CPU on z only, among steps on y that nobody else looks at.
TEST(AnyRaceTest, AMondoRacesMostlyWithStepsOnWhatItsHandlersAccess) {
  constexpr std::uint32_t kStepCount = 20;
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      for (std::uint32_t i = 0; i < kStepCount; ++i) {
                                        if (i == 5 || i == 15) {
                                          (void)g.Load('z');
                                        } else {
                                          g.Store('y', i);
                                        }
                                      }
                                    },
                                    [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
                        .mondos = {[](GuestProgram& g) { g.Store('z', 1); }}});
  const absl::StatusOr<Schedule> schedule = Schedule::Parse("T0@10>C1");
  ASSERT_TRUE(schedule.ok());
  ScheduleScheduler scheduler(*schedule);
  (void)program.Run(scheduler);
  const auto log = program.machine().log();
  ASSERT_EQ(program.machine().conflicts().size(), 1u);

  Prng prng(1);
  std::array<int, kStepCount> drawn{};
  for (int n = 0; n < 4'000; ++n) {
    const sim::Conflict race = RaceOf(program.machine(), program.machine().conflicts().front(), prng);
    const bool sent_first = log[race.first].kind == sim::StepKind::kMondoSend;
    ++drawn[log[sent_first ? race.second : race.first].index];
  }

  // Three in four are between them, and their share of the others is theirs too.
  EXPECT_NEAR(drawn[5], 1550, 150);
  EXPECT_NEAR(drawn[15], 1550, 150);
  for (const int count : drawn) EXPECT_GT(count, 0);
}

// One send and one take, but as many pairs as there are steps that matter: half of the draws see them so.
TEST(AnyRaceTest, AMondoIsDrawnAsOftenAsThereAreStepsItRacesWith) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      (void)g.Load('w');
                                      g.Store('y', 1);
                                      (void)g.Add('z', 1);
                                      g.Store('x', 1);
                                    },
                                    [](GuestProgram& g) {
                                      (void)g.SendMondo(0, 0);
                                      (void)g.Load('x');
                                    }},
                        .mondos = {[](GuestProgram& g) {
                          for (const char name : {'w', 'y', 'z'}) g.Store(name, 1);
                        }}});
  (void)RunUnder(program, "");
  const auto& machine = program.machine();
  ASSERT_EQ(machine.conflicts().size(), 2u);

  Prng prng(1);
  int mondo = 0;
  for (int n = 0; n < 4'000; ++n) {
    const sim::Conflict race = AnyRace(machine, prng);
    mondo += machine.log()[race.first].kind == sim::StepKind::kMondoSend ||
                     machine.log()[race.second].kind == sim::StepKind::kMondoSend
                 ? 1
                 : 0;
  }

  // One pair of two, or four of five.
  EXPECT_NEAR(mondo, 2'600, 150);
}

}  // namespace
}  // namespace shootdown::testing
