// Runs, threads and the snapshot: whatever one run leaves behind, the next one does not see it.
#include "fuzz/sim/machine.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using sim::RunEnd;

// ---- the snapshot ----------------------------------------------------------------------------------

enum class Way : std::uint8_t { kToTheEnd, kStopped, kDeadlock, kBudget, kStoppedInHandler };

// A program whose first thread ends the run in the way that `way` says, from the middle of things.
GuestProgram::Parts EndsIn(const Way& way) {
  return {.threads = {[&way](GuestProgram& g) {
                        g.Store('x', g.Load('x') + 1);
                        g.machine().SetPil(3);
                        g.machine().WriteSecondary(SHOOTDOWN_SITE("secondary"), Ctx{5});
                        if (way == Way::kStopped) g.machine().StopRun();
                        if (way == Way::kDeadlock) g.WaitUntilEquals('w', 9);
                        while (way == Way::kBudget) g.Act(0);
                        (void)g.SendMondo(1, 0);
                        g.Store('y', g.Load('x'));
                        g.machine().SetPil(0);
                      },
                      [](GuestProgram& g) {
                        for (int i = 0; i < 3; ++i) g.Add('z', 1);
                      }},
          .mondos = {[&way](GuestProgram& g) {
            g.Store('z', 7);
            if (way == Way::kStoppedInHandler) g.machine().StopRun();
          }}};
}

TEST(MachineTest, ARunStartsFromTheSnapshotHoweverTheLastOneEnded) {
  Way way = Way::kToTheEnd;
  GuestProgram program(EndsIn(way), {.step_count_max = 100});
  const std::string schedule = "T0@0>C1 T1@1>C0 T0@1~hold(0)";
  ASSERT_EQ(RunUnder(program, schedule), RunEnd::kQuiet);
  const std::string wanted = LogText(program.machine());

  const std::vector<std::pair<Way, RunEnd>> kWays = {{Way::kStopped, RunEnd::kStopped},
                                                     {Way::kDeadlock, RunEnd::kQuiet},
                                                     {Way::kBudget, RunEnd::kBudget},
                                                     {Way::kStoppedInHandler, RunEnd::kStopped}};
  for (const auto& [other_way, end] : kWays) {
    for (int again = 0; again < 50; ++again) {
      way = other_way;
      ASSERT_EQ(RunUnder(program, schedule), end);
    }
    way = Way::kToTheEnd;
    ASSERT_EQ(RunUnder(program, schedule), RunEnd::kQuiet);
    EXPECT_EQ(LogText(program.machine()), wanted);
    EXPECT_EQ(program.machine().secondary(0), Ctx{5});
  }
}

TEST(MachineTest, ASecondSnapshotIsWhereRunsStartFromThen) {
  GuestProgram program({.threads = {[](GuestProgram& g) { g.reg[0] = g.Load('x'); }}});
  program.cell('x').Init(3);
  program.machine().TakeSnapshot();
  program.cell('x').Init(4);

  RunUnder(program, "");

  EXPECT_EQ(program.reg[0], 3u);
}

std::size_t HeapBytes() { return mallinfo2().uordblks; }

