// What is wrong with a scenario is said with what was found, what was wanted, and where.
#include "fuzz/scenario/simulation.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/version.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

using Part = ScenarioProblem::Part;

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

Scenario SetupAgainstAPolicy() {
  Scenario scenario = WithSetup("mmap A; touch A; migrate 1; migrate 0; munmap A");
  scenario.version = {{"sparc64.flush", "trim_if_single_user"}};
  scenario.checks_on = {"cpumask_foreign_clear"};
  return scenario;
}

Scenario ThreadOfATask() {
  Scenario scenario = Processes(2);
  scenario.tasks[0].process = "";
  scenario.tasks[1].process = scenario.tasks[0].name;
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
       .message = R"(found "trim.W3 = on" with "sparc64.flush = no_trim", wanted "sparc64.flush = ipi_trim")"},
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
      {.name = "ATaskWhereAProcessIsWanted",
       .scenario = ThreadOfATask(),
       .part = Part::kTask,
       .task = 1,
       .message = "found process \"t0\", which is the name of a task of another process, wanted that task in it too "
                  "(process: \"t0\"), or another name"},
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
}  // namespace
}  // namespace shootdown::testing
