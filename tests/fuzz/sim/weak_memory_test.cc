// PSO and RMO one decision at a time: what a schedule may ask for, and what forbids it. What they
// allow as a whole: litmus_masks_test.cc.
#include <gtest/gtest.h>

#include <string>

#include "fuzz/explore/state_search.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using sim::MemoryModel;

constexpr sim::MachineConfig kPso{.memory_model = MemoryModel::kPso};
constexpr sim::MachineConfig kRmo{.memory_model = MemoryModel::kRmo};

void Membar(GuestProgram& g, sim::MembarMask mask) {
  g.machine().Membar(SHOOTDOWN_SITE("membar"), mask);
}

void TwoStores(GuestProgram& g) {
  g.Store('x', 1);
  g.Store('y', 1);
  g.Act(0);
}

// What each drain of the run wrote: "xy".
std::string Drained(GuestProgram& program) {
  std::string words;
  for (const sim::LogEntry& entry : program.machine().log()) {
    if (entry.kind != sim::StepKind::kDrain) continue;
    for (const char name : {'w', 'x', 'y', 'z'}) {
      if (sim::Arena::IndexOf(program.cell(name).word()) == entry.word) words += name;
    }
  }
  return words;
}

TEST(PsoTest, AStoreToAnotherWordPassesAHeldOne) {
  GuestProgram program({.threads = {&TwoStores}}, kPso);

  RunUnder(program, "T0@0~hold(0)");

  EXPECT_EQ(Drained(program), "yx");
}

TEST(PsoTest, ADecisionNamesThePlaceOfTheStoreThatLeaves) {
  GuestProgram program({.threads = {&TwoStores}}, kPso);

  RunUnder(program, "T0@0~hold(0) T0@1~hold(0) T0@2>B0(1)");

  EXPECT_EQ(Drained(program), "yx");
  EXPECT_EQ(StepsText(program.machine()), "T0 store, T0 store, B0 drain, T0 action, B0 drain");
}

TEST(PsoTest, StoresToOneWordStayInOrder) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                          g.Store('x', 1);
                          g.Store('x', 2);
                          g.Act(0);
                        }}},
                       kPso);

  RunUnder(program, "T0@0~hold(0) T0@1~hold(0) T0@2>B0(1)");

  EXPECT_EQ(program.machine().moves_made().size(), 2u);  // the drain cannot be made
  EXPECT_EQ(program.Peek('x'), 2u);
}

TEST(PsoTest, AMembarKeepsStoresInOrder) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                          g.Store('x', 1);
                          Membar(g, sim::kStoreStore);
                          g.Store('y', 1);
                          g.Act(0);
                        }}},
                       kPso);

  RunUnder(program, "T0@0~hold(0) T0@3>B0(1)");

  EXPECT_EQ(Drained(program), "xy");
  EXPECT_EQ(program.machine().moves_made().size(), 1u);
}

TEST(PsoTest, AMembarThatOrdersNothingNewIsNoStep) {
  for (const auto& [model, steps] :
       {std::pair(MemoryModel::kSc, 0u), std::pair(MemoryModel::kTso, 1u),
        std::pair(MemoryModel::kPso, 2u), std::pair(MemoryModel::kRmo, 4u)}) {
    GuestProgram program({.threads = {[](GuestProgram& g) {
                            for (const sim::MembarMask mask : {sim::kLoadLoad, sim::kStoreLoad,
                                                               sim::kLoadStore, sim::kStoreStore}) {
                              Membar(g, mask);
                            }
                          }}},
                         {.memory_model = model});

    RunUnder(program, "");

    EXPECT_EQ(program.machine().log().size(), steps) << sim::NameOf(model);
  }
}

TEST(PsoTest, ABareAtomicLetsStoresToOtherWordsLinger) {
  const GuestProgram::Code code = [](GuestProgram& g) {
    g.Store('x', 1);
    (void)g.cell('y').RmwUnordered(SHOOTDOWN_SITE("swap"), [](std::uint64_t) { return 1; });
    g.Act(0);
  };
  for (const auto& [model, steps] :
       {std::pair(MemoryModel::kTso, "T0 store, B0 drain, T0 rmw, T0 action"),
        std::pair(MemoryModel::kPso, "T0 store, T0 rmw, T0 action, B0 drain")}) {
    GuestProgram program({.threads = {code}}, {.memory_model = model});

    RunUnder(program, "T0@0~hold(0)");

    EXPECT_EQ(StepsText(program.machine()), steps);
  }
}

// ---- loads -------------------------------------------------------------------------------------

// CPU 0 stores twice to x, then to y; CPU 1 comes after it and loads y and x.
GuestProgram::Parts Messages(sim::MembarMask between_loads) {
  return {.threads = {[](GuestProgram& g) {
                        g.Store('x', 1);
                        g.Store('x', 2);
                        g.Store('y', 1);
                      },
                      [between_loads](GuestProgram& g) {
                        g.reg[0] = g.Load('y');
                        Membar(g, between_loads);
                        g.reg[1] = g.Load('x');
                      }}};
}

