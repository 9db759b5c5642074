// What is wrong with a scenario is said with what was found, what was wanted, and where.
#include "fuzz/scenario/simulation.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "fuzz/base/check.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/kernel.h"
#include "fuzz/kernel/version.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/scenario/burst_walk.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

using Part = ScenarioProblem::Part;

Scenario TwoTasks(const UserTask& app = {.name = "app"}, const KernelThread& kt = {.name = "kt"}) {
  Scenario scenario;
  scenario.name = "two tasks";
  scenario.expected = "clean";
  scenario.tasks = {User(app), Kthread(kt)};
  return scenario;
}

Scenario WithVersion(VersionChoice choice) {
  Scenario scenario = TwoTasks();
  scenario.version = {{"mm.kthread_use_mm", "v4_19"}, std::move(choice)};
  return scenario;
}

Scenario OnArch(const std::string& arch) {
  Scenario scenario = TwoTasks();
  scenario.arch = arch;
  return scenario;
}

Scenario WithChecks(std::vector<std::string> on, std::vector<std::string> off,
                    const std::string& expected = "clean") {
  Scenario scenario = TwoTasks();
  scenario.checks_on = std::move(on);
  scenario.checks_off = std::move(off);
  scenario.expected = expected;
  return scenario;
}

Scenario WithOp(const std::string& op) {
  return TwoTasks({.name = "app", .setup = "mmap A", .ops = "touch A; " + op});
}

Scenario WithKthreadOp(const std::string& op) {
  return TwoTasks({.name = "app"}, {.name = "kt", .ops = op});
}

Scenario WithSetup(const std::string& setup) {
  return TwoTasks({.name = "app", .setup = setup}, {.name = "kt"});
}

// Process after process, each on the next CPU.
Scenario Processes(int count, int cpus = 2, int contexts = 8) {
  Scenario scenario;
  scenario.expected = "clean";
  scenario.machine.cpu_count = cpus;
  scenario.machine.context_count = contexts;
  for (int i = 0; i < count; ++i) {
    scenario.tasks.push_back(User({.name = "t" + std::to_string(i),
                                   .cpu = i % cpus,
                                   .setup = "mmap A; touch A",
                                   .ops = "touch A; yield; touch A"}));
  }
  return scenario;
}

Scenario SetupAgainstAPolicy() {
  Scenario scenario = WithSetup("mmap A; touch A; migrate 1; migrate 0; munmap A");
  scenario.version = {{"sparc64.flush", "trim_if_single_user"}};
  scenario.checks_on = {"cpumask_foreign_clear"};
  return scenario;
}

Scenario CloneOfATaskWithSetup() {
  Scenario scenario = Processes(2);
  scenario.tasks[0].name = "app";
  scenario.tasks[1].ops.push_back(Operation{"clone app"});
  return scenario;
}

std::string AllCheckNames() {
  std::string names;
  for (const check::Check* c : check::AllChecks()) {
    names += (names.empty() ? "" : ", ") + std::string(c->name);
  }
  return names;
}

std::string AllArchNames() {
  std::string names;
  for (const kernel::Arch* arch : kernel::AllArchs()) {
    names += (names.empty() ? "" : ", ") + std::string(arch->name);
  }
  return names;
}

