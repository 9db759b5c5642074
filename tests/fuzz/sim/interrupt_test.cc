// The three classes of interrupts: what blocks each, in which order they come, what becomes of a
// cross call. T0 on CPU 0 is the target in most tests, T1 on CPU 1 sends.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using sim::LogEntry;
using sim::MondoFlavour;
using sim::RunEnd;
using sim::StepKind;

void Act(GuestProgram& g) { g.Act(0); }
void SendOne(GuestProgram& g) { (void)g.SendMondo(0, 0); }

GuestProgram::Code ActTimes(int count) {
  return [count](GuestProgram& g) {
    for (int i = 0; i < count; ++i) Act(g);
  };
}

// ---- what blocks what ------------------------------------------------------------------------------

struct MaskCase {
  const char* name;
  GuestProgram::Code target;  // masks, two actions, unmasks, one action
  const char* schedule;       // something arrives between the two actions
  const char* steps;
};

class MaskTest : public ::testing::TestWithParam<MaskCase> {};

TEST_P(MaskTest, DecidesWhenTheInterruptIsTaken) {
  GuestProgram program({.threads = {GetParam().target, &SendOne},
                        .mondos = {&Act},
                        .softint = [](GuestProgram& g, int) { Act(g); },
                        .nmi = &Act});

  RunUnder(program, GetParam().schedule);

  EXPECT_EQ(StepsText(program.machine()), GetParam().steps);
}

void UnderPil14(GuestProgram& g) {
  g.machine().SetPil(14);
  Act(g);
  Act(g);
  g.machine().SetPil(0);
  Act(g);
}

void UnderIe0(GuestProgram& g) {
  g.machine().SetIe(false);
  Act(g);
  Act(g);
  g.machine().SetIe(true);
  Act(g);
}

INSTANTIATE_TEST_SUITE_P(
    Classes, MaskTest,
    ::testing::Values(
        MaskCase{"MondoPassesPil14", &UnderPil14, "T0@1>C1",
                 "T0 action, T1 mondo_send, C0 mondo_taken, C0 action, T0 action, T0 action"},
        MaskCase{"MondoWaitsForIe", &UnderIe0, "T0@1>C1",
                 "T0 action, T1 mondo_send, T0 action, C0 mondo_taken, C0 action, T0 action"},
        MaskCase{"SoftintWaitsForPil", &UnderPil14, "T0@1~resched T1@0>C0",
                 "T0 action, T0 action, C0 softint_taken, C0 action, T0 action, T1 mondo_send, "
                 "C0 mondo_taken, C0 action"},
        MaskCase{"SoftintWaitsForIe", &UnderIe0, "T0@1~resched",
                 "T0 action, T0 action, C0 softint_taken, C0 action, T0 action, T1 mondo_send, "
                 "C0 mondo_taken, C0 action"},
        MaskCase{"NmiPassesPil14", &UnderPil14, "T0@1~nmi",
                 "T0 action, C0 nmi_taken, C0 action, T0 action, T0 action, T1 mondo_send, "
                 "C0 mondo_taken, C0 action"},
        MaskCase{"NmiWaitsForIe", &UnderIe0, "T0@1~nmi",
                 "T0 action, T0 action, C0 nmi_taken, C0 action, T0 action, T1 mondo_send, "
                 "C0 mondo_taken, C0 action"},
        MaskCase{"MondoComesBeforeNmi", &UnderIe0, "T0@1>C1 T0@1~nmi",
                 "T0 action, T1 mondo_send, T0 action, C0 mondo_taken, C0 action, C0 nmi_taken, "
                 "C0 action, T0 action"}),
    [](const auto& test) { return test.param.name; });

