// Where a handler or a task that preempts has something in common with whom it interrupts, and nobody else with them.
#include "fuzz/strategy/unseen_interrupts.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/support/guest_program.h"
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

}  // namespace
}  // namespace shootdown::testing
