#include "fuzz/scenario/simulation.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "fuzz/base/check.h"
#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/mm.h"
#include "fuzz/kernel/version.h"
#include "fuzz/scenario/bind_tasks.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

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
  if (!simulation->ChooseVersions(problem)) return nullptr;
  std::optional<BoundTasks> bound = BindTasks(scenario, simulation->kernel_, problem);
  if (!bound.has_value()) return nullptr;
  simulation->kernel_.Boot(std::move(bound->tasks), bound->process_count);
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

std::string Simulation::SetVersion(const VersionChoice& choice) const {
  VersionSwitch* const found = VersionSwitch::Find(choice.name);
  if (found == nullptr) {
    return "found switch \"" + choice.name + "\", wanted one that `shootdown scenarios --ops` lists";
  }
  // It would change nothing.
  const auto archs = kernel::ArchsOfArea(std::string_view(choice.name).substr(0, choice.name.find('.')));
  if (!archs.empty() && std::ranges::find(archs, scenario_.arch) == archs.end()) {
    return "found switch \"" + choice.name + "\", which is one of " + Listed(archs) +
           ", wanted one that changes " + scenario_.arch;
  }
  if (!found->Set(choice.value)) {
    return "found \"" + choice.value + "\", wanted for " + choice.name + " one of " + Listed(found->values());
  }
  return "";
}

std::string Simulation::WhatVersionLacks(const VersionChoice& choice) const {
  const VersionSwitch& chosen = *VersionSwitch::Find(choice.name);
  if (chosen.value() == 0) return "";
  if (const std::string needs(chosen.needs()); !needs.empty()) {
    const std::string now = VersionSwitch::Find(needs.substr(0, needs.find(' ')))->ToText();
    if (now != needs) return "found \"" + chosen.ToText() + "\" with \"" + now + "\", wanted \"" + needs + "\"";
  }
  if (!kernel::LazyTlbRefcounted() && !kernel_.arch->shoots_lazies && choice.name == "mm.lazy_tlb") {
    return "found \"" + chosen.ToText() + "\" on " + scenario_.arch +
           ", wanted an arch whose mm_cpumask names all that borrow an mm: powerpc64";
  }
  return "";
}

bool Simulation::ChooseVersions(ScenarioProblem* problem) {
  for (VersionSwitch* s : VersionSwitch::All()) s->Reset();
  // What a value needs may be chosen after it.
  for (const auto wrong_with : {&Simulation::SetVersion, &Simulation::WhatVersionLacks}) {
    for (std::size_t i = 0; i < scenario_.version.size(); ++i) {
      std::string wrong = (this->*wrong_with)(scenario_.version[i]);
      if (wrong.empty()) continue;
      *problem = {.part = Part::kVersion, .entry = i, .message = std::move(wrong)};
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
                  .message = "found \"" + scenario_.expected +
                             "\", which is off in this scenario, wanted a check that judges"};
      return false;
    }
  }
  kernel_.judges().Clear();
  for (const check::Check* c : check::AllChecks()) {
    if (!on[c->name]) continue;
    c->listen(kernel_.judges());
    checks_.push_back(c);
  }
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
                .at_end = finding->at_end,
                .role = finding->role};
  return &violation_;
}

}  // namespace shootdown