TEST(RmoTest, ALoadMayGiveAnyValueThatItsWordHadBefore) {
  for (const auto& [schedule, value] :
       {std::pair("", 2u), std::pair("T1@1~old(1)", 1u), std::pair("T1@1~old(2)", 0u)}) {
    GuestProgram program(Messages(0), kRmo);

    RunUnder(program, schedule);

    EXPECT_EQ(program.reg[0], 1u);
    EXPECT_EQ(program.reg[1], value) << schedule;
  }
}

TEST(RmoTest, BeyondTheFirstValueThereIsNone) {
  GuestProgram program(Messages(0), kRmo);

  RunUnder(program, "T1@1~old(3)");

  EXPECT_EQ(program.reg[1], 2u);
  EXPECT_TRUE(program.machine().moves_made().empty());
}

TEST(RmoTest, OnlyRmoHasOldLoads) {
  GuestProgram program(Messages(0), kPso);

  RunUnder(program, "T1@1~old(1)");

  EXPECT_EQ(program.reg[1], 2u);
  EXPECT_TRUE(program.machine().moves_made().empty());
}

TEST(RmoTest, AMembarBetweenLoadsForbidsWhatIsOlderThanTheFirst) {
  GuestProgram program(Messages(sim::kLoadLoad), kRmo);

  RunUnder(program, "T1@2~old(1)");

  EXPECT_EQ(program.reg[1], 2u);
}

TEST(RmoTest, AfterALoadThatCameEarlyItselfAMembarForbidsLess) {
  GuestProgram program(Messages(sim::kLoadLoad), kRmo);

  RunUnder(program, "T1@0~old(1) T1@2~old(2)");

  EXPECT_EQ(program.reg[0], 0u);
  EXPECT_EQ(program.reg[1], 0u);
}

// CPU 1 loads through the pointer that CPU 0 has stored: V9 D.3.3, dependence.
TEST(RmoTest, ALoadIsNotOlderThanThePointerThatItWentThrough) {
  for (const bool pointer : {false, true}) {
    GuestProgram program(
        {.threads = {[pointer](GuestProgram& g) {
                       g.Store('x', 1);
                       g.Store('y', pointer ? sim::Arena::IndexOf(g.cell('x').word()) : 1);
                     },
                     [](GuestProgram& g) {
                       (void)g.Load('y');
                       g.reg[0] = g.Load('x');
                     }}},
        kRmo);

    RunUnder(program, "T1@1~old(1)");

    EXPECT_EQ(program.reg[0], pointer ? 1u : 0u);
  }
}

TEST(RmoTest, NoLoadGoesBehindItsCpusOwnStore) {
  GuestProgram program({.threads = {[](GuestProgram& g) { g.Store('x', 1); },
                                    [](GuestProgram& g) {
                                      g.Store('x', 2);
                                      g.reg[0] = g.Load('x');
                                    }}},
                       kRmo);

  RunUnder(program, "T1@1~old(1)");

  EXPECT_EQ(program.reg[0], 2u);
  EXPECT_TRUE(program.machine().moves_made().empty());
}

// Dekker, with the membar that it needs. CPU 0's store is held until its load forces it out, behind CPU 1's load.
TEST(RmoTest, ALoadIsNotOlderThanTheStoreThatItForcesOut) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      Membar(g, sim::kStoreLoad);
                                      g.reg[0] = g.Load('y');
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('y', 1);
                                      Membar(g, sim::kStoreLoad);
                                      g.reg[1] = g.Load('x');
                                    }}},
                       kRmo);

  RunUnder(program, "T0@0~hold(0) T0@2>C1 T0@2~old(1)");

  EXPECT_EQ(program.reg[1], 0u);
  EXPECT_EQ(program.reg[0], 1u);
}

TEST(RmoTest, ALoadThatIsNeededLaterMayHappenLater) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      const auto late = g.machine().LoadLater(
                                          SHOOTDOWN_SITE("load"), g.cell('x').word());
                                      g.Store('y', 1);
                                      g.Act(0);
                                      g.reg[0] = g.machine().ValueOf(late);
                                    },
                                    [](GuestProgram& g) {
                                      g.reg[1] = g.Load('y');
                                      g.Store('x', 1);
                                    }}},
                       kRmo);

  RunUnder(program, "T0@0~hold(0) T0@2>C1");

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(program.reg[1], 1u);
}

TEST(RmoTest, ALockStillKeepsOthersOut) {
  struct State {
    program::Mutex mutex;
    program::Word x;
  };
  const auto add = [](State& s) {
    LOCK(s.mutex);
    STORE(s.x, LOAD(s.x) + 1);
    UNLOCK(s.mutex);
  };
  program::ProgramOf<State> counter(
      {.name = "counter",
       .threads = {add, add},
       .at_end = [](State& s) { REQUIRE_AT_END(s.x.Peek() == 2, "an increment was lost"); },
       .machine = kRmo});

  const explore::Report report = explore::StateSearch(counter, {}).Explore();

  EXPECT_TRUE(report.complete);
  EXPECT_FALSE(report.violation);
}

}  // namespace
}  // namespace shootdown::testing
