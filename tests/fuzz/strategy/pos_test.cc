#include "fuzz/strategy/pos.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/fuzz/strategy/strategy_testing.h"

namespace shootdown::testing {
namespace {

// Looks at all priorities just before and just after each step.
class WatchedPos : public Pos {
 public:
  WatchedPos() : Pos(1, EagerInvisible::kNo) {}
  int conflicts = 0;
  int bystanders = 0;

 protected:
  void Taken(int cpu) override {
    std::array<std::uint64_t, kCpuCountMax> before{};
    for (int c = 0; c < cpu_count(); ++c) before[static_cast<std::size_t>(c)] = priority(c);
    Pos::Taken(cpu);
    for (int c = 0; c < cpu_count(); ++c) {
      if (c == cpu || !pending(c).known) continue;
      const bool redrawn = priority(c) != before[static_cast<std::size_t>(c)];
      const bool conflict = Conflict(pending(cpu), pending(c));
      EXPECT_EQ(redrawn, conflict);
      ++(conflict ? conflicts : bystanders);
    }
  }
};

TEST(PosTest, PendingStepsInConflictWithTheOneTakenGetNewPrioritiesAndNoOthers) {
  GuestProgram program({.threads = {Stores('x', 4),
                                    [](GuestProgram& g) {
                                      for (int i = 0; i < 4; ++i) (void)g.Load('x');
                                    },
                                    [](GuestProgram& g) {
                                      for (int i = 0; i < 4; ++i) (void)g.Load('x');
                                    },
                                    Stores('y', 4)}});
  WatchedPos pos;
  for (int n = 0; n < 100; ++n) (void)program.Run(pos);

  EXPECT_GT(pos.conflicts, 500);
  EXPECT_GT(pos.bystanders, 500);
}

// Each of the three races is lost with a chance of one half. With a priority that is kept the reader
// would be last once in four runs, since what lost once is likely to lose again.
TEST(PosTest, RacesOfOneStepAreIndependent) {
  GuestProgram program({.threads = {[](GuestProgram& g) { g.reg[0] = g.Load('x'); },
                                    [](GuestProgram& g) {
                                      for (std::uint64_t v = 1; v <= 3; ++v) g.Store('x', v);
                                    }}});
  Pos pos(1, Pos::EagerInvisible::kNo);
  std::array<int, 4> seen{};
  for (int n = 0; n < 8000; ++n) {
    (void)program.Run(pos);
    ++seen[program.reg[0]];
  }

  EXPECT_NEAR(seen[0], 4000, 150);
  EXPECT_NEAR(seen[1], 2000, 130);
  EXPECT_NEAR(seen[2], 1000, 100);
  EXPECT_NEAR(seen[3], 1000, 100);
}

TEST(PosEagerTest, StepsThatNobodySeesAreNoChoices) {
  const auto thread = [](char own) {
    return [own](GuestProgram& g) {
      for (int i = 0; i < 5; ++i) g.Store(own, 1);
      g.Store('x', 1);
      for (int i = 0; i < 5; ++i) (void)g.Load(own);
      g.Fence();
    };
  };
  GuestProgram program({.threads = {thread('y'), thread('z')}});
  Pos eager(1, Pos::EagerInvisible::kYes);
  (void)program.Run(eager);  // learns which words are whose

  const Counts counts = CountInterleavings(program, eager, 400);

  // Both threads' private steps are taken when they are come to: what is left is who is first at x.
  EXPECT_EQ(counts.size(), 2u);
  Pos pos(1, Pos::EagerInvisible::kNo);
  EXPECT_GT(CountInterleavings(program, pos, 400).size(), 100u);
}

TEST(PosEagerTest, AWordThatIsSharedInRareRunsOnlyComesBack) {
  // T1 touches y only if it comes between T0's two stores to x; then the race on y can show.
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('x', 0);
                                      g.Store('y', 1);
                                      g.Store('y', 0);
                                    },
                                    [](GuestProgram& g) {
                                      if (g.Load('x') == 1) g.reg[0] = g.Load('y');
                                    }}});
  Pos eager(1, Pos::EagerInvisible::kYes);
  std::set<std::uint64_t> seen;
  for (int n = 0; n < 1000; ++n) {
    (void)program.Run(eager);
    seen.insert(program.reg[0]);
  }

  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1}));
}

// Nobody loads the flag: only a wait looks at it. Lowering it must still be a choice.
TEST(PosEagerTest, AWordThatOnlyAWaitReadsIsShared) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('w', 1);
                                      g.Store('x', 1);
                                      g.Store('w', 0);
                                    },
                                    [](GuestProgram& g) {
                                      g.WaitUntilEquals('w', 1, sim::WaitKind::kIdle);
                                      g.reg[0] = 1 + g.Load('x');
                                    }}});
  Pos eager(1, Pos::EagerInvisible::kYes);
  std::set<std::uint64_t> seen;
  for (int n = 0; n < 1000; ++n) {
    (void)program.Run(eager);
    seen.insert(program.reg[0]);
  }

  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2}));
}

}  // namespace
}  // namespace shootdown::testing
