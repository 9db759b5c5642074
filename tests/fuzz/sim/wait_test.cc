// Waiting is not spinning: deadlocks are seen when they exist, livelocks by the step budget.
#include <gtest/gtest.h>

#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using sim::RunEnd;
using sim::WaitKind;

TEST(WaitTest, ADeadlockEndsTheRunAtOnceAndIsDescribed) {
  GuestProgram program({.threads = {[](GuestProgram& g) { g.WaitUntilEquals('y', 1); },
                                    [](GuestProgram& g) { g.WaitUntilEquals('x', 1); }}});

  EXPECT_EQ(RunUnder(program, ""), RunEnd::kQuiet);

  EXPECT_EQ(program.machine().log().size(), 2u);  // the two waits
  EXPECT_TRUE(program.machine().WaitsBlocked(0));
  EXPECT_TRUE(program.machine().WaitsBlocked(1));
  EXPECT_EQ(program.machine().DescribeWaits(),
            "CPU 0 (T0) waits in WaitUntilEquals: equals; "
            "CPU 1 (T1) waits in WaitUntilEquals: equals");
}

TEST(WaitTest, ACpuThatIsIdleIsNoDeadlock) {
  GuestProgram program(
      {.threads = {[](GuestProgram& g) { g.WaitUntilEquals('x', 1, WaitKind::kIdle); }}});

  EXPECT_EQ(RunUnder(program, ""), RunEnd::kQuiet);

  EXPECT_FALSE(program.machine().WaitsBlocked(0));
  EXPECT_EQ(program.machine().DescribeWaits(), "");
}

// Where all threads have come to their end, nobody is left to choose. Who draws numbers at each question is asked
// all the same: his next run depends on it.
TEST(WaitTest, ThatAllIsDoneIsAQuestionOnlyForWhoHearsOfEachStep) {
  class Counting : public ScheduleScheduler {
   public:
    Counting(const Schedule& schedule, bool hears_of_each_step)
        : ScheduleScheduler(schedule), hears_of_each_step_(hears_of_each_step) {}
    sim::Move Pick(const sim::Question& question) override {
      blocked_count += question.blocked ? 1 : 0;
      return ScheduleScheduler::Pick(question);
    }
    std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) override {
      return hears_of_each_step_ ? index : ScheduleScheduler::NextQuestion(actor, index);
    }
    int blocked_count = 0;

   private:
    bool hears_of_each_step_;
  };
  const auto act = [](GuestProgram& g) { g.Act(0); };
  GuestProgram program({.threads = {act, act}});
  const Schedule schedule;
  Counting unasked(schedule, /*hears_of_each_step=*/false);
  Counting asked(schedule, /*hears_of_each_step=*/true);

  EXPECT_EQ(program.Run(unasked), RunEnd::kQuiet);
  EXPECT_EQ(StepsText(program.machine()), "T0 action, T1 action");
  EXPECT_EQ(program.Run(asked), RunEnd::kQuiet);
  EXPECT_EQ(StepsText(program.machine()), "T0 action, T1 action");

  EXPECT_EQ(unasked.blocked_count, 1);  // when CPU 0 is done, and CPU 1 is not
  EXPECT_EQ(asked.blocked_count, 2);
}

TEST(WaitTest, TheDescriptionTellsWhatIsMasked) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.machine().SetIe(false);
                                      g.WaitUntilEquals('x', 1);
                                    },
                                    [](GuestProgram& g) {
                                      g.machine().SetPil(14);
                                      g.WaitUntilEquals('x', 1);
                                    }}});

  RunUnder(program, "");

  EXPECT_EQ(program.machine().DescribeWaits(),
            "CPU 0 (T0) waits in WaitUntilEquals: equals with PSTATE.IE=0; "
            "CPU 1 (T1) waits in WaitUntilEquals: equals at PIL 14");
}

TEST(WaitTest, TheDescriptionNamesAHandlerThatWaits) {
  GuestProgram program({.threads = {[](GuestProgram& g) { g.Act(0); }},
                        .nmi = [](GuestProgram& g) { g.WaitUntilEquals('x', 1); }});

  RunUnder(program, "T0@0~nmi");

  EXPECT_EQ(program.machine().DescribeWaits(),
            "CPU 0 (C0) waits in WaitUntilEquals: equals at PIL 15");
}

TEST(WaitTest, TheConditionIsLookedAtWhenTheCpuCouldGoOn) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.reg[0] = 1;
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('x', 1);
                                      g.Store('x', 2);
                                    }}});

  RunUnder(program, "");
  const std::uint64_t missed = program.reg[0];
  RunUnder(program, "T1@1>C0");
  const std::uint64_t seen = program.reg[0];

  EXPECT_EQ(missed, 0u);
  EXPECT_EQ(seen, 1u);
}