TEST(MachineTest, TenThousandRunsLeaveMemoryFlat) {
  Way way = Way::kToTheEnd;
  GuestProgram program(EndsIn(way), {.step_count_max = 100});
  const auto run = [&](int n) {
    way = static_cast<Way>(n % 5);
    RandomWalk walk(static_cast<std::uint64_t>(n), 4);
    (void)program.Run(walk);
  };
  for (int n = 0; n < 500; ++n) run(n);
  const std::size_t before = HeapBytes();
  const std::size_t arena_before = program.machine().arena().used_bytes();

  for (int n = 500; n < 10'500; ++n) run(n);

  EXPECT_EQ(HeapBytes(), before);
  EXPECT_EQ(program.machine().arena().used_bytes(), arena_before);
}

// ---- CPUs and threads ------------------------------------------------------------------------------

class CpuCountTest : public ::testing::TestWithParam<int> {};

TEST_P(CpuCountTest, EveryCpuTakesItsSteps) {
  const int cpu_count = GetParam();
  const GuestProgram::Code thread = [](GuestProgram& g) {
    g.Add('x', 1);
    g.Add('x', 1);
  };
  GuestProgram program(
      {.threads = std::vector<GuestProgram::Code>(static_cast<std::size_t>(cpu_count), thread)});

  RunUnder(program, "");
  EXPECT_EQ(program.Peek('x'), static_cast<std::uint64_t>(2 * cpu_count));

  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomWalk walk(seed, 2);
    ASSERT_EQ(program.Run(walk), RunEnd::kQuiet);
    EXPECT_EQ(program.Peek('x'), static_cast<std::uint64_t>(2 * cpu_count));

    // Names of all actors go through the binary and the text form, and lead to the same run again.
    const std::vector<std::uint64_t> wanted = sim::ChainedHashes(program.machine().log());
    const Schedule exact = ExactSchedule(program.machine().moves_made());
    EXPECT_EQ(Schedule::Decode(exact.Encode()), exact);
    EXPECT_EQ(*Schedule::Parse(exact.ToText()), exact);
    ScheduleScheduler again(exact);
    ASSERT_EQ(program.Run(again), RunEnd::kQuiet);
    EXPECT_EQ(sim::ChainedHashes(program.machine().log()), wanted);
  }
}

INSTANTIATE_TEST_SUITE_P(Counts, CpuCountTest, ::testing::Values(1, 2, 3, 64, 65, 128));

TEST(MachineTest, TheDefaultOrderCountsUpAndAround) {
  const GuestProgram::Code thread = [](GuestProgram& g) { g.Act(0); };
  GuestProgram program({.threads = {thread, thread, thread, thread}});

  RunUnder(program, "T0@0>C2");

  EXPECT_EQ(StepsText(program.machine()), "T2 action, T3 action, T0 action, T1 action");
}

// Fills a frame, lets others run in every depth, and sees that nobody touched it.
std::uint64_t SumOnTheStack(GuestProgram& g, int depth) {
  std::array<std::uint64_t, 32> frame{};
  for (std::size_t i = 0; i < frame.size(); ++i) {
    frame[i] = static_cast<std::uint64_t>(depth) + i * static_cast<std::uint64_t>(g.machine().cpu() + 1);
  }
  g.Act(0);
  std::uint64_t sum = depth == 0 ? 0 : SumOnTheStack(g, depth - 1);
  g.Act(0);
  for (const std::uint64_t value : frame) sum += value;
  return sum;
}

// At each step of one of two CPUs the other one goes on, if it can.
class TakingTurns : public sim::Scheduler {
 public:
  explicit TakingTurns(bool and_step) : and_step_(and_step) {}
  void StartRun(const sim::Machine& /*machine*/) override {
    chosen_ = -1;
    asked_ = {};
    question_count = 0;
  }
  sim::Move Pick(const sim::Question& question) override {
    ++question_count;
    const int cpu = question.cpu.value();
    const int other = 1 - cpu;
    if (question.blocked) return {.kind = sim::Move::Kind::kNext};
    if (cpu == chosen_ || !question.machine.CanRun(other)) {
      chosen_ = -1;
      asked_[static_cast<std::size_t>(cpu)] = false;
      return {.kind = sim::Move::Kind::kStep};
    }
    const bool at_once = and_step_ && std::exchange(asked_[static_cast<std::size_t>(other)], false);
    asked_[static_cast<std::size_t>(cpu)] = true;
    chosen_ = at_once ? -1 : other;
    return {.kind = sim::Move::Kind::kRun,
            .cpu = static_cast<std::uint8_t>(other),
            .and_step = at_once};
  }
  std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override { return index; }

  int question_count = 0;

 private:
  bool and_step_;
  int chosen_ = -1;              // who goes on, and will be asked again
  std::array<bool, 2> asked_{};  // about a step that was not taken yet
};

TEST(MachineTest, ACpuThatIsToldToTakeItsStepIsNotAskedAgain) {
  const auto work = [](GuestProgram& g) {
    g.Add('x', 1);
    g.Store('y', g.Load('x'));
    g.Fence();
    g.Act(1);
  };
  GuestProgram program({.threads = {work, work}});
  TakingTurns asked(/*and_step=*/false);
  TakingTurns told(/*and_step=*/true);

  ASSERT_EQ(program.Run(asked), RunEnd::kQuiet);
  const std::string log = LogText(program.machine());
  const Schedule schedule = ExactSchedule(program.machine().moves_made());
  ASSERT_EQ(program.Run(told), RunEnd::kQuiet);

  EXPECT_EQ(LogText(program.machine()), log);
  EXPECT_EQ(ExactSchedule(program.machine().moves_made()).ToText(), schedule.ToText());
  EXPECT_LE(told.question_count, asked.question_count - 6);
}

