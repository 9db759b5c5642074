// The store buffer under TSO: what a hold decision keeps back, for how long, and what empties it.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <string>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using sim::LogEntry;
using sim::MemoryModel;
using sim::StepKind;

constexpr sim::MachineConfig kTso{.memory_model = MemoryModel::kTso};

void StoreThenAct(GuestProgram& g) {
  g.Store('x', 1);
  for (std::uint64_t i = 0; i < 4; ++i) g.Act(i);
}

TEST(StoreBufferTest, WithoutDecisionsStoresReachMemoryAtOnce) {
  GuestProgram program({.threads = {&StoreThenAct}}, kTso);

  RunUnder(program, "");

  EXPECT_EQ(StepsText(program.machine()),
            "T0 store, T0 action, T0 action, T0 action, T0 action");
}

TEST(StoreBufferTest, ScHoldsNothing) {
  GuestProgram program({.threads = {&StoreThenAct}}, {.memory_model = MemoryModel::kSc});

  RunUnder(program, "T0@0~hold(0)");

  EXPECT_EQ(StepsText(program.machine()),
            "T0 store, T0 action, T0 action, T0 action, T0 action");
  EXPECT_TRUE(program.machine().moves_made().empty());
}

TEST(StoreBufferTest, OnlyStoresAreHeld) {
  GuestProgram program({.threads = {&StoreThenAct}}, kTso);

  RunUnder(program, "T0@1~hold(0)");

  EXPECT_TRUE(program.machine().moves_made().empty());
}

struct ExpiryCase {
  const char* name;
  const char* schedule;
  const char* steps;
};

class HoldExpiryTest : public ::testing::TestWithParam<ExpiryCase> {};

TEST_P(HoldExpiryTest, TheStoreReachesMemoryAfterThatManyFurtherSteps) {
  GuestProgram program({.threads = {&StoreThenAct}}, kTso);

  RunUnder(program, GetParam().schedule);

  EXPECT_EQ(StepsText(program.machine()), GetParam().steps);
}

INSTANTIATE_TEST_SUITE_P(
    Args, HoldExpiryTest,
    ::testing::Values(
        ExpiryCase{"One", "T0@0~hold(1)",
                   "T0 store, T0 action, B0 drain, T0 action, T0 action, T0 action"},
        ExpiryCase{"Three", "T0@0~hold(3)",
                   "T0 store, T0 action, T0 action, T0 action, B0 drain, T0 action"},
        ExpiryCase{"MoreThanThereAre", "T0@0~hold(255)",
                   "T0 store, T0 action, T0 action, T0 action, T0 action, B0 drain"},
        ExpiryCase{"NoLimit", "T0@0~hold(0)",
                   "T0 store, T0 action, T0 action, T0 action, T0 action, B0 drain"},
        ExpiryCase{"DrainedBefore", "T0@0~hold(3) T0@2>B0",
                   "T0 store, T0 action, B0 drain, T0 action, T0 action, T0 action"}),
    [](const auto& test) { return test.param.name; });

TEST(StoreBufferTest, AHeldStoreIsSeenByItsOwnCpuAlone) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.reg[0] = g.Load('x');
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) { g.reg[1] = g.Load('x'); }}},
                       kTso);

  RunUnder(program, "T0@0~hold(0) T0@2>C1");

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(program.reg[1], 0u);
  EXPECT_EQ(program.Peek('x'), 1u);
  EXPECT_EQ(program.machine().log()[0].flags, LogEntry::kHeld);
  EXPECT_EQ(program.machine().log()[1].flags, LogEntry::kForwarded);
}

TEST(StoreBufferTest, ALoadSeesTheYoungestHeldStoreToItsWord) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                         g.Store('x', 1);
                         g.Store('x', 2);
                         g.Store('y', 3);
                         g.reg[0] = g.Load('x');
                         g.reg[1] = g.machine().PeekOwn(g.cell('x').word());
                       }}},
                       kTso);

  RunUnder(program, "T0@0~hold(0) T0@1~hold(0) T0@2~hold(0)");

  EXPECT_EQ(program.reg[0], 2u);
  EXPECT_EQ(program.reg[1], 2u);
}