TEST(WaitTest, AConditionThatIsTrueDoesNotWait) {
  GuestProgram program({.threads = {[](GuestProgram& g) { g.WaitUntilEquals('x', 0); }}});

  RunUnder(program, "");

  EXPECT_TRUE(program.machine().log().empty());
}

TEST(WaitTest, InterruptsAreTakenWhileWaiting) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.reg[0] = 1;
                                    },
                                    [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
                        .mondos = {[](GuestProgram& g) { g.Store('x', 1); }}});

  RunUnder(program, "");

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(program.machine().DescribeWaits(), "");
}

TEST(WaitTest, WithInterruptsOffAWaitIsADeadlockAlthoughAMondoIsPending) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.machine().SetIe(false);
                                      g.WaitUntilEquals('x', 1);
                                    },
                                    [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
                        .mondos = {[](GuestProgram& g) { g.Store('x', 1); }}});

  RunUnder(program, "");

  EXPECT_EQ(program.machine().MondosAccepted(0), 1u);
  EXPECT_EQ(program.machine().MondosExecuted(0), 0u);
  EXPECT_EQ(program.machine().DescribeWaits(),
            "CPU 0 (T0) waits in WaitUntilEquals: equals with PSTATE.IE=0");
}

TEST(WaitTest, AHandlerMayWaitOnTopOfAWaitingThread) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.reg[0] = g.reg[1];
                                    },
                                    [](GuestProgram& g) {
                                      (void)g.SendMondo(0, 0);
                                      g.Store('x', 1);
                                      g.Store('y', 1);
                                    }},
                        .mondos = {[](GuestProgram& g) {
                          g.WaitUntilEquals('y', 1);
                          g.reg[1] = 7;
                        }}});

  RunUnder(program, "T1@1>C0");

  EXPECT_EQ(program.reg[0], 7u);
  EXPECT_EQ(program.machine().DescribeWaits(), "");
}

TEST(WaitTest, WhenNothingElseRunsAHeldStoreReachesMemory) {
  GuestProgram program({.threads = {[](GuestProgram& g) { g.Store('x', 1); },
                                    [](GuestProgram& g) {
                                      g.WaitUntilEquals('x', 1);
                                      g.Act(0);
                                    }}});

  RunUnder(program, "T0@0~hold(0)");

  EXPECT_EQ(StepsText(program.machine()), "T0 store, B0 drain, T1 action");
}

// ---- livelocks -------------------------------------------------------------------------------------

constexpr std::uint32_t kStepCountMax = 200;

struct LivelockCase {
  const char* name;
  std::vector<GuestProgram::Code> threads;
};

class LivelockTest : public ::testing::TestWithParam<LivelockCase> {};

TEST_P(LivelockTest, EndsWithTheStepBudget) {
  GuestProgram program({.threads = GetParam().threads}, {.step_count_max = kStepCountMax});

  EXPECT_EQ(RunUnder(program, ""), RunEnd::kBudget);
  EXPECT_LE(program.machine().log().size(), kStepCountMax + 2);
  EXPECT_GE(program.machine().log().size(), kStepCountMax);

  RandomWalk walk(1, 0);
  EXPECT_EQ(program.Run(walk), RunEnd::kBudget);
}

const std::vector<LivelockCase>& LivelockCases() {
  using G = GuestProgram;
  static const std::vector<LivelockCase> kCases = {
      {"OneSpinsForEver", {[](G& g) { for (;;) g.Act(0); }}},
      {"OneSpinsAndOneWaits",
       {[](G& g) { for (;;) g.Act(0); }, [](G& g) { g.WaitUntilEquals('x', 1); }}},
      {"TwoWakeEachOther",
       {[](G& g) { for (;;) { g.Store('x', 1); g.WaitUntilEquals('x', 0); } },
        [](G& g) { for (;;) { g.WaitUntilEquals('x', 1); g.Store('x', 0); } }}},
      // Rows that are not steps take room in the log too.
      {"NotesAlone",
       {[](G& g) { for (;;) g.machine().Note(SHOOTDOWN_SITE("note"), 0); }}},
      {"NotesBeforeSteps",
       {[](G& g) {
         for (int i = 0; i < 150; ++i) g.machine().Note(SHOOTDOWN_SITE("note"), 0);
         for (;;) g.Act(0);
       }}},
      {"StepsWithNotes",
       {[](G& g) {
         for (;;) {
           g.Act(0);
           for (int i = 0; i < 40; ++i) g.machine().Note(SHOOTDOWN_SITE("note"), 0);
         }
       }}},
  };
  return kCases;
}

INSTANTIATE_TEST_SUITE_P(Programs, LivelockTest, ::testing::ValuesIn(LivelockCases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace shootdown::testing