TEST(InterruptTest, HandlersRunAtTheirLevelAndGiveItBack) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.machine().SetPil(1);
                                      Act(g);
                                      g.reg[0] = static_cast<std::uint64_t>(g.machine().pil());
                                      g.reg[1] = g.machine().ie() ? 1 : 0;
                                    },
                                    &SendOne},
                        .mondos = {[](GuestProgram& g) {
                          g.reg[2] = static_cast<std::uint64_t>(g.machine().pil());
                          g.reg[3] = g.machine().ie() ? 1 : 0;
                          g.reg[4] = g.machine().InInterrupt() ? 1 : 0;
                        }},
                        .softint = [](GuestProgram& g, int) {
                          g.reg[5] = static_cast<std::uint64_t>(g.machine().pil());
                          g.reg[6] = g.machine().ie() ? 1 : 0;
                        },
                        .nmi = [](GuestProgram& g) {
                          g.reg[7] = static_cast<std::uint64_t>(g.machine().pil());
                        }});

  RunUnder(program, "T0@0~resched T0@0~nmi T0@0>C1");

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(program.reg[1], 1u);
  EXPECT_EQ(program.reg[2], 1u);  // a mondo leaves PIL alone, and clears IE
  EXPECT_EQ(program.reg[3], 0u);
  EXPECT_EQ(program.reg[4], 1u);
  EXPECT_EQ(program.reg[5], 14u);
  EXPECT_EQ(program.reg[6], 1u);
  EXPECT_EQ(program.reg[7], 15u);
}

// ---- nesting ---------------------------------------------------------------------------------------

TEST(InterruptTest, AMondoInterruptsASoftintHandler) {
  GuestProgram program({.threads = {&Act, &SendOne},
                        .mondos = {&Act},
                        .softint = [](GuestProgram& g, int) { Act(g); }});

  RunUnder(program, "T0@0~resched C0@1>C1");

  EXPECT_EQ(StepsText(program.machine()),
            "C0 softint_taken, T1 mondo_send, C0 mondo_taken, C0 action, C0 action, T0 action");
}

TEST(InterruptTest, AMondoWaitsForTheEndOfAnothersHandler) {
  GuestProgram program({.threads = {&Act,
                                    [](GuestProgram& g) {
                                      SendOne(g);
                                      SendOne(g);
                                    }},
                        .mondos = {ActTimes(2)}},
                       {.mondo_flavour = MondoFlavour::kSun4v});

  RunUnder(program, "T0@0>C1 T1@1>C0 C0@2>C1");

  EXPECT_EQ(StepsText(program.machine()),
            "T1 mondo_send, C0 mondo_taken, C0 action, T1 mondo_send, C0 action, C0 mondo_taken, "
            "C0 action, C0 action, T0 action");
}

TEST(InterruptTest, AnNmiInterruptsASoftintHandlerButNotAnotherNmis) {
  GuestProgram program({.threads = {&Act},
                        .softint = [](GuestProgram& g, int) { Act(g); },
                        .nmi = &Act});

  // C0's steps: 0 softint, 1 the first NMI, 2 its action.
  RunUnder(program, "T0@0~resched C0@1~nmi C0@2~nmi");

  EXPECT_EQ(StepsText(program.machine()),
            "C0 softint_taken, C0 nmi_taken, C0 action, C0 nmi_taken, C0 action, C0 action, "
            "T0 action");
}

TEST(InterruptTest, ATrapGoesByItsOwnNameInTheLog) {
  GuestProgram program({.threads = {&Act},
                        .softint = [](GuestProgram& /*g*/, int) {},
                        .nmi = [](GuestProgram& /*g*/) {}});

  RunUnder(program, "T0@0~resched T0@0~nmi");

  const auto& log = program.machine().log();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(SiteName(*log[0].site), "interrupt_level_n: softint");
  EXPECT_EQ(SiteName(*log[1].site), "interrupt_level_15: nmi");
}