struct Case {
  std::string name;  // of the test
  Scenario scenario;
  Part part = Part::kWhole;
  std::size_t task = 0;
  std::size_t entry = 0;
  std::string message;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> Cases() {
  return {
      {.name = "UnknownSwitch",
       .scenario = WithVersion({"sparc64.no_such", "old"}),
       .part = Part::kVersion,
       .entry = 1,
       .message = "found switch \"sparc64.no_such\", wanted one that `shootdown scenarios --ops` lists"},
      {.name = "UnknownValueOfASwitch",
       .scenario = WithVersion({"mm.kthread_use_mm", "sometimes"}),
       .part = Part::kVersion,
       .entry = 1,
       .message = "found \"sometimes\", wanted for mm.kthread_use_mm one of v6_12, v4_19"},
      {.name = "UnknownArch",
       .scenario = OnArch("vax"),
       .part = Part::kArch,
       .message = "found arch \"vax\", wanted one of " + AllArchNames()},
      {.name = "UnknownCheckOn",
       .scenario = WithChecks({"mm_switch_irqs_on", "no_such"}, {}),
       .part = Part::kCheckOn,
       .entry = 1,
       .message = "found check \"no_such\", wanted one of " + AllCheckNames()},
      {.name = "UnknownCheckOff",
       .scenario = WithChecks({}, {"deadlock", "livelock", ""}),
       .part = Part::kCheckOff,
       .entry = 2,
       .message = "found check \"\", wanted one of " + AllCheckNames()},
      {.name = "UnknownExpectedCheck",
       .scenario = WithChecks({}, {}, "Clean"),
       .part = Part::kExpected,
       .message = "found check \"Clean\", wanted one of " + AllCheckNames()},
      {.name = "ExpectedCheckIsSwitchedOff",
       .scenario = WithChecks({}, {"deadlock"}, "deadlock"),
       .part = Part::kExpected,
       .message = "found \"deadlock\", which is off in this scenario, wanted a check that judges"},
      {.name = "ExpectedCheckIsOffByDefault",
       .scenario = WithChecks({}, {}, "mm_switch_irqs_on"),
       .part = Part::kExpected,
       .message = "found \"mm_switch_irqs_on\", which is off in this scenario, wanted a check that judges"},
      {.name = "UnknownOperation",
       .scenario = WithOp("brk A"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found operation \"brk\", wanted one that `shootdown scenarios --ops` lists"},
      {.name = "UnknownOperationInASetup",
       .scenario = WithSetup("mmap A; touch A; brk A"),
       .part = Part::kSetup,
       .entry = 2,
       .message = "found operation \"brk\", wanted one that `shootdown scenarios --ops` lists"},
      {.name = "OperationOfTheSecondTask",
       .scenario = WithKthreadOp("yield; brk A"),
       .part = Part::kOp,
       .task = 1,
       .entry = 1,
       .message = "found operation \"brk\", wanted one that `shootdown scenarios --ops` lists"},
      {.name = "NoOperationAtAll",
       .scenario = WithOp(" "),
       .part = Part::kOp,
       .entry = 1,
       .message = "found nothing, wanted an operation"},
      {.name = "TooFewArguments",
       .scenario = WithOp("munmap"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found 0 arguments, wanted `munmap PAGE [COUNT]`"},
      {.name = "TooManyArguments",
       .scenario = WithOp("munmap A 1 2"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found 3 arguments, wanted `munmap PAGE [COUNT]`"},
      {.name = "PageOutOfRange",
       .scenario = WithOp("touch I"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"I\", wanted a page, A to H"},
      {.name = "PageInLowerCase",
       .scenario = WithOp("touch a"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"a\", wanted a page, A to H"},
      {.name = "CountOfZero",
       .scenario = WithOp("munmap A 0"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"0\", wanted a number of pages, 1 to 8"},
      {.name = "CountThatIsNoNumber",
       .scenario = WithOp("munmap A 2x"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"2x\", wanted a number of pages, 1 to 8"},
      {.name = "PagesBeyondTheLast",
       .scenario = WithOp("munmap G 3"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found 3 pages from G, wanted none beyond H"},
      {.name = "CpuThatIsNotThere",
       .scenario = WithOp("migrate 2"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"2\", wanted a CPU, 0 to 1"},
      {.name = "TaskThatIsNotThere",
       .scenario = WithOp("clone child"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"child\", wanted the name of a task of this scenario"},
      {.name = "ExecOfAProcessThatIsThere",
       .scenario =
           [] {
             Scenario scenario = WithOp("exec p");
             scenario.tasks[0].process = "p";
             return scenario;
           }(),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"p\", wanted a process that no task is of, among at most 15"},
      {.name = "AccessThatIsNone",
       .scenario = WithOp("vhost_kick dev execute A"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"execute\", wanted read or write"},
      {.name = "UserOperationInAKernelThread",
       .scenario = WithKthreadOp("mmap A"),
       .part = Part::kOp,
       .task = 1,
       .message = "found \"mmap\" in a kernel thread, which has no mm, wanted it in a user task"},
      {.name = "OperationThatNeedsAnotherArchitecture",
       .scenario = WithOp("reclaim app A"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"reclaim\", which is an operation of x86_64, wanted one of sparc64"},
      {.name = "KernelThreadOperationInAUserTask",
       .scenario = WithOp("io_sq_thread ring"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"io_sq_thread\" in a user task, wanted it in a kernel thread"},
      {.name = "CloneOfAKernelThread",
       .scenario = WithOp("clone kt"),
       .part = Part::kTask,
       .task = 1,
       .message =
           "task \"kt\" is started by clone: found a kernel thread, wanted a user task without "
           "setup"},
      {.name = "CloneOfATaskWithSetup",
       .scenario = CloneOfATaskWithSetup(),
       .part = Part::kTask,
       .message =
           "task \"app\" is started by clone: found setup operations, wanted a user task without "
           "setup"},
      {.name = "CloneOfItself",
       .scenario = WithOp("clone app"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"app\", which this starts, wanted another task"},
      {.name = "WhatBelongsIntoASetup",
       .scenario = WithOp("perf_event_open A"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"perf_event_open\" among the operations, wanted it in a setup"},
      {.name = "SwitchOfAPartOfAnotherArch",
       .scenario = WithVersion({"kvm.set_preempted", "each_time"}),
       .part = Part::kVersion,
       .entry = 1,
       .message = "found switch \"kvm.set_preempted\", which is one of x86_64, wanted one that changes sparc64"},
      {.name = "SwitchOfWhatOtherArchsShare",
       .scenario = WithVersion({"asid.fast_path", "replace_zero"}),
       .part = Part::kVersion,
       .entry = 1,
       .message =
           "found switch \"asid.fast_path\", which is one of arm, arm64, riscv, wanted one that changes sparc64"},
      {.name = "SwitchWithoutTheProtocolThatItGetsWrong",
       .scenario = WithVersion({"trim.W3", "on"}),
       .part = Part::kVersion,
       .entry = 1,
       .message = "found \"trim.W3 = on\" with \"sparc64.flush = no_trim\", wanted \"sparc64.flush = ipi_trim\""},
      {.name = "BorrowersThatNoMaskNames",
       .scenario = WithVersion({"mm.lazy_tlb", "shootdown"}),
       .part = Part::kVersion,
       .entry = 1,
       .message = "found \"mm.lazy_tlb = shootdown\" on sparc64, wanted an arch whose mm_cpumask names all that "
                  "borrow an mm: powerpc64"},
      {.name = "TooManyProcesses",
       .scenario = Processes(16),
       .part = Part::kTask,
       .task = 15,
       .message = "found process number 16, wanted at most 15"},
      {.name = "MoreProcessesLoadedThanContextNumbers",
       .scenario = Processes(5, 4, 4),
       .part = Part::kTask,
       .task = 3,
       .message = "found process number 4 on 4 CPUs, wanted at most 3 processes or CPUs: a "
                  "context_count of 4 has a number for that many loaded at once"},
      {.name = "SetupThatDeadlocks",
       .scenario = WithSetup("io_uring_setup ring; io_uring_close ring"),
       .message = "the setup does not come to its end in app: CPU 0 (T0) waits in io_uring_close: "
                  "ctx->thread_gone"},
      {.name = "SetupThatWaitsForEver",
       .scenario = WithSetup("sleep queue"),
       .message = "the setup does not come to its end in app"},
      {.name = "SetupThatExits",
       .scenario = WithSetup("exit"),
       .message = "the setup does not come to its end in app"},
      {.name = "SetupThatBreaksARule",
       .scenario = SetupAgainstAPolicy(),
       .message =
           "the setup breaks cpumask_foreign_clear: CPU 0 cleared bits {1} of mm_cpumask(mm1)"},
  };
}

class ScenarioProblemTest : public ::testing::TestWithParam<Case> {};

TEST_P(ScenarioProblemTest, IsReportedWhereItIs) {
  const Case& c = GetParam();
  ScenarioProblem problem;

  const std::unique_ptr<Simulation> simulation = Simulation::Build(c.scenario, &problem);

  ASSERT_EQ(simulation, nullptr);
  EXPECT_EQ(problem.message, c.message);
  EXPECT_EQ(problem.part, c.part);
  EXPECT_EQ(problem.task, c.task);
  EXPECT_EQ(problem.entry, c.entry);
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioProblemTest, ::testing::ValuesIn(Cases()),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return test.param.name;
                         });

// The most processes and CPUs that the numbers of a machine of 4 are enough for: more of one are no harm
// while there are few of the other.
TEST(ContextNumbersTest, AreEnoughForWhatIsNotRefused) {
  for (const auto& [processes, cpus] : {std::pair{3, 8}, {6, 3}, {3, 3}}) {
    ScenarioProblem problem;
    const auto simulation = Simulation::Build(Processes(processes, cpus, 4), &problem);
    ASSERT_NE(simulation, nullptr) << problem.message;

    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      RandomWalk walk(seed, 0);
      const check::Finding* const finding = simulation->Run(walk);
      ASSERT_EQ(finding, nullptr) << seed << ": " << finding->message;
    }
  }
}

// A workload in which much depends on the order of things.
Scenario Busy() {
  Scenario scenario;
  scenario.name = "busy";
  scenario.expected = "clean";
  scenario.tasks = {
      User({.name = "app",
            .cpu = 0,
            .setup = "mmap A; touch A; io_uring_setup ring",
            .ops = "io_uring_submit ring write A; munmap A; mmap A 3; write B; io_uring_close ring",
            .process = "p"}),
      User({.name = "peer",
            .cpu = 1,
            .ops = "touch A; munmap B 2; migrate 0; exit",
            .process = "p"}),
      Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"})};
  return scenario;
}

std::uint64_t LastHash(Simulation& simulation) {
  return sim::ChainedHashes(simulation.machine().log()).back();
}

TEST(SimulationTest, ARunDoesNotDependOnTheRunsBeforeIt) {
  const std::unique_ptr<Simulation> simulation = BuildOrFail(Busy());
  ASSERT_NE(simulation, nullptr);
  std::vector<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    BurstWalk walk(seed);
    simulation->Run(walk);
    first.push_back(LastHash(*simulation));
  }

  for (std::uint64_t seed = 20; seed-- > 0;) {
    BurstWalk walk(seed);
    simulation->Run(walk);
    EXPECT_EQ(LastHash(*simulation), first[seed]) << "BurstWalk(" << seed << ")";
  }
}

TEST(SimulationTest, ASecondSimulationOfTheScenarioRunsTheSame) {
  std::uint64_t hashes[2];
  for (std::uint64_t& hash : hashes) {
    const std::unique_ptr<Simulation> simulation = BuildOrFail(Busy());
    ASSERT_NE(simulation, nullptr);
    BurstWalk walk(7);
    simulation->Run(walk);
    hash = LastHash(*simulation);
  }

  EXPECT_EQ(hashes[0], hashes[1]);
}

TEST(SimulationTest, TheExactScheduleOfARunMakesItAgain) {
  const std::unique_ptr<Simulation> simulation = BuildOrFail(Busy());
  ASSERT_NE(simulation, nullptr);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    BurstWalk walk(seed);
    simulation->Run(walk);
    const std::uint64_t hash = LastHash(*simulation);
    const Schedule exact = ExactSchedule(simulation->machine().moves_made());
    ScheduleScheduler replay(exact);

    simulation->Run(replay);

    EXPECT_EQ(LastHash(*simulation), hash) << "BurstWalk(" << seed << ")";
  }
}

TEST(SimulationTest, AFindingStandsUntilTheNextRun) {
  Scenario scenario = Busy();
  scenario.checks_on = {"mm_switch_irqs_on"};
  scenario.version = {{"mm.kthread_use_mm", "v4_19"}};
  const std::unique_ptr<Simulation> simulation = BuildOrFail(scenario);
  ASSERT_NE(simulation, nullptr);
  const Schedule empty;
  ScheduleScheduler default_order(empty);

  const check::Finding* const finding = simulation->Run(default_order);

  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->check->name, "mm_switch_irqs_on");
  EXPECT_LT(finding->row, simulation->machine().log().size());
}

TEST(SimulationTest, SwitchesAreBackAtTheirDefaultsInTheNextScenario) {
  Scenario scenario = Busy();
  scenario.version = {{"sparc64.flush", "trim_if_single_user"}};
  (void)BuildOrFail(scenario);

  const std::unique_ptr<Simulation> simulation = BuildOrFail(Busy());

  for (const kernel::VersionSwitch* s : kernel::VersionSwitch::All()) EXPECT_EQ(s->value(), 0);
}

TEST(SimulationTest, TasksOfOneProcessShareAnMmAndOthersDoNot) {
  Scenario scenario = Processes(2);
  scenario.tasks.push_back(User({.name = "p1", .process = "p"}));
  scenario.tasks.push_back(User({.name = "p2", .cpu = 1, .process = "p"}));
  scenario.tasks.push_back(Kthread({.name = "kt"}));

  const std::unique_ptr<Simulation> simulation = BuildOrFail(scenario);

  ASSERT_NE(simulation, nullptr);
  const kernel::Kernel& k = simulation->kernel();
  EXPECT_NE(k.tasks[0].mm.Peek(), k.tasks[1].mm.Peek());
  EXPECT_NE(k.tasks[0].mm.Peek(), k.tasks[2].mm.Peek());
  EXPECT_EQ(k.tasks[2].mm.Peek(), k.tasks[3].mm.Peek());
  EXPECT_EQ(k.tasks[2].mm.Peek()->mm_users.Peek(), 2);
  EXPECT_EQ(k.tasks[4].mm.Peek(), nullptr);
}

TEST(SimulationTest, SetupHappensOnceBeforeAllRuns) {
  const std::unique_ptr<Simulation> simulation =
      BuildOrFail(TwoTasks({.name = "app", .setup = "mmap A; touch A", .ops = "munmap A"}));
  ASSERT_NE(simulation, nullptr);
  const kernel::Kernel& k = simulation->kernel();
  EXPECT_TRUE(k.mms[1].pgd->pte[0].Peek().valid());

  for (int run = 0; run < 2; ++run) {
    EXPECT_EQ(RunSchedule(*simulation).check, "clean");
    EXPECT_FALSE(k.mms[1].pgd->pte[0].Peek().valid());
    EXPECT_EQ(k.globals->pte_changes, 2u);  // the fault of the setup, and the unmapping
  }
}

// Follows a schedule, and fails a check of ours after so many questions.
class FailingScheduler : public ScheduleScheduler {
 public:
  FailingScheduler(const Schedule& schedule, int question_count)
      : ScheduleScheduler(schedule), left_(question_count) {}

  sim::Move Pick(const sim::Question& question) override {
    SHOOTDOWN_CHECK(--left_ > 0);
    return ScheduleScheduler::Pick(question);
  }
  std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override { return index; }

 private:
  int left_;
};

TEST(SimulationDeathTest, AFailedCheckOfOursSaysWhatWasRunning) {
  const std::unique_ptr<Simulation> simulation = BuildOrFail(Busy());
  const Schedule schedule = *Schedule::Parse("T0@2>C1 T0@60>C1");
  FailingScheduler scheduler(schedule, 12);

  EXPECT_DEATH((void)simulation->Run(scheduler),
               "check failed: --left_ > 0\n"
               "while running scenario busy, step [1-9][0-9]*, schedule \"T0@2>C1\"\n");
}

TEST(SimulationDeathTest, ACheckThatFailsAfterTheSimulationSaysNothingOfIt) {
  (void)BuildOrFail(Busy());

  EXPECT_DEATH(SHOOTDOWN_UNREACHABLE("later"), "check failed: later\n$");
}

}  // namespace
}  // namespace shootdown::testing