TEST(StoreBufferTest, StoresReachMemoryInProgramOrder) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('y', 1);
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) {
                                      g.reg[0] = g.Load('y');
                                      g.reg[1] = g.Load('x');
                                    }}},
                       kTso);

  RunUnder(program, "T0@0~hold(0) T0@1~hold(0) T0@2>C1 T1@0>B0");

  EXPECT_EQ(program.reg[0], 0u);
  EXPECT_EQ(program.reg[1], 1u);
}

TEST(StoreBufferTest, AStoreThatNothingHoldsWaitsOnlyForThoseBeforeIt) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                         g.Store('x', 1);
                         g.Store('y', 1);
                         g.Act(0);
                         g.Act(0);
                       }}},
                       kTso);

  RunUnder(program, "T0@0~hold(2)");

  EXPECT_EQ(StepsText(program.machine()),
            "T0 store, T0 store, T0 action, B0 drain, B0 drain, T0 action");
}

TEST(StoreBufferTest, AFullBufferDrainsItsOldestStore) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('y', 1);
                                      g.Store('z', 1);
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) {
                                      g.reg[0] = g.Load('x');
                                      g.reg[1] = g.Load('y');
                                      g.reg[2] = g.Load('z');
                                    }}},
                       {.memory_model = MemoryModel::kTso, .store_buffer_entries = 2});

  RunUnder(program, "T0@0~hold(0) T0@1~hold(0) T0@2~hold(0) T0@3>C1");

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(program.reg[1], 0u);
  EXPECT_EQ(program.reg[2], 0u);
}

struct DrainCase {
  const char* name;
  GuestProgram::Code drain;
  const char* steps;
};

class DrainingStepTest : public ::testing::TestWithParam<DrainCase> {};

TEST_P(DrainingStepTest, FindsTheBufferEmpty) {
  const GuestProgram::Code& drain = GetParam().drain;
  GuestProgram program({.threads = {[&drain](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('y', 1);
                                      drain(g);
                                    },
                                    [](GuestProgram&) {}},
                        .mondos = {[](GuestProgram&) {}}},
                       kTso);

  RunUnder(program, "T0@0~hold(0) T0@1~hold(0)");

  EXPECT_EQ(StepsText(program.machine()), GetParam().steps);
}

INSTANTIATE_TEST_SUITE_P(
    Steps, DrainingStepTest,
    ::testing::Values(
        DrainCase{"Fence", [](GuestProgram& g) { g.Fence(); },
                  "T0 store, T0 store, B0 drain, B0 drain, T0 fence"},
        DrainCase{"Rmw", [](GuestProgram& g) { g.Add('z', 1); },
                  "T0 store, T0 store, B0 drain, B0 drain, T0 rmw"},
        DrainCase{"MondoSend", [](GuestProgram& g) { (void)g.SendMondo(1, 0); },
                  "T0 store, T0 store, B0 drain, B0 drain, T0 mondo_send, C1 mondo_taken"},
        // What does not drain: the stores leave when nothing else is left to do.
        DrainCase{"LoadDoesNot", [](GuestProgram& g) { (void)g.Load('z'); },
                  "T0 store, T0 store, T0 load, B0 drain, B0 drain"},
        DrainCase{"ActionDoesNot", [](GuestProgram& g) { g.Act(0); },
                  "T0 store, T0 store, T0 action, B0 drain, B0 drain"}),
    [](const auto& test) { return test.param.name; });

class DrainBetweenTest : public ::testing::TestWithParam<int> {};

TEST_P(DrainBetweenTest, AStoreCanReachMemoryBetweenAnyTwoStepsOfAnotherCpu) {
  constexpr int kLoadCount = 4;
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) {
                                      for (int i = 0; i < kLoadCount; ++i) g.reg[i] = g.Load('x');
                                    }}},
                       kTso);

  RunUnder(program, "T0@0~hold(0) T0@1>C1 T1@" + std::to_string(GetParam()) + ">B0");

  for (int i = 0; i < kLoadCount; ++i) EXPECT_EQ(program.reg[i], i < GetParam() ? 0u : 1u) << i;
}

INSTANTIATE_TEST_SUITE_P(Places, DrainBetweenTest, ::testing::Range(0, 4));

