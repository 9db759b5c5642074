// When an interrupt comes is a choice like all others, also where the CPU that it comes to takes no
// step before: at its beginning, and while it waits.
#include <gtest/gtest.h>

#include "fuzz/explore/enumerate.h"
#include "tests/fuzz/explore/guest_ends.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;

Ends EndsOfAllSchedules(GuestProgram& program) {
  Ends ends;
  Options options;
  options.go_on = true;
  options.on_run = [&](const sim::Violation*) { ends.emplace(program.reg[0], program.reg[1]); };
  EXPECT_TRUE(Enumerate(program, {}, options).complete);
  return ends;
}

// What the thread does before its first step keeps the cross call out. It may come before that.
TEST(InterruptsTest, OneComesBeforeTheCpuHasBegun) {
  GuestProgram program({.threads = {[](GuestProgram& g) { (void)g.SendMondo(1, 0); },
                                    [](GuestProgram& g) {
                                      g.machine().SetIe(false);
                                      g.Store('x', 1);
                                      g.machine().SetIe(true);
                                    }},
                        .mondos = {[](GuestProgram& g) { g.reg[0] = g.Load('x') + 1; }},
                        .softint = [](GuestProgram&, int) {}});

  EXPECT_EQ(EndsOfStates(program), (Ends{{1, 0}, {2, 0}}));
  EXPECT_EQ(EndsOfAllSchedules(program), (Ends{{1, 0}, {2, 0}}));
}

// As long as the handler runs, who was interrupted in a wait and who is behind it have been told
// the same, and memory is the same. But the one looks again at what it waits for.
TEST(InterruptsTest, WhoIsInterruptedInAWaitIsNotBehindIt) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.reg[1] = 1 + g.Load('y');
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      (void)g.SendMondo(0, 0);
                                      g.Store('x', 0);
                                      g.Store('y', 1);
                                    }},
                        .mondos = {[](GuestProgram& g) { g.reg[0] = 1 + g.Load('y'); }}});

  const Ends ends = EndsOfAllSchedules(program);

  EXPECT_TRUE(ends.contains({2, 0}));
  EXPECT_TRUE(ends.contains({2, 2}));
  EXPECT_EQ(EndsOfStates(program), ends);
}

}  // namespace
}  // namespace shootdown::explore
