#include "fuzz/scenario/simulation.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "fuzz/base/check.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/ops.h"
#include "fuzz/kernel/version.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

using kernel::ArgKind;
using kernel::VersionSwitch;
using Part = ScenarioProblem::Part;

template <class Items>
std::string Listed(const Items& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + std::string(item);
  return text;
}

std::string ArchNames() {
  std::vector<std::string_view> names;
  for (const kernel::Arch* arch : kernel::AllArchs()) names.push_back(arch->name);
  return Listed(names);
}

// Its name among the scenario's processes.
std::string ProcessOf(const TaskSpec& spec) {
  return spec.process.empty() ? "task " + spec.name : spec.process;
}

std::string CheckNames() {
  std::string text;
  for (const check::Check* c : check::AllChecks()) {
    text += (text.empty() ? "" : ", ") + std::string(c->name);
  }
  return text;
}

Simulation* the_simulation = nullptr;

// The context of a failed check. A run is on the way, or has just ended; what it did so far makes it again.
void PrintLastRun() {
  const sim::Machine& machine = the_simulation->machine();
  std::fprintf(stderr, "while running scenario %s, step %zu, schedule \"%s\"\n",
               the_simulation->scenario().name.c_str(), machine.log().size(),
               ExactSchedule(machine.moves_made()).ToText().c_str());
}

}  // namespace

Simulation::Simulation(const Scenario& scenario, const kernel::Arch& arch)
    : scenario_(scenario), machine_(scenario.machine), kernel_(machine_, arch) {
  the_simulation = this;
  SetCheckContext(&PrintLastRun);
}

Simulation::~Simulation() {
  SetCheckContext(nullptr);
  the_simulation = nullptr;
}

std::unique_ptr<Simulation> Simulation::Build(const Scenario& scenario, ScenarioProblem* problem) {
  const kernel::Arch* const arch = kernel::FindArch(scenario.arch);
  if (arch == nullptr) {
    *problem = {.part = Part::kArch,
                .message = "found arch \"" + scenario.arch + "\", wanted one of " + ArchNames()};
    return nullptr;
  }
  std::unique_ptr<Simulation> simulation(new Simulation(scenario, *arch));
  if (!simulation->ChooseVersions(problem) || !simulation->BootTasks(problem)) return nullptr;
  // Setup is judged too: a scenario whose setup breaks a rule shows nothing about its operations.
  if (!simulation->ChooseChecks(problem)) return nullptr;
  check::ClearFinding();
  const Schedule empty;
  ScheduleScheduler default_order(empty);
  if (!simulation->kernel_.Setup(default_order)) {
    *problem = {.message = simulation->WhatSetupDid()};
    return nullptr;
  }
  return simulation;
}

std::string Simulation::WhatSetupDid() const {
  if (const check::Finding& finding = check::LastFinding(); finding.check != nullptr) {
    return "the setup breaks " + std::string(finding.check->name) + ": " + finding.message;
  }
  std::vector<std::string> stuck;
  for (int t = 0; t < kernel_.task_count; ++t) {
    if (kernel_.tasks[t].setup_done == 0) stuck.push_back(check::NameOf(&kernel_.tasks[t]));
  }
  const std::string waits = machine_.DescribeWaits();
  return "the setup does not come to its end in " + Listed(stuck) + (waits.empty() ? "" : ": " + waits);
}

bool Simulation::ChooseVersions(ScenarioProblem* problem) {
  for (VersionSwitch* s : VersionSwitch::All()) s->Reset();
  for (std::size_t i = 0; i < scenario_.version.size(); ++i) {
    const VersionChoice& choice = scenario_.version[i];
    VersionSwitch* const found = VersionSwitch::Find(choice.name);
    if (found == nullptr) {
      *problem = {.part = Part::kVersion,
                  .entry = i,
                  .message = "found switch \"" + choice.name +
                             "\", wanted one that `shootdown scenarios --ops` lists"};
      return false;
    }
    // It would change nothing.
    const std::string area = choice.name.substr(0, choice.name.find('.'));
    if (area != scenario_.arch && kernel::FindArch(area) != nullptr) {
      *problem = {.part = Part::kVersion,
                  .entry = i,
                  .message = "found switch \"" + choice.name + "\", which is one of " + area +
                             ", wanted one that changes " + scenario_.arch};
      return false;
    }
    if (!found->Set(choice.value)) {
      *problem = {.part = Part::kVersion,
                  .entry = i,
                  .message = "found \"" + choice.value + "\", wanted for " + choice.name +
                             " one of " + Listed(found->values())};
      return false;
    }
  }
  return true;
}

