// When an interrupt comes is a choice like all others, also where the CPU that it comes to takes no
// step before: at its beginning, and while it waits.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <utility>

#include "fuzz/explore/enumerate.h"
#include "tests/fuzz/explore/guest_ends.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;

StateOptions WithEvents(std::uint32_t events) {
  StateOptions options;
  options.events = events;
  return options;
}

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

// What a thread does behind one step and before the next one it does before an interrupt that comes
// at the next one, and after one that comes as soon as it lets any in, or before it has begun. Of
// both it was told the same.
TEST(InterruptsTest, WhoIsInterruptedWhereItLetsInterruptsInIsNotBehindThat) {
  struct Case {
    const char* name;
    GuestProgram::Code keep_out;
    GuestProgram::Code let_in;
  };
  const std::array cases = {
      Case{"IE", [](GuestProgram& g) { g.machine().SetIe(false); },
           [](GuestProgram& g) { g.machine().SetIe(true); }},
      Case{"PIL", [](GuestProgram& g) { g.machine().SetPil(sim::kPilNormalMax); },
           [](GuestProgram& g) { g.machine().SetPil(0); }},
      Case{"beginning", nullptr, nullptr}};
  for (const Case& c : cases) {
    GuestProgram program({.threads = {[&c](GuestProgram& g) {
                                        if (c.keep_out) g.WaitUntilEquals('z', 1);
                                        (void)g.SendMondo(1, 0);
                                        g.WaitUntilEquals('y', 1);
                                        g.Store('x', 1);
                                      },
                                      [&c](GuestProgram& g) {
                                        if (c.keep_out) {
                                          c.keep_out(g);
                                          g.Store('z', 1);
                                          g.Act(0);
                                          c.let_in(g);
                                        }
                                        if (g.Peek('x') == 1) g.reg[1] = 1;
                                        g.Act(1);
                                        g.machine().SetIe(false);
                                      }},
                          .mondos = {[](GuestProgram& g) { g.machine().RaiseSoftint(1, 1); }},
                          .softint =
                              [](GuestProgram& g, int) {
                                g.Store('y', 1);
                                g.reg[0] = 1 + g.Load('x');
                              }},
                         {.memory_model = sim::MemoryModel::kSc});

    EXPECT_EQ(EndsOfStates(program), (Ends{{0, 0}, {1, 0}, {2, 0}, {2, 1}})) << c.name;
  }
}

// Level 1 or 2, and memory is the same, and so is all that anybody knows, when it is about to be
// taken.
TEST(InterruptsTest, WhichLevelIsTakenIsAPartOfTheState) {
  GuestProgram program({.threads = {[](GuestProgram&) {},
                                    [](GuestProgram& g) {
                                      (void)g.SendMondo(0, 0);
                                      g.Store('x', 1);
                                      g.Store('y', 1);
                                    }},
                        .mondos = {[](GuestProgram& g) {
                          g.machine().RaiseSoftint(0, 1 + static_cast<int>(g.Load('x')));
                        }},
                        .softint = [](GuestProgram& g, int level) {
                          g.reg[0] = static_cast<std::uint64_t>(level);
                          g.reg[1] = g.Peek('y');
                        }});

  EXPECT_EQ(EndsOfStates(program), (Ends{{1, 0}, {1, 1}, {2, 0}, {2, 1}}));
}

// Whoever waits for its word to be ready is asked about its step then, and an interrupt may come
// first.
TEST(InterruptsTest, OneComesBetweenAnAwaitAndItsStep) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.reg[1] = g.cell('x').LoadWhen(
                                          SHOOTDOWN_SITE("await"),
                                          [](std::uint64_t now) { return now != 0; });
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('x', 2);
                                    }},
                        .softint =
                            [](GuestProgram& g, int) {
                              if (g.machine().cpu() == 0) g.reg[0] = g.Load('x');
                            }},
                       {.memory_model = sim::MemoryModel::kSc});

  EXPECT_EQ(EndsOfStates(program, WithEvents(1)), (Ends{{0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}}));
}

