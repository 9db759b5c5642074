// What is on its way, a held store's value or what a cross call is to do, is a part of the state,
// though whoever sent it has forgotten what it was.
#include <gtest/gtest.h>

#include <cstdint>

#include "fuzz/sim/forget.h"
#include "tests/fuzz/explore/guest_ends.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;

// That neither thread sees the other's store at first says that the first one's was held.
TEST(UnderWayTest, StatesInWhichAnotherValueIsHeldAreTwo) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      {
                                        const sim::Forgetting scope(SHOOTDOWN_SITE("stores"));
                                        g.Store('y', g.Load('x') + 1);
                                      }
                                      g.reg[0] = g.Load('w') + 1;
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('w', 1);
                                      g.Fence();
                                      const std::uint64_t first = g.Load('y');
                                      g.reg[1] = (first + 1) * 10 + g.Load('y');
                                    }}});

  const Ends ends = EndsOfStates(program);

  EXPECT_TRUE(ends.contains({1, 11}));
  EXPECT_TRUE(ends.contains({1, 12}));
}

TEST(UnderWayTest, StatesInWhichAnotherCrossCallIsPendingAreTwo) {
  GuestProgram program(
      {.threads = {[](GuestProgram& g) {
                     const sim::Forgetting scope(SHOOTDOWN_SITE("sends"));
                     (void)g.SendMondo(1, g.Load('x'));
                   },
                   [](GuestProgram& g) {
                     g.machine().SetIe(false);
                     g.Store('x', 1);
                     g.Act(0);
                     g.reg[1] = g.machine().MondosAccepted(1);
                     g.machine().SetIe(true);
                   }},
       .mondos = {[](GuestProgram& g) { g.reg[0] = 1; }, [](GuestProgram& g) { g.reg[0] = 2; }}});

  // Also where it comes later.
  EXPECT_EQ(EndsOfStates(program), (Ends{{1, 0}, {1, 1}, {2, 0}, {2, 1}}));
}

// The handler stands at the same place, and its sender has forgotten what it asked for.
TEST(UnderWayTest, StatesInWhichAHandlerWasToldAnotherThingAreTwo) {
  const auto handler = [](std::uint64_t what) {
    return [what](GuestProgram& g) {
      g.reg[1] = g.Load('y');
      g.reg[0] = what;
    };
  };
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      {
                                        const sim::Forgetting scope(SHOOTDOWN_SITE("sends"));
                                        (void)g.SendMondo(1, g.Load('x'));
                                      }
                                      g.Store('y', 1);
                                    },
                                    [](GuestProgram& g) { g.Store('x', 1); }},
                        .mondos = {handler(1), handler(2)}});

  EXPECT_EQ(EndsOfStates(program), (Ends{{1, 0}, {1, 1}, {2, 0}, {2, 1}}));
}

}  // namespace
}  // namespace shootdown::explore
