// A scenario: the machine's shape, the kernel's version switches, and what the tasks do. Plain
// data, with no machine in it; fuzz/scenario/simulation.h builds a run from it.
#ifndef SHOOTDOWN_FUZZ_SCENARIO_SCENARIO_H_
#define SHOOTDOWN_FUZZ_SCENARIO_SCENARIO_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/sim/machine_config.h"

namespace shootdown {

// One operation of a task, as written: `munmap A`. The words are resolved when the run is built.
struct Operation {
  std::string text;
  friend bool operator==(const Operation&, const Operation&) = default;
};

struct TaskSpec {
  std::string name;         // unique in the scenario
  std::string process;      // tasks with the same word share an mm; empty: a process of its own
  bool kthread = false;     // a kernel thread has no mm
  int cpu = 0;              // where it starts
  std::vector<Operation> setup;  // done once, in the default order, before step 0
  std::vector<Operation> ops;    // what the schedule interleaves
  friend bool operator==(const TaskSpec&, const TaskSpec&) = default;
};

struct VersionChoice {
  std::string name;   // `sparc64.flush`
  std::string value;  // `trim_if_single_user`
  friend bool operator==(const VersionChoice&, const VersionChoice&) = default;
};

struct Scenario {
  std::string name;
  std::string summary;  // one sentence for people
  std::string commit;   // the commit that the scenario is about, or empty
  std::string arch = "sparc64";  // whose flush policy: kernel::AllArchs()
  sim::MachineConfig machine;
  std::vector<VersionChoice> version;
  std::vector<TaskSpec> tasks;
  std::vector<std::string> checks_on;   // checks beyond the default ones
  std::vector<std::string> checks_off;  // default checks that do not judge here
  std::string expected;                 // `clean`, or the name of the check that must fire
  // How many preemptions the shortest failing schedule is reckoned to need, by reasoning about the bug;
  // and a sentence on why the decisions that minimizing leaves are more, or fewer.
  std::optional<int> preemptions = {};
  std::string note = {};
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

// Of all tasks, with what they do before step 0.
[[nodiscard]] inline std::size_t OperationCount(const Scenario& scenario) {
  std::size_t count = 0;
  for (const TaskSpec& task : scenario.tasks) count += task.setup.size() + task.ops.size();
  return count;
}

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCENARIO_SCENARIO_H_