TEST(InterruptTest, TheHighestSoftintComesFirst) {
  GuestProgram program({.threads = {&Act, &SendOne},
                        .mondos = {[](GuestProgram& g) {
                          g.machine().RaiseSoftint(g.machine().cpu(), 1);
                          g.machine().RaiseSoftint(g.machine().cpu(), 6);
                          g.machine().RaiseSoftint(g.machine().cpu(), 2);
                        }},
                        .softint = [](GuestProgram& g, int level) {
                          g.reg[g.reg[0]++ + 1] = static_cast<std::uint64_t>(level);
                        }});

  RunUnder(program, "T0@0>C1");

  EXPECT_EQ(program.reg[1], 6u);
  EXPECT_EQ(program.reg[2], 2u);
  EXPECT_EQ(program.reg[3], 1u);
}

TEST(InterruptTest, InterruptReturnFollowsTheOutermostSoftint) {
  GuestProgram program({.threads = {&Act},
                        .softint = [](GuestProgram& g, int) { Act(g); },
                        .nmi = &Act,
                        .interrupt_return = [](GuestProgram& g) {
                          g.reg[0] = g.machine().InInterrupt() ? 1 : 0;
                          ++g.reg[1];
                        }});

  RunUnder(program, "T0@0~resched C0@1~nmi");

  EXPECT_EQ(program.reg[0], 0u);
  EXPECT_EQ(program.reg[1], 1u);
}

// ---- cross calls -----------------------------------------------------------------------------------

struct RoomCase {
  const char* name;
  MondoFlavour flavour;
  int queue_entries;
  std::uint64_t accepted;  // of four sends to a CPU that takes none
};

class MondoRoomTest : public ::testing::TestWithParam<RoomCase> {};

TEST_P(MondoRoomTest, FurtherSendsAreRefusedUntilTheTargetTakesOne) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.machine().SetIe(false);
                                      Act(g);
                                      g.machine().SetIe(true);
                                      Act(g);
                                    },
                                    [](GuestProgram& g) {
                                      for (int i = 0; i < 4; ++i) {
                                        if (g.SendMondo(0, 0)) ++g.reg[0];
                                      }
                                      g.reg[1] = g.machine().MondoRoom(0) ? 1 : 0;
                                      Act(g);
                                      g.reg[2] = g.machine().MondoRoom(0) ? 1 : 0;
                                    }},
                        .mondos = {[](GuestProgram& g) { ++g.reg[3]; }}},
                       {.mondo_flavour = GetParam().flavour,
                        .mondo_queue_entries = GetParam().queue_entries});

  RunUnder(program, "T0@0>C1 T1@4>C0 T0@1>C1");

  EXPECT_EQ(program.reg[0], GetParam().accepted);
  EXPECT_EQ(program.reg[1], GetParam().accepted == 4 ? 1u : 0u);
  EXPECT_EQ(program.reg[2], 1u);
  EXPECT_EQ(program.reg[3], GetParam().accepted);
  std::uint64_t refused = 0;
  for (const LogEntry& e : program.machine().log()) refused += e.kind == StepKind::kMondoNack;
  EXPECT_EQ(refused, 4 - GetParam().accepted);
}

INSTANTIATE_TEST_SUITE_P(Flavours, MondoRoomTest,
                         ::testing::Values(RoomCase{"Sun4uHasOneRegister", MondoFlavour::kSun4u, 16, 1},
                                           RoomCase{"Sun4vOne", MondoFlavour::kSun4v, 1, 1},
                                           RoomCase{"Sun4vThree", MondoFlavour::kSun4v, 3, 3},
                                           RoomCase{"Sun4vSixteen", MondoFlavour::kSun4v, 16, 4}),
                         [](const auto& test) { return test.param.name; });

TEST(MondoTest, TheReceiveRegisterIsFreeAgainOnceTheHandlerHasBegun) {
  GuestProgram program({.threads = {&Act,
                                    [](GuestProgram& g) {
                                      g.reg[0] = g.SendMondo(0, 0) ? 1 : 0;
                                      g.reg[1] = g.SendMondo(0, 0) ? 1 : 0;
                                    }},
                        .mondos = {&Act}},
                       {.mondo_flavour = MondoFlavour::kSun4u});

  RunUnder(program, "T0@0>C1 T1@1>C0 C0@1>C1");

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(program.reg[1], 1u);
}

