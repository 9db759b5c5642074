// Where a handler or a task that preempts has something in common with whom it interrupts, and nobody else with them.
#include "fuzz/strategy/unseen_interrupts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "fuzz/strategy/blend.h"
#include "tests/fuzz/strategy/strategy_testing.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using Code = GuestProgram::Code;

void Nothing(GuestProgram& /*g*/) {}
void LoadX(GuestProgram& g) { g.reg[0] = g.Load('x'); }
void LoadY(GuestProgram& g) { (void)g.Load('y'); }
void StoreX(GuestProgram& g) { g.Store('x', 1); }
void StoreY(GuestProgram& g) { g.Store('y', 1); }

// CPU 1 interrupts CPU 0, and then does what `sender` does.
GuestProgram::Parts Interrupted(Code target, Code handler, Code sender) {
  return {.threads = {std::move(target),
                      [sender = std::move(sender)](GuestProgram& g) {
                        (void)g.SendMondo(0, 0);
                        sender(g);
                      }},
          .mondos = {std::move(handler)}};
}

bool UnseenIn(GuestProgram::Parts parts) {
  GuestProgram program(std::move(parts));
  (void)RunUnder(program, "");
  return UnseenInterrupts(program.machine());
}

TEST(UnseenInterruptsTest, AHandlerAndItsTaskHaveAWordThatNobodyElseHas) {
  EXPECT_TRUE(UnseenIn(Interrupted(StoreX, LoadX, Nothing)));
  EXPECT_TRUE(UnseenIn(Interrupted(LoadX, StoreX, LoadY)));
}

TEST(UnseenInterruptsTest, WhatAnotherCpuAccessesItSees) {
  EXPECT_FALSE(UnseenIn(Interrupted(StoreX, LoadX, LoadX)));
}

TEST(UnseenInterruptsTest, WhatOnlyOneOfThemAccessesOrNobodyWritesMakesNoDifference) {
  EXPECT_FALSE(UnseenIn(Interrupted(StoreX, StoreY, Nothing)));
  EXPECT_FALSE(UnseenIn(Interrupted(LoadX, LoadX, Nothing)));
}

// Two threads of CPU 0 have x in common.
TEST(UnseenInterruptsTest, TheInterruptIsOneOfTheCpuWhoseWordItIs) {
  const auto interrupting = [](int target) {
    GuestProgram program({.threads = {[](GuestProgram& g) {
                                        g.Store('x', 1);
                                        g.machine().SwitchThread(TaskActor(3));
                                      },
                                      [target](GuestProgram& g) { (void)g.SendMondo(target, 0); }, Nothing, LoadX},
                          .mondos = {Nothing}},
                         sim::MachineConfig{}, 3);
    (void)RunUnder(program, "");
    return UnseenInterrupts(program.machine());
  };

  EXPECT_TRUE(interrupting(0));
  EXPECT_FALSE(interrupting(2));
}

// In how many of 200 runs of the blend the handler came between two of the task's stores.
int BetweenStores() {
  constexpr std::uint64_t kStores = 20;
  GuestProgram program(Interrupted(
      [](GuestProgram& g) {
        for (std::uint64_t n = 1; n <= kStores; ++n) g.Store('x', n);
      },
      LoadX, Nothing));
  Blend blend(1);
  (void)RunUnder(program, "");
  blend.LearnFrom(program.machine());
  int between = 0;
  for (int n = 0; n < 200; ++n) {
    (void)program.Run(blend);
    between += program.reg[0] != 0 && program.reg[0] != kStores ? 1 : 0;
  }
  return between;
}

TEST(UnseenInterruptsTest, ThereTheBlendHasThemComeAnywhere) {
  EXPECT_GT(BetweenStores(), 90);
}

}  // namespace
}  // namespace shootdown::testing
