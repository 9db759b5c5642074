// A simulation runs the same whatever ran before it, and is what its scenario says.
#include "fuzz/scenario/simulation.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "fuzz/base/check.h"
#include "fuzz/kernel/kernel.h"
#include "fuzz/kernel/version.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/scenario/burst_walk.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

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
