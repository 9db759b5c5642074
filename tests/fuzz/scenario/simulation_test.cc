// What is wrong with a scenario is said with what was found, what was wanted, and where.
#include "fuzz/scenario/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "fuzz/kernel/kernel.h"
#include "fuzz/kernel/version.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/scenario/burst_walk.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
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

Scenario Processes(int count) {
  Scenario scenario;
  scenario.expected = "clean";
  for (int i = 0; i < count; ++i) scenario.tasks.push_back(User({.name = "t" + std::to_string(i)}));
  return scenario;
}

std::string AllCheckNames() {
  std::string names;
  for (const check::Check* c : check::AllChecks()) {
    names += (names.empty() ? "" : ", ") + std::string(c->name);
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
       .scenario = WithVersion({"sparc64.wrap", "old"}),
       .part = Part::kVersion,
       .entry = 1,
       .message = "found switch \"sparc64.wrap\", wanted one of mm.kthread_use_mm, sparc64.flush, "
                  "sparc64.flush_pending, sparc64.tsb_fill"},
      {.name = "UnknownValueOfASwitch",
       .scenario = WithVersion({"sparc64.flush", "sometimes"}),
       .part = Part::kVersion,
       .entry = 1,
       .message = "found \"sometimes\", wanted for sparc64.flush one of no_trim, trim_if_single_user"},
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
       .message = "found \"deadlock\", which is off in this scenario"},
      {.name = "ExpectedCheckIsOffByDefault",
       .scenario = WithChecks({}, {}, "mm_switch_irqs_on"),
       .part = Part::kExpected,
       .message = "found \"mm_switch_irqs_on\", which is off in this scenario"},
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
      {.name = "AccessThatIsNone",
       .scenario = WithOp("vhost_kick dev execute A"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"execute\", wanted read or write"},
      {.name = "UserOperationInAKernelThread",
       .scenario = WithKthreadOp("mmap A"),
       .part = Part::kOp,
       .task = 1,
       .message = "found \"mmap\" in a kernel thread, which has no mm of its own"},
      {.name = "KernelThreadOperationInAUserTask",
       .scenario = WithOp("io_sq_thread ring"),
       .part = Part::kOp,
       .entry = 1,
       .message = "found \"io_sq_thread\" in a user task; only a kernel thread can do that"},
      {.name = "CloneOfAKernelThread",
       .scenario = WithOp("clone kt"),
       .message = "task \"kt\" is started by clone: found a kernel thread, wanted a user task without "
                  "setup"},
      {.name = "CloneOfATaskWithSetup",
       .scenario = WithOp("clone app"),
       .message = "task \"app\" is started by clone: found setup operations, wanted a user task without "
                  "setup"},
      {.name = "TooManyProcesses",
       .scenario = Processes(16),
       .message = "found more than 15 processes"},
      {.name = "SetupThatDeadlocks",
       .scenario = WithSetup("io_uring_setup ring; io_uring_close ring"),
       .message = "the setup breaks deadlock: nothing can go on: CPU 0 (T0) waits in io_uring_close: "
                  "ctx->thread_gone"},
      {.name = "SetupThatWaitsForEver",
       .scenario = WithSetup("sleep queue"),
       .message = "the setup does not come to its end: app"},
      {.name = "SetupThatBreaksARule",
       .scenario = WithSetup("userfaultfd ufd; userfaultfd_close ufd; vhost_set_owner dev; exit"),
       .message = "?"},
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
                         [](const ::testing::TestParamInfo<Case>& info) { return info.param.name; });

}  // namespace
}  // namespace shootdown::testing