TEST(MachineTest, StacksKeepTheirFramesWhileOthersRun) {
  const GuestProgram::Code thread = [](GuestProgram& g) {
    g.reg[g.machine().cpu()] = SumOnTheStack(g, 20);
  };
  GuestProgram program({.threads = {thread, thread, thread}});
  RunUnder(program, "");
  const std::array<std::uint64_t, 3> wanted = {program.reg[0], program.reg[1], program.reg[2]};

  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomWalk walk(seed, 0);
    (void)program.Run(walk);

    for (std::size_t c = 0; c < 3; ++c) ASSERT_EQ(program.reg[c], wanted[c]) << "seed " << seed;
  }
}

TEST(MachineTest, AThreadGoesOnWhereverItIsSwitchedIn) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Act(0);
                                      g.machine().SwitchThread(TaskActor(2));
                                      g.reg[0] = static_cast<std::uint64_t>(g.machine().cpu());
                                      g.Act(0);
                                    },
                                    [](GuestProgram& g) {
                                      g.Act(0);
                                      g.machine().SwitchThread(TaskActor(0));
                                    },
                                    [](GuestProgram& g) { g.Act(0); }}},
                       {}, /*cpu_count=*/2);

  RunUnder(program, "");

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(StepsText(program.machine()), "T0 action, T2 action, T1 action, T0 action");
  EXPECT_EQ(program.machine().log().back().cpu, 1);
}

TEST(MachineTest, AnActorsStepsAreNumberedFromZeroWithoutGaps) {
  const GuestProgram::Code thread = [](GuestProgram& g) {
    g.Store('x', 1);
    (void)g.SendMondo(1 - g.machine().cpu(), 0);
    g.machine().Note(SHOOTDOWN_SITE("note"), 0);
    g.Add('y', 1);
  };
  GuestProgram program(
      {.threads = {thread, thread}, .mondos = {[](GuestProgram& g) { g.Act(0); }}});

  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomWalk walk(seed, 2);
    (void)program.Run(walk);

    std::array<std::uint32_t, 256> next{};
    for (const sim::LogEntry& e : program.machine().log()) {
      if (!sim::IsStep(e.kind)) continue;
      ASSERT_EQ(e.index, next[e.actor]++) << sim::RowText(e);
    }
  }
}

TEST(MachineTest, ConflictsAreStepsOfDifferentCpusOnOneWordWithAWrite) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      (void)g.Load('x');
                                      g.Store('x', 1);
                                      (void)g.Load('y');
                                    },
                                    [](GuestProgram& g) {
                                      (void)g.Load('y');
                                      (void)g.Load('x');
                                    }}});

  RunUnder(program, "");

  ASSERT_EQ(program.machine().conflicts().size(), 1u);
  EXPECT_EQ(program.machine().conflicts()[0].first, 1u);
  EXPECT_EQ(program.machine().conflicts()[0].second, 4u);
}

// ---- poison ----------------------------------------------------------------------------------------

std::vector<std::string>& Reports() {
  static std::vector<std::string> reports;
  return reports;
}

void Report(const sim::Site& site, sim::WordIndex word) {
  Reports().push_back(sim::SiteName(site) + " " + sim::Arena::Live().NameOf(word));
}

struct PoisonCase {
  const char* name;
  GuestProgram::Code touch;
  const char* schedule;
  const char* report;
};

class PoisonTest : public ::testing::TestWithParam<PoisonCase> {};

TEST_P(PoisonTest, ATouchIsReportedWithItsSite) {
  bool poison = true;
  GuestProgram program({.threads = {[&poison](GuestProgram& g) {
    if (poison) g.machine().Poison(g.cell('x').word(), 8);
    g.Act(0);
    GetParam().touch(g);
  }}});
  program.machine().SetPoisonHandler(&Report);

  Reports().clear();
  RunUnder(program, GetParam().schedule);
  EXPECT_EQ(Reports(), std::vector<std::string>{GetParam().report});

  // The next run starts clean.
  Reports().clear();
  poison = false;
  RunUnder(program, GetParam().schedule);
  EXPECT_TRUE(Reports().empty());
}

