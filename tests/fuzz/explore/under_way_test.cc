// What is on its way, a held store's value or what a cross call is to do, is a part of the state,
// though whoever sent it has forgotten what it was.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
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

// Who gets the two calls lets them in when both are there. Their senders do the same, know the
// same, and have forgotten it: so nothing but the calls says which is the first.
TEST(UnderWayTest, StatesInWhichCrossCallsArePendingInAnotherOrderAreTwo) {
  static constexpr auto kNote = [](std::uint64_t a0, std::uint64_t a1, std::uint64_t a2) {
    auto& g = static_cast<GuestProgram&>(program::Program::Live());
    g.reg[0] = g.reg[0] * 10 + a0 + a1 + a2;
  };
  static constexpr auto kNoteThree = [](std::uint64_t, std::uint64_t, std::uint64_t) {
    kNote(1, 1, 1);
  };
  struct Case {
    const char* name;
    std::array<sim::Mondo, 2> sent;
  };
  const std::array cases = {
      Case{"handler", {{{.handler = kNote, .a0 = 1}, {.handler = kNoteThree, .a0 = 1}}}},
      Case{"a0", {{{.handler = kNote, .a0 = 1}, {.handler = kNote, .a0 = 3}}}},
      Case{"a1", {{{.handler = kNote, .a1 = 1}, {.handler = kNote, .a1 = 3}}}},
      Case{"a2", {{{.handler = kNote, .a2 = 1}, {.handler = kNote, .a2 = 3}}}},
  };
  for (const Case& c : cases) {
    const auto send = [&c](std::size_t number) {
      return [&c, number](GuestProgram& g) {
        const sim::Forgetting scope(SHOOTDOWN_SITE("sends"));
        (void)g.machine().SendMondo(SHOOTDOWN_SITE("mondo"), 2, c.sent[number]);
      };
    };
    GuestProgram program({.threads = {send(0), send(1),
                                      [](GuestProgram& g) {
                                        g.machine().SetIe(false);
                                        g.machine().WaitUntil(
                                            SHOOTDOWN_SITE("both"), sim::WaitKind::kBlocked,
                                            [&g] { return g.machine().MondosAccepted(2) == 2; });
                                        g.machine().SetIe(true);
                                      }},
                          .mondos = {[](GuestProgram&) {}}});

    EXPECT_EQ(EndsOfStates(program), (Ends{{13, 0}, {31, 0}})) << c.name;
  }
}

}  // namespace
}  // namespace shootdown::explore
