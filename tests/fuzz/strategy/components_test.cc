// Who has to do with whom.
#include "fuzz/strategy/components.h"

#include <gtest/gtest.h>

#include "tests/fuzz/strategy/strategy_testing.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

GuestProgram::Code Loads(char cell) {
  return [cell](GuestProgram& g) { (void)g.Load(cell); };
}

// CPU n is in it if bit n is 1.
CpuSet Bits(unsigned bits) {
  CpuSet set;
  for (int cpu = 0; cpu < 32; ++cpu) {
    if ((bits >> cpu & 1) != 0) set.Add(cpu);
  }
  return set;
}

Components LearntFrom(GuestProgram::Parts parts) {
  GuestProgram program(std::move(parts));
  (void)RunUnder(program, "");
  Components components;
  components.Learn(program.machine());
  return components;
}

TEST(ComponentsTest, WhoeverSharesAWordBelongsTogetherAlsoByWayOfOthers) {
  const Components components = LearntFrom({.threads = {Stores('x', 1), Stores('y', 1),
                                                        [](GuestProgram& g) {
                                                          (void)g.Load('x');
                                                          g.Store('z', 1);
                                                        },
                                                        Loads('z'), Loads('y')}});

  EXPECT_EQ(components.Of(0), Bits(0b01101));
  EXPECT_EQ(components.Of(2), Bits(0b01101));
  EXPECT_EQ(components.Of(3), Bits(0b01101));
  EXPECT_EQ(components.Of(1), Bits(0b10010));
  EXPECT_EQ(components.Of(4), Bits(0b10010));
  EXPECT_EQ(components.cpus(), Bits(0b11111));
}

TEST(ComponentsTest, WhatNobodyWritesJoinsNobodyUntilSomebodyDoes) {
  EXPECT_EQ(LearntFrom({.threads = {Loads('x'), Loads('x')}}).Of(0), Bits(0b01));
  EXPECT_EQ(LearntFrom({.threads = {Loads('x'), Loads('x'), Stores('x', 1)}}).Of(0), Bits(0b111));
}

// Each comes to x only if it finds the door open, and no run opens both.
TEST(ComponentsTest, AWordMayBeSharedThoughNoRunHasBothAccesses) {
  std::uint64_t open = 0;
  GuestProgram program(
      {.threads = {[&open](GuestProgram& g) { g.Store(open == 0 ? 'x' : 'y', 1); },
                   [&open](GuestProgram& g) { g.Store(open == 1 ? 'x' : 'z', 1); }}});
  Components components;

  (void)RunUnder(program, "");
  components.Learn(program.machine());
  EXPECT_EQ(components.Of(0), Bits(0b01));
  open = 1;
  (void)RunUnder(program, "");
  components.Learn(program.machine());
  EXPECT_EQ(components.Of(0), Bits(0b11));
}

TEST(ComponentsTest, WhoSendsAMondoHasToDoWithItsTarget) {
  const Components components =
      LearntFrom({.threads = {Stores('y', 1), [](GuestProgram& g) { (void)g.SendMondo(0, 0); },
                              Stores('z', 1)},
                  .mondos = {[](GuestProgram& g) { g.Store('x', 1); }}});

  EXPECT_EQ(components.Of(1), Bits(0b011));
  EXPECT_EQ(components.Of(2), Bits(0b100));
}

// The wait is no step and names no word; whoever had run by then may have ended it.
TEST(ComponentsTest, WhoWaitedForWhateverHasToDoWithAllWhoRanBefore) {
  const Components components =
      LearntFrom({.threads = {[](GuestProgram& g) {
                                g.WaitUntilEquals('x', 1);
                                g.Store('y', 1);
                              },
                              Stores('x', 1), [](GuestProgram& g) { g.Store('z', 1); }}});

  EXPECT_EQ(components.Of(0) & Bits(0b011), Bits(0b011));
}

}  // namespace
}  // namespace shootdown::testing