// The step just before it stands for the freeing; accesses of the CPU that frees are in order with it.
TEST(MachineTest, FreeingAWordConflictsWithItsLastAccessOnAnotherCpu) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      (void)g.Load('x');
                                      g.Store('x', 1);
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('w', 1);
                                      g.Act(0);
                                      g.machine().Poison(g.cell('x').word(), 8);
                                      g.machine().Poison(g.cell('w').word(), 8);
                                      (void)g.Load('z');
                                    }}});

  RunUnder(program, "");

  // The action is row 3.
  const auto conflicts = program.machine().conflicts();
  ASSERT_EQ(conflicts.size(), 1u);
  EXPECT_EQ(conflicts[0].first, 1u);
  EXPECT_EQ(conflicts[0].second, 3u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PoisonTest,
    ::testing::Values(PoisonCase{"Load", [](GuestProgram& g) { (void)g.Load('x'); }, "",
                                 "Load: load x"},
                      PoisonCase{"Store", [](GuestProgram& g) { g.Store('x', 1); }, "",
                                 "Store: store x"},
                      PoisonCase{"Rmw", [](GuestProgram& g) { g.Add('x', 1); }, "", "Add: add x"},
                      PoisonCase{"HeldStoreWhenItDrains", [](GuestProgram& g) { g.Store('x', 1); },
                                 "T0@1~hold(0)", "Store: store x"}),
    [](const auto& test) { return test.param.name; });

TEST(PoisonWordsTest, WordsBesideAPoisonedOneAreFree) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.machine().Poison(g.cell('x').word(), 8);
    g.Store('w', 1);
    g.Store('y', 1);
  }}});
  program.machine().SetPoisonHandler(&Report);

  Reports().clear();
  RunUnder(program, "");

  EXPECT_TRUE(Reports().empty());
}

// ---- ids -------------------------------------------------------------------------------------------

TEST(ActorIdTest, EveryCodeNamesAnActor) {
  for (std::uint16_t code = 0; code < ActorId::kCodeCount; ++code) {
    const ActorId actor(code);

    EXPECT_EQ(ActorId(actor.actor_class(), actor.number()), actor);
    EXPECT_EQ(actor.code(), code);
    EXPECT_LT(actor.number(), ActorId::kNumberCount);
    EXPECT_NE(std::string("TICB").find(actor.letter()), std::string::npos);
  }
}

// What is stored and hashed of small machines goes by it.
TEST(ActorIdTest, ANumberBelow64MakesAByteWithItsClass) {
  EXPECT_EQ(TaskActor(63).code(), 0x3f);
  EXPECT_EQ(IdleActor(1).code(), 0x41);
  EXPECT_EQ(CpuActor(2).code(), 0x82);
  EXPECT_EQ(BufferActor(63).code(), 0xff);
  EXPECT_EQ(TaskActor(64).code(), 0x100);
  EXPECT_EQ(BufferActor(127).code(), 0x1ff);
}

TEST(TraceTest, ActorsAndCpusBeyond64HaveHashesOfTheirOwn) {
  static constexpr sim::Site kSite{"here", "", &sim::FormatNumber};
  std::set<std::uint64_t> hashes;
  for (const int task : {0, 1, 64, 65}) {
    for (const int cpu : {0, 1, 64, 65}) {
      for (const sim::StepKind kind : {sim::StepKind::kLoad, sim::StepKind::kStore}) {
        const sim::LogEntry row{.site = &kSite,
                           .value = 0,
                           .word = sim::kNoWord,
                           .link = sim::kNoRow,
                           .index = 0,
                           .actor = TaskActor(task).code(),
                           .kind = kind,
                           .cpu = static_cast<std::uint8_t>(cpu),
                           .flags = 0};
        hashes.insert(sim::ChainedHashes({&row, 1}).back());
      }
    }
  }

  EXPECT_EQ(hashes.size(), 32u);
}

}  // namespace
}  // namespace shootdown::testing