TEST(StoreBufferTest, AHoldIsNotSpentOnAnInterruptHandlersStore) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                          g.Store('x', 1);
                          g.Act(0);
                        }},
                        .softint = [](GuestProgram& g, int) { g.Store('y', 1); }},
                       kTso);

  RunUnder(program, "T0@0~hold(0) T0@0~resched");

  EXPECT_EQ(StepsText(program.machine()),
            "C0 softint_taken, C0 store, T0 store, T0 action, B0 drain");
}

TEST(StoreBufferTest, AHoldOutlastsASwitchBeforeItsStep) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) { g.Act(0); }}},
                       kTso);

  RunUnder(program, "T0@0~hold(0) T0@0>C1");

  EXPECT_EQ(StepsText(program.machine()), "T1 action, T0 store, T0 action, B0 drain");
}

// ---- against a list --------------------------------------------------------------------------------

// Replays a log on a list for each buffer and a map for memory; empty if all values agree.
std::string Disagreement(const sim::Machine& machine) {
  struct Held {
    sim::WordIndex word;
    std::uint64_t value;
    sim::Row row;
  };
  std::map<sim::WordIndex, std::uint64_t> memory;
  std::array<std::deque<Held>, kCpuCountMax> buffers;
  const auto log = machine.log();
  for (sim::Row row = 0; row < log.size(); ++row) {
    const LogEntry& e = log[row];
    std::deque<Held>& buffer = buffers[e.cpu];
    bool agrees = true;
    switch (e.kind) {
      case StepKind::kStore:
        if ((e.flags & LogEntry::kHeld) != 0) {
          buffer.push_back({e.word, e.value, row});
        } else {
          agrees = buffer.empty();
          memory[e.word] = e.value;
        }
        break;
      case StepKind::kDrain:
        agrees = !buffer.empty() && buffer.front().word == e.word &&
                 buffer.front().value == e.value && buffer.front().row == e.link;
        if (!buffer.empty()) buffer.pop_front();
        memory[e.word] = e.value;
        break;
      case StepKind::kLoad: {
        std::uint64_t wanted = memory[e.word];
        for (const Held& held : buffer) {
          if (held.word == e.word) wanted = held.value;
        }
        agrees = e.value == wanted;
        break;
      }
      case StepKind::kRmw:
        agrees = buffer.empty() && e.value == memory[e.word] + 1;
        memory[e.word] = e.value;
        break;
      case StepKind::kFence:
      case StepKind::kMondoSend:
        agrees = buffer.empty();
        break;
      default:
        break;
    }
    // A full buffer makes room after the row of the store that found it full.
    if (buffer.size() > static_cast<std::size_t>(machine.config().store_buffer_entries) + 1) {
      agrees = false;
    }
    if (!agrees) return "row " + std::to_string(row) + ": " + sim::RowText(e);
  }
  for (const std::deque<Held>& buffer : buffers) {
    if (!buffer.empty()) return "a store never reached memory";
  }
  return "";
}

TEST(StoreBufferTest, TenThousandMovesAgreeWithAList) {
  constexpr std::size_t kMoveCount = 10'000;
  const GuestProgram::Code thread = [](GuestProgram& g) {
    Prng prng(static_cast<std::uint64_t>(g.machine().cpu()) + 1);
    for (std::uint64_t i = 0; i < 40; ++i) {
      const char name = "wxyz"[prng.Below(4)];
      switch (prng.Below(16)) {
        case 0: g.Add(name, 1); break;
        case 1: g.Fence(); break;
        case 2: (void)g.SendMondo(0, 0); break;
        case 3: case 4: case 5: case 6: case 7: (void)g.Load(name); break;
        default: g.Store(name, i); break;
      }
    }
  };
  GuestProgram program({.threads = {thread, thread, thread}, .mondos = {[](GuestProgram& g) {
                                      g.Store('x', g.Load('y'));
                                    }}},
                       {.memory_model = MemoryModel::kTso, .store_buffer_entries = 3});

  std::size_t moves = 0;
  for (std::uint64_t seed = 0; moves < kMoveCount; ++seed) {
    RandomWalk walk(seed, /*hold_one_in=*/2);
    ASSERT_EQ(program.Run(walk), sim::RunEnd::kQuiet);
    ASSERT_EQ(Disagreement(program.machine()), "") << "seed " << seed;
    moves += program.machine().log().size();
  }
}

}  // namespace
}  // namespace shootdown::testing
