// What a step told a thread is a part of the state, though the step's row does not say it, and memory is the
// same whatever it was.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>

#include "fuzz/explore/state_search.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;

using Ends = std::set<std::pair<std::uint64_t, std::uint64_t>>;

// The first two registers at the end of each run: what a thread remembers, and what it sees when memory is the
// same whatever that is.
Ends EndsOf(GuestProgram& program) {
  Ends ends;
  StateOptions options;
  options.on_run = [&](const sim::Violation*) { ends.emplace(program.reg[0], program.reg[1]); };
  EXPECT_TRUE(StateSearch(program, options).Explore().complete);
  return ends;
}

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

  EXPECT_EQ(EndsOf(program), (Ends{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {7, 0}, {7, 1}}));
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

  EXPECT_EQ(EndsOf(program), (Ends{{1, 0}, {1, 1}, {2, 0}, {2, 1}}));
}

}  // namespace
}  // namespace shootdown::explore
