// What a step told a thread is a part of the state, though the step's row does not say it, and memory is the
// same whatever it was.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/fuzz/explore/guest_ends.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;

TEST(ToldTest, WhatAnRmwFoundIsRemembered) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      const std::uint64_t found =
                                          g.cell('x').Rmw(SHOOTDOWN_SITE("swap"), [](std::uint64_t) { return 7; });
                                      g.reg[1] = g.Load('y');
                                      g.reg[0] = found;
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('x', 7);
                                      g.Store('y', 1);
                                    }}});

  EXPECT_EQ(EndsOfStates(program), (Ends{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {7, 0}, {7, 1}}));
}

// Two CPUs send to a third one. When both calls are over, only the senders know whose was the first.
TEST(ToldTest, HowManyCrossCallsCameBeforeIsRemembered) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      (void)g.SendMondo(2, 0);
                                      const std::uint64_t count = g.machine().MondosAccepted(2);
                                      g.reg[1] = g.Load('y');
                                      g.reg[0] = count;
                                    },
                                    [](GuestProgram& g) {
                                      (void)g.SendMondo(2, 0);
                                      g.Store('y', 1);
                                    },
                                    [](GuestProgram&) {}},
                        .mondos = {[](GuestProgram&) {}}});

  EXPECT_EQ(EndsOfStates(program), (Ends{{1, 0}, {1, 1}, {2, 0}, {2, 1}}));
}

// In both it waits at the same place, and has been told nothing. But it looks at other words.
TEST(ToldTest, WhichOfTwoWaitsInARowItIsIsRemembered) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.WaitUntilEquals('y', 1);
                                      g.reg[0] = 1 + g.Load('z');
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('x', 0);
                                      g.Store('y', 1);
                                    }}});

  EXPECT_EQ(EndsOfStates(program), (Ends{{0, 0}, {1, 0}}));
}

}  // namespace
}  // namespace shootdown::explore