TEST(MondoTest, MondosAreTakenInTheOrderOfTheirSends) {
  const auto note = [](std::uint64_t number) {
    return [number](GuestProgram& g) { g.reg[0] = g.reg[0] * 10 + number; };
  };
  GuestProgram program({.threads = {&Act,
                                    [](GuestProgram& g) {
                                      (void)g.SendMondo(0, 2);
                                      (void)g.SendMondo(0, 0);
                                      (void)g.SendMondo(0, 1);
                                    }},
                        .mondos = {note(1), note(2), note(3)}});

  RunUnder(program, "T0@0>C1");

  EXPECT_EQ(program.reg[0], 312u);
}

TEST(MondoTest, AMondoIsTakenBeforeItsTargetsNextStepWheneverItIsSent) {
  GuestProgram program({.threads = {ActTimes(3), &SendOne}, .mondos = {&Act}});

  const std::uint64_t runs = RunAll(program, [&](RunEnd) {
    bool sent = false;
    bool taken = false;
    for (const LogEntry& e : program.machine().log()) {
      if (e.cpu == 0 && sent && !taken) {
        EXPECT_EQ(e.kind, StepKind::kMondoTaken) << LogText(program.machine());
        taken = true;
      }
      if (e.kind == StepKind::kMondoSend) sent = true;
    }
    EXPECT_TRUE(taken);
  });

  EXPECT_GE(runs, 4u);
}

class MondoOnceTest : public ::testing::TestWithParam<MondoFlavour> {};

