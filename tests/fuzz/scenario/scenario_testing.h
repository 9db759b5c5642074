// Scenarios in a few words, and runs of them, for tests of everything that a scenario brings to
// life.
#ifndef SHOOTDOWN_TESTS_FUZZ_SCENARIO_SCENARIO_TESTING_H_
#define SHOOTDOWN_TESTS_FUZZ_SCENARIO_SCENARIO_TESTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/scenario/scenario.h"
#include "fuzz/scenario/simulation.h"

namespace shootdown::testing {

// Operations one by one, with `; ` between: `mmap A; touch A`.
[[nodiscard]] std::vector<Operation> Ops(std::string_view text);

// A task as a test writes it. `process` empty: a process of its own.
struct UserTask {
  std::string name;
  int cpu = 0;
  std::string setup = "";
  std::string ops = "";
  std::string process = "";
};
struct KernelThread {
  std::string name;
  int cpu = 0;
  std::string ops = "";
  std::string setup = "";
};
[[nodiscard]] TaskSpec User(const UserTask& task);
[[nodiscard]] TaskSpec Kthread(const KernelThread& task);
// Expected to be clean.
[[nodiscard]] Scenario TwoTasks(const UserTask& app = {.name = "app"},
                                const KernelThread& kt = {.name = "kt"});
// Process after process, each on the next CPU.
[[nodiscard]] Scenario Processes(int count, int cpus = 2, int contexts = 8);

// What a run ended with: the check that fired, or `clean`.
struct Outcome {
  std::string check = "clean";
  std::string message;
  std::string role;
};

// Built, or the test fails and null is returned.
[[nodiscard]] std::unique_ptr<Simulation> BuildOrFail(const Scenario& scenario);

// One run that follows a schedule, in text form. A step may be named by its site instead of by its
// number, so that tests outlive changes elsewhere: `T0@[do_munmap: mmap_write_lock(mm)]>C1` is the
// first step of T0 there, in the run that the decisions before it make, and `[...]+1` the step
// after.
[[nodiscard]] Outcome RunSchedule(Simulation& simulation, std::string_view schedule = "");
[[nodiscard]] Outcome RunOnce(const Scenario& scenario, std::string_view schedule = "");
[[nodiscard]] Outcome RunWalk(Simulation& simulation, std::uint64_t seed,
                              std::uint32_t hold_one_in);
[[nodiscard]] Outcome RunBurst(Simulation& simulation, std::uint64_t seed);

// `walks` runs by RandomWalk, every other one with stores held back, and as many by BurstWalk. The
// first that is not clean fails the test, and says how to make it again; so does one that leaves a
// task behind that could run.
void ExpectCleanWalks(const Scenario& scenario, int walks, std::uint64_t first_seed = 1);

// The tasks that are ready to run at the end of a run, but did not come to the end of their
// operations: none, or the model starves them.
[[nodiscard]] std::string StarvedTasks();

// The scenario as a test writes it, for messages.
[[nodiscard]] std::string Describe(const Scenario& scenario);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_SCENARIO_SCENARIO_TESTING_H_
