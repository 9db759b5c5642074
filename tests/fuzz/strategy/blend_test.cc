// The default strategy's own runs: of everything some.
#include "fuzz/strategy/blend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <string>

#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/fuzz/strategy/strategy_testing.h"
#include "tests/puzzles/tlb_race.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

GuestProgram::Parts StoreBuffering() {
  return {.threads = {[](GuestProgram& g) {
                        g.Store('x', 1);
                        g.reg[0] = g.Load('y');
                      },
                      [](GuestProgram& g) {
                        g.Store('y', 1);
                        g.reg[1] = g.Load('x');
                      }}};
}

std::set<std::string> Outcomes(sim::MemoryModel model) {
  GuestProgram program(StoreBuffering(), {.memory_model = model});
  Blend blend(1);
  std::set<std::string> outcomes;
  for (int n = 0; n < 300; ++n) {
    EXPECT_EQ(program.Run(blend), sim::RunEnd::kQuiet);
    outcomes.insert(std::to_string(program.reg[0]) + std::to_string(program.reg[1]));
  }
  return outcomes;
}

TEST(BlendTest, StoresLingerWhereTheMachineLetsThem) {
  EXPECT_EQ(Outcomes(sim::MemoryModel::kSc), (std::set<std::string>{"01", "10", "11"}));
  EXPECT_EQ(Outcomes(sim::MemoryModel::kTso), (std::set<std::string>{"00", "01", "10", "11"}));
}

// Runs near the default are among those that are not: each meets what the others do not.
TEST(BlendTest, SomeRunsSwitchOftenAndSomeHardlyEver) {
  GuestProgram program({.threads = {Stores('x', 30), Stores('x', 30)}});
  Blend blend(1);
  int few = 0;
  int many = 0;
  for (int n = 0; n < 200; ++n) {
    (void)program.Run(blend);
    const std::string cpus = CpusOf(program.machine());
    int switches = 0;
    for (std::size_t i = 1; i < cpus.size(); ++i) switches += cpus[i] != cpus[i - 1] ? 1 : 0;
    few += switches <= 4 ? 1 : 0;
    many += switches >= 12 ? 1 : 0;
  }

  EXPECT_GT(few, 20);
  EXPECT_GT(many, 50);
}

// 90 interleavings, no two of them alike: draws that repeat each other need some 450 runs for all.
TEST(BlendTest, ASmallProgramIsSoonTriedOut) {
  GuestProgram program({.threads = {Stores('x', 2), Stores('x', 2), Stores('x', 2)}},
                       {.memory_model = sim::MemoryModel::kSc});
  Blend blend(1);

  EXPECT_EQ(CountInterleavings(program, blend, 130).size(), 90u);
}

// Of a run that somebody else made it learns which words are shared, and which races to reverse.
TEST(BlendTest, TheFirstRunIsNoSerialOneIfThereWasAnotherBefore) {
  int mixed_at_once = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    GuestProgram program({.threads = {Stores('x', 3), Stores('x', 3)}});
    Blend blend(seed);
    (void)RunUnder(program, "");
    blend.LearnFrom(program.machine());
    (void)program.Run(blend);
    const std::string cpus = CpusOf(program.machine());
    mixed_at_once += cpus != "000111" && cpus != "111000" ? 1 : 0;
  }

  EXPECT_GT(mixed_at_once, 60);
}

// Runs until the seed's race is found, of all seeds together.
int RunsToTheRace(int noise_cpus) {
  const auto program = puzzles::TlbRace({.noise_cpus = noise_cpus});
  const Schedule empty;
  int runs = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Blend blend(seed);
    ScheduleScheduler by_default(empty);
    (void)program->RunOnce(by_default);
    blend.LearnFrom(program->machine());
    do {
      ++runs;
    } while (program->RunOnce(blend) == nullptr);
  }
  return runs;
}

// Four pairs of CPUs count up a word each, which is four fifths of all steps.
TEST(BlendTest, BusyNeighboursDoNotHideARace) {
  const int alone = RunsToTheRace(0);

  EXPECT_LT(RunsToTheRace(8), alone * 3 / 2);
}

// Two pairs share nothing until one of each comes to w, which it does only after it lost its race.
TEST(BlendTest, ASharingThatShowsLateIsSeen) {
  const auto loses = [](char cell) {
    return [cell](GuestProgram& g) {
      if (g.Load(cell) == 1) (void)g.Add('w', 1);
    };
  };
  GuestProgram program({.threads = {loses('x'), Stores('x', 1), loses('y'), Stores('y', 1)}},
                       {.memory_model = sim::MemoryModel::kSc});
  Blend blend(1);
  (void)RunUnder(program, "");
  blend.LearnFrom(program.machine());

  std::set<std::string> orders;
  for (int n = 0; n < 200; ++n) {
    (void)program.Run(blend);
    orders.insert(CpusOf(program.machine(), &program.cell('w')));
  }

  EXPECT_EQ(orders, (std::set<std::string>{"", "0", "2", "02", "20"}));
}

TEST(BlendTest, AsksForReversalsAsRaceReversalDoes) {
  GuestProgram program(StoreBuffering());
  Blend blend(1);
  int asked = 0;
  for (int n = 0; n < 100; ++n) {
    (void)program.Run(blend);
    asked += blend.orders().empty() ? 0 : 1;
  }

  EXPECT_GT(asked, 50);
}

// Four pairs of places, all of them in each run.
TEST(BlendTest, NoRaceIsReversedTwiceBeforeEachWasOnce) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.cell('w').Store(SHOOTDOWN_SITE("w"), 1);
                                      g.cell('x').Store(SHOOTDOWN_SITE("x"), 1);
                                      g.cell('y').Store(SHOOTDOWN_SITE("y"), 1);
                                      g.cell('z').Store(SHOOTDOWN_SITE("z"), 1);
                                    },
                                    [](GuestProgram& g) {
                                      for (const char cell : {'w', 'x', 'y', 'z'}) {
                                        (void)g.Load(cell);
                                      }
                                    }}},
                       {.memory_model = sim::MemoryModel::kSc});
  Blend blend(1);
  (void)RunUnder(program, "");
  blend.LearnFrom(program.machine());

  std::map<std::uint32_t, int> reversed;  // by the sites of both
  for (int n = 0; n < 60; ++n) {
    if (!blend.orders().empty()) {
      const Order& order = blend.orders().back();
      ++reversed[order.before.site_hash ^ order.after.site_hash];
      const auto [least, most] = std::ranges::minmax(reversed | std::views::values);
      EXPECT_LE(most, reversed.size() == 4 ? least + 1 : 1) << n;
    }
    (void)program.Run(blend);
  }
  EXPECT_EQ(reversed.size(), 4u);
}

}  // namespace
}  // namespace shootdown::testing