// The step behind the store has to wait until the buffer is empty, but no interrupt has to.
TEST(InterruptsTest, OneComesBeforeAStepThatWaitsForItsOwnBuffer) {
  const GuestProgram::Code look = [](GuestProgram& g) {
    g.reg[0] = 1 + g.Load('x');
    g.reg[1] = 1 + g.Peek('x');  // memory
  };
  struct Case {
    const char* name;
    GuestProgram::Code step;
    bool nmi;
  };
  const std::array cases = {
      Case{"an RMW", [](GuestProgram& g) { (void)g.Add('y', 1); }, false},
      Case{"a fence", [](GuestProgram& g) { g.Fence(); }, false},
      Case{"an RMW and an NMI", [](GuestProgram& g) { (void)g.Add('y', 1); }, true}};
  for (const Case& c : cases) {
    for (const auto model :
         {sim::MemoryModel::kTso, sim::MemoryModel::kPso, sim::MemoryModel::kRmo}) {
      GuestProgram::Parts parts{.threads = {[&c](GuestProgram& g) {
                                              g.Store('x', 1);
                                              c.step(g);
                                            },
                                            [](GuestProgram& g) { (void)g.Load('x'); }}};
      const auto on_cpu_0 = [look](GuestProgram& g) {
        if (g.machine().cpu() == 0) look(g);
      };
      if (c.nmi) {
        parts.nmi = on_cpu_0;
      } else {
        parts.softint = [on_cpu_0](GuestProgram& g, int) { on_cpu_0(g); };
      }
      GuestProgram program(std::move(parts), {.memory_model = model});

      EXPECT_EQ(EndsOfStates(program, WithEvents(1)), (Ends{{0, 0}, {1, 1}, {2, 1}, {2, 2}}))
          << c.name << ", " << static_cast<int>(model);
    }
  }
}

// Behind its last step a thread meets no event; but one that came before, and waits, it does.
TEST(InterruptsTest, ADelayIsAlsoForAnInterruptThatIsAnEventItself) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                          g.Act(0);
                          g.reg[1] = 1;
                        }},
                        .softint = [](GuestProgram& g, int) { g.reg[0] = 1 + g.reg[1]; }});

  EXPECT_EQ(EndsOfStates(program, WithEvents(1)), (Ends{{0, 1}, {1, 1}}));
  EXPECT_EQ(EndsOfStates(program, WithEvents(2)), (Ends{{0, 1}, {1, 1}, {2, 1}}));
}

// Who sends the cross call has waited for the NMI, so before that nobody was about to.
TEST(InterruptsTest, ADelayIsAlsoForWhatComesBecauseOfAnNmi) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Act(0);
                                      g.reg[2] += 1;
                                      g.Act(0);
                                      g.reg[2] += 1;
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      (void)g.SendMondo(0, 0);
                                    }},
                        .mondos = {[](GuestProgram& g) {
                          g.reg[1] = g.reg[3];
                          g.machine().RaiseSoftint(0, 1);
                        }},
                        .softint =
                            [](GuestProgram& g, int level) {
                              if (level == 1) g.reg[0] = 10 * g.reg[4] + g.reg[2];
                            },
                        .nmi =
                            [](GuestProgram& g) {
                              if (g.machine().cpu() != 0) return;
                              g.reg[3] = 1;
                              g.reg[4] = g.reg[2];
                              g.Store('x', 1);
                              g.Act(0);
                              g.reg[3] = 0;
                            }},
                       {.memory_model = sim::MemoryModel::kSc});
  const std::pair<std::uint64_t, std::uint64_t> a_step_later{1, 1};

  EXPECT_FALSE(EndsOfStates(program, WithEvents(1)).contains(a_step_later));
  EXPECT_TRUE(EndsOfStates(program, WithEvents(2)).contains(a_step_later));
}

// One of eight steps that begins earlier is one of fewer. In a handler it may last until nobody can go on.
TEST(InterruptsTest, ADelayHasAnyLength) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      for (int i = 0; i < 12; ++i) {
                                        g.Act(0);
                                        g.reg[2] += 1;
                                      }
                                    },
                                    [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
                        .mondos = {[](GuestProgram& g) {
                          g.reg[1] = g.reg[2];
                          g.machine().RaiseSoftint(0, 1);
                        }},
                        .softint =
                            [](GuestProgram& g, int level) {
                              if (level == 1) g.reg[0] = g.reg[2] - g.reg[1];
                            }},
                       {.memory_model = sim::MemoryModel::kSc});

  std::set<std::uint64_t> delays;
  for (const auto& [delay, taken] : EndsOfStates(program, WithEvents(1))) {
    if (taken == 1) delays.insert(delay);
  }

  EXPECT_EQ(delays, (std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 11}));
}

}  // namespace
}  // namespace shootdown::explore
