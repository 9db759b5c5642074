// A scenario's tasks in the kernel's terms: which process each is of, and what the words of its
// operations mean.
#ifndef SHOOTDOWN_FUZZ_SCENARIO_BIND_TASKS_H_
#define SHOOTDOWN_FUZZ_SCENARIO_BIND_TASKS_H_

#include <optional>
#include <vector>

#include "fuzz/scenario/simulation.h"

namespace shootdown {

struct BoundTasks {
  std::vector<kernel::BootTask> tasks;
  int process_count = 0;
};

// Nullopt, and `problem` filled in, if one of them cannot be. Objects that operations name are made
// in `kernel`.
[[nodiscard]] std::optional<BoundTasks> BindTasks(const Scenario& scenario, kernel::Kernel& kernel,
                                                  ScenarioProblem* problem);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCENARIO_BIND_TASKS_H_