TEST_P(MondoOnceTest, EveryAcceptedMondoIsExecutedOnce) {
  const GuestProgram::Code thread = [](GuestProgram& g) {
    const int cpu = g.machine().cpu();
    for (int i = 0; i < 4; ++i) {
      const int target = (cpu + 1 + i % 2) % 3;
      while (!g.SendMondo(target, 0)) {
        g.machine().WaitUntil(SHOOTDOWN_SITE("room"), sim::WaitKind::kBlocked,
                              [&g, target] { return g.machine().MondoRoom(target); });
      }
      g.machine().SetIe(i % 2 != 0);
      Act(g);
      g.machine().SetIe(true);
    }
  };
  GuestProgram program(
      {.threads = {thread, thread, thread}, .mondos = {[](GuestProgram& g) { g.Add('x', 1); }}},
      {.mondo_flavour = GetParam(), .mondo_queue_entries = 2});

  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    RandomWalk walk(seed, 0);
    ASSERT_EQ(program.Run(walk), RunEnd::kQuiet);

    std::set<sim::Row> sends;
    const auto log = program.machine().log();
    for (sim::Row row = 0; row < log.size(); ++row) {
      if (log[row].kind == StepKind::kMondoSend) sends.insert(row);
      if (log[row].kind == StepKind::kMondoTaken) {
        ASSERT_EQ(sends.erase(log[row].link), 1u) << "seed " << seed << " row " << row;
        ASSERT_EQ(log[log[row].link].value, log[row].cpu);
      }
    }
    ASSERT_TRUE(sends.empty()) << "seed " << seed;
    ASSERT_EQ(program.Peek('x'), 12u);
    for (int c = 0; c < 3; ++c) {
      ASSERT_EQ(program.machine().MondosAccepted(c), program.machine().MondosExecuted(c));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Flavours, MondoOnceTest,
                         ::testing::Values(MondoFlavour::kSun4u, MondoFlavour::kSun4v),
                         [](const auto& test) {
                           return test.param == MondoFlavour::kSun4u ? "Sun4u" : "Sun4v";
                         });

// ---- DEFER -----------------------------------------------------------------------------------------

struct DeferCase {
  const char* name;
  int mondo_delay_max;
  const char* schedule;
  int steps_before;  // of T0, between the arrival (just before its step 1) and the handler
};

class DeferTest : public ::testing::TestWithParam<DeferCase> {};

TEST_P(DeferTest, HoldsTheInterruptForThatManySteps) {
  GuestProgram program({.threads = {ActTimes(6), &SendOne},
                        .mondos = {[](GuestProgram&) {}},
                        .softint = [](GuestProgram&, int) {},
                        .nmi = [](GuestProgram&) {}},
                       {.mondo_delay_max = GetParam().mondo_delay_max});

  RunUnder(program, GetParam().schedule);

  const std::string steps = StepsText(program.machine());
  const std::string first = steps.find("C0 mondo_taken") < steps.find("C0 softint_taken")
                                ? "C0 mondo_taken"
                                : "C0 softint_taken";
  const std::string before = steps.substr(0, std::min(steps.find(first), steps.find("C0 nmi")));
  int count = -1;  // step 0
  for (std::size_t at = before.find("T0"); at != std::string::npos; at = before.find("T0", at + 1)) {
    ++count;
  }
  EXPECT_EQ(count, GetParam().steps_before) << steps;
}

INSTANTIATE_TEST_SUITE_P(
    Classes, DeferTest,
    ::testing::Values(DeferCase{"MondoWithoutDefer", 255, "T0@1>C1", 0},
                      DeferCase{"MondoIsNotDeferredByHardware", 0, "T0@1~defer(3) T0@1>C1", 0},
                      DeferCase{"MondoForTheWholeDecision", 255, "T0@1~defer(3) T0@1>C1", 3},
                      DeferCase{"MondoForAsLongAsAllowed", 2, "T0@1~defer(4) T0@1>C1", 2},
                      DeferCase{"MondoForOneStep", 1, "T0@1~defer(1) T0@1>C1", 1},
                      DeferCase{"SoftintForTheWholeDecision", 0, "T0@1~defer(3) T0@1~resched", 3},
                      DeferCase{"SoftintBeyondTheMondoLimit", 1, "T0@1~defer(3) T0@1~resched", 3},
                      DeferCase{"NothingIsDeferredForever", 0, "T0@1~defer(255) T0@1~resched", 5},
                      DeferCase{"NmiIsNotDeferred", 255, "T0@1~defer(3) T0@1~nmi", 0}),
    [](const auto& test) { return test.param.name; });

TEST(DeferEndTest, AWaitEndsTheDelayOfAMondo) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      Act(g);
                                      g.WaitUntilEquals('x', 1);
                                    },
                                    [](GuestProgram& g) {
                                      SendOne(g);
                                      Act(g);
                                      g.Store('x', 1);
                                    }},
                        .mondos = {[](GuestProgram&) {}}},
                       {.mondo_delay_max = 255});

  RunUnder(program, "T0@0~defer(200) T1@1>C0");

  EXPECT_EQ(StepsText(program.machine()),
            "T0 action, T1 mondo_send, C0 mondo_taken, T1 action, T1 store");
}

TEST(DeferEndTest, AThreadSwitchEndsTheDelayOfAMondo) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      Act(g);
                                      Act(g);
                                      g.machine().SwitchThread(TaskActor(2));
                                    },
                                    &SendOne, &Act},
                        .mondos = {[](GuestProgram&) {}}},
                       {.mondo_delay_max = 255}, /*cpu_count=*/2);

  RunUnder(program, "T0@0~defer(200) T0@1>C1");

  EXPECT_EQ(StepsText(program.machine()),
            "T0 action, T1 mondo_send, T0 action, C0 mondo_taken, T2 action");
}

TEST(DeferEndTest, AHandlersDelayOfMondosEndsWithIt) {
  GuestProgram program({.threads = {ActTimes(2), &SendOne},
                        .mondos = {[](GuestProgram&) {}},
                        .nmi = &Act},
                       {.mondo_delay_max = 255});

  RunUnder(program, "T0@0~nmi C0@1~defer(200) T0@1>C1");

  EXPECT_EQ(StepsText(program.machine()),
            "C0 nmi_taken, C0 action, T0 action, T1 mondo_send, C0 mondo_taken, T0 action");
}

}  // namespace
}  // namespace shootdown::testing
