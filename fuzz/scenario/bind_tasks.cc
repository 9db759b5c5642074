#include "fuzz/scenario/bind_tasks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/ops.h"

namespace shootdown {
namespace {

using Part = ScenarioProblem::Part;

// Its name among the scenario's processes.
std::string ProcessOf(const TaskSpec& spec) {
  return spec.process.empty() ? "task " + spec.name : spec.process;
}

class TaskBinder {
 public:
  TaskBinder(const Scenario& scenario, kernel::Kernel& kernel, ScenarioProblem* problem)
      : scenario_(scenario), kernel_(kernel), problem_(problem) {
    for (std::size_t t = 0; t < scenario_.tasks.size(); ++t) {
      const TaskSpec& spec = scenario_.tasks[t];
      numbers_[spec.name] = static_cast<int>(t);
      if (!spec.kthread) of_tasks_.insert(ProcessOf(spec));
    }
  }

  std::optional<BoundTasks> Bind() {
    for (std::size_t t = 0; t < scenario_.tasks.size(); ++t) {
      if (!BindTask(t)) return std::nullopt;
    }
    if (!MarkCloned()) return std::nullopt;
    bound_.process_count = static_cast<int>(processes_.size());
    return std::move(bound_);
  }

 private:
  bool BindTask(std::size_t t) {
    const TaskSpec& spec = scenario_.tasks[t];
    kernel::BootTask task{.name = spec.name, .cpu = spec.cpu};
    if (!spec.kthread) {
      task.process = NumberOfProcess(ProcessOf(spec));
      std::string wrong = ProblemOfProcesses(task.process + 1);
      if (wrong.empty()) wrong = ProblemOfName(spec);
      if (!wrong.empty()) {
        return Wrong({.part = Part::kTask, .task = t, .message = std::move(wrong)});
      }
    }
    if (!BindOps(t, spec.setup, Part::kSetup, &task.setup)) return false;
    if (!BindOps(t, spec.ops, Part::kOp, &task.ops)) return false;
    bound_.tasks.push_back(std::move(task));
    return true;
  }

  bool BindOps(std::size_t t, const std::vector<Operation>& from, Part part,
               std::vector<kernel::BoundOp>* to) {
    const kernel::BindContext context{
        .kernel = kernel_,
        .kthread = scenario_.tasks[t].kthread,
        .in_setup = part == Part::kSetup,
        .cpu_count = scenario_.machine.cpu_count,
        .task_number = [this](std::string_view name) { return NumberOfTask(name); },
        .new_process = [this](std::string_view name) { return NumberOfNewProcess(name); }};
    for (std::size_t i = 0; i < from.size(); ++i) {
      kernel::BoundOp bound;
      std::string wrong = kernel::BindOp(from[i].text, context, &bound);
      if (wrong.empty() && bound.spec->use == kernel::OpUse::kStarts) {
        cloned_.insert(bound.args[0]);
        if (bound.args[0] == t) {
          wrong =
              "found \"" + scenario_.tasks[t].name + "\", which this starts, wanted another task";
        }
      }
      if (!wrong.empty()) {
        return Wrong({.part = part, .task = t, .entry = i, .message = std::move(wrong)});
      }
      to->push_back(bound);
    }
    return true;
  }

  // Those do not exist before.
  bool MarkCloned() {
    for (const std::uint64_t t : cloned_) {
      kernel::BootTask& task = bound_.tasks[t];
      if (task.process < 0 || !task.setup.empty()) {
        return Wrong({.part = Part::kTask,
                      .task = t,
                      .message = "task \"" + task.name + "\" is started by clone: found " +
                                 (task.process < 0 ? "a kernel thread" : "setup operations") +
                                 ", wanted a user task without setup"});
      }
      task.starts_asleep = true;
    }
    return true;
  }

  int NumberOfProcess(const std::string& name) {
    return processes_.try_emplace(name, static_cast<int>(processes_.size())).first->second;
  }

  // For exec. -1: a task's own, or one too many.
  int NumberOfNewProcess(std::string_view name) {
    if (of_tasks_.contains(name)) return -1;
    const int number = NumberOfProcess(std::string(name));
    return ProblemOfProcesses(number + 1).empty() ? number : -1;
  }

  [[nodiscard]] int NumberOfTask(std::string_view name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? -1 : found->second;
  }

  // Empty: none. Who names a task where a process is wanted would get an mm of its own, in which nothing is mapped.
  [[nodiscard]] std::string ProblemOfName(const TaskSpec& spec) const {
    const auto named = std::ranges::find(scenario_.tasks, spec.process, &TaskSpec::name);
    if (spec.process.empty() || named == scenario_.tasks.end() || named->kthread ||
        named->process == spec.process) {
      return "";
    }
    return "found process \"" + spec.process + "\", which is the name of a task of another process, wanted " +
           "that task in it too (process: \"" + spec.process + "\"), or another name";
  }

  // Empty: so many can be had.
  [[nodiscard]] std::string ProblemOfProcesses(int count) const {
    constexpr int kProcessCountMax = kernel::kMmCountMax - 1;
    if (count > kProcessCountMax) {
      return "found process number " + std::to_string(count) + ", wanted at most " +
             std::to_string(kProcessCountMax);
    }
    // Numbers of loaded processes survive a wrap. If those are all that there are, a CPU that needs
    // one more wraps for ever: hardware has 8,192 numbers and fewer CPUs than that.
    const sim::MachineConfig& machine = scenario_.machine;
    const int usable = machine.context_count - 1;
    if (std::min(count, machine.cpu_count + kernel_.arch->spare_contexts) > usable) {
      return "found process number " + std::to_string(count) + " on " +
             std::to_string(machine.cpu_count) + " CPUs, wanted at most " + std::to_string(usable) +
             " processes or CPUs: a context_count of " + std::to_string(machine.context_count) +
             " has a number for that many loaded at once";
    }
    return "";
  }

  bool Wrong(ScenarioProblem problem) {
    *problem_ = std::move(problem);
    return false;
  }

  const Scenario& scenario_;
  kernel::Kernel& kernel_;
  ScenarioProblem* const problem_;
  std::map<std::string_view, int> numbers_;      // of tasks
  std::map<std::string, int> processes_;         // in the order in which they are met
  std::set<std::string, std::less<>> of_tasks_;  // processes that a task is of
  std::set<std::uint64_t> cloned_;               // tasks that others start
  BoundTasks bound_;
};

}  // namespace

std::optional<BoundTasks> BindTasks(const Scenario& scenario, kernel::Kernel& kernel,
                                    ScenarioProblem* problem) {
  return TaskBinder(scenario, kernel, problem).Bind();
}

}  // namespace shootdown