bool Simulation::ChooseChecks(ScenarioProblem* problem) {
  std::map<std::string_view, bool> on;
  const auto judges = [this](const check::Check* c) {
    return c->arch.empty() || c->arch == scenario_.arch;
  };
  for (const check::Check* c : check::AllChecks()) on[c->name] = c->on_by_default && judges(c);
  const auto turn = [&](const std::vector<std::string>& names, bool value, Part part) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto found = on.find(names[i]);
      if (found == on.end()) {
        *problem = {.part = part,
                    .entry = i,
                    .message = "found check \"" + names[i] + "\", wanted one of " + CheckNames()};
        return false;
      }
      if (const check::Check* const c = check::FindCheck(names[i]); value && !judges(c)) {
        *problem = {.part = part,
                    .entry = i,
                    .message = "found check \"" + names[i] + "\", which judges " +
                               std::string(c->arch) + " alone, wanted one that judges " +
                               scenario_.arch};
        return false;
      }
      found->second = value;
    }
    return true;
  };
  if (!turn(scenario_.checks_on, true, Part::kCheckOn)) return false;
  if (!turn(scenario_.checks_off, false, Part::kCheckOff)) return false;
  if (scenario_.expected != "clean") {
    const auto found = on.find(scenario_.expected);
    if (found == on.end()) {
      *problem = {.part = Part::kExpected,
                  .message = "found check \"" + scenario_.expected + "\", wanted one of " +
                             CheckNames()};
      return false;
    }
    if (!found->second) {
      *problem = {.part = Part::kExpected,
                  .message = "found \"" + scenario_.expected + "\", which is off in this scenario, wanted a check that judges"};
      return false;
    }
  }
  kernel_.judges().Clear();
  for (const check::Check* c : check::AllChecks()) {
    if (on[c->name]) c->listen(kernel_.judges());
  }
  return true;
}

std::string Simulation::ProblemOfProcesses(int count) const {
  constexpr int kProcessCountMax = kernel::kMmCountMax - 1;
  if (count > kProcessCountMax) {
    return "found process number " + std::to_string(count) + ", wanted at most " +
           std::to_string(kProcessCountMax);
  }
  // Numbers of loaded processes survive a wrap. If those are all that there are, a CPU that needs one
  // more wraps for ever: hardware has 8,192 numbers and fewer CPUs than that.
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

bool Simulation::BootTasks(ScenarioProblem* problem) {
  std::map<std::string, int> processes;
  std::map<std::string_view, int> numbers;
  for (std::size_t t = 0; t < scenario_.tasks.size(); ++t) {
    numbers[scenario_.tasks[t].name] = static_cast<int>(t);
  }
  std::set<std::string, std::less<>> of_tasks;
  for (const TaskSpec& spec : scenario_.tasks) {
    if (!spec.kthread) of_tasks.insert(ProcessOf(spec));
  }
  const auto new_process = [&](std::string_view name) {
    if (of_tasks.contains(name)) return -1;
    const int number =
        processes.try_emplace(std::string(name), static_cast<int>(processes.size())).first->second;
    return ProblemOfProcesses(number + 1).empty() ? number : -1;
  };
  std::vector<kernel::BootTask> boot;
  std::set<std::uint64_t> cloned;
  for (std::size_t t = 0; t < scenario_.tasks.size(); ++t) {
    const TaskSpec& spec = scenario_.tasks[t];
    kernel::BootTask task{.name = spec.name, .cpu = spec.cpu};
    if (!spec.kthread) {
      task.process =
          processes.try_emplace(ProcessOf(spec), static_cast<int>(processes.size())).first->second;
      if (std::string wrong = ProblemOfProcesses(task.process + 1); !wrong.empty()) {
        *problem = {.part = Part::kTask, .task = t, .message = std::move(wrong)};
        return false;
      }
    }
    const kernel::BindContext context{.kernel = kernel_,
                                      .kthread = spec.kthread,
                                      .cpu_count = scenario_.machine.cpu_count,
                                      .task_number = [&](std::string_view name) {
                                        const auto found = numbers.find(name);
                                        return found == numbers.end() ? -1 : found->second;
                                      },
                                      .new_process = new_process};
    const auto bind = [&](const std::vector<Operation>& from, std::vector<kernel::BoundOp>& to,
                          Part part) {
      for (std::size_t i = 0; i < from.size(); ++i) {
        kernel::BoundOp bound;
        std::string wrong = kernel::BindOp(from[i].text, context, &bound);
        if (!wrong.empty()) {
          *problem = {.part = part, .task = t, .entry = i, .message = std::move(wrong)};
          return false;
        }
        if (bound.spec->use == kernel::OpUse::kStarts) cloned.insert(bound.args[0]);
        to.push_back(bound);
      }
      return true;
    };
    if (!bind(spec.setup, task.setup, Part::kSetup) || !bind(spec.ops, task.ops, Part::kOp)) {
      return false;
    }
    boot.push_back(std::move(task));
  }
  for (const std::uint64_t t : cloned) {
    kernel::BootTask& task = boot[t];
    if (task.process < 0 || !task.setup.empty()) {
      *problem = {.part = Part::kTask,
                  .task = t,
                  .message = "task \"" + task.name + "\" is started by clone: found " +
                             (task.process < 0 ? "a kernel thread" : "setup operations") +
                             ", wanted a user task without setup"};
      return false;
    }
    task.starts_asleep = true;
  }
  kernel_.Boot(std::move(boot), static_cast<int>(processes.size()));
  return true;
}

const check::Finding* Simulation::Run(sim::Scheduler& scheduler) {
  check::ClearFinding();
  if (machine_.Run(scheduler) == sim::RunEnd::kBudget) {
    kernel::Tell({.kind = kernel::EventKind::kLivelock});
  }
  return check::LastFinding().check != nullptr ? &check::LastFinding() : nullptr;
}

const sim::Violation* Simulation::RunOnce(sim::Scheduler& scheduler) {
  const check::Finding* const finding = Run(scheduler);
  if (finding == nullptr) return nullptr;
  violation_ = {.check = std::string(finding->check->name),
                .message = finding->message,
                .row = finding->row,
                .role = finding->role};
  return &violation_;
}

}  // namespace shootdown
