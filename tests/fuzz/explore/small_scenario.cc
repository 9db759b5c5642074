#include "tests/fuzz/explore/small_scenario.h"

#include <cstddef>

#include "fuzz/base/content_hash.h"
#include "fuzz/base/prng.h"
#include "fuzz/kernel/version.h"
#include "fuzz/scenario/generate.h"

namespace shootdown::explore {

std::unique_ptr<Simulation> SmallScenario(std::uint64_t seed, sim::MemoryModel model) {
  Prng prng(seed);
  Scenario scenario = GenerateScenario(seed);
  scenario.machine.memory_model = model;
  scenario.machine.cpu_count = 2;
  scenario.machine.tlb_sharing = 1;
  if (scenario.tasks.size() > 3) scenario.tasks.resize(3);
  for (TaskSpec& task : scenario.tasks) {
    task.cpu %= 2;
    if (task.ops.size() > 1) task.ops.resize(1 + prng.Below(2));
  }
  const auto switches = kernel::VersionSwitch::All();
  const auto* const wrong = switches[prng.Below(static_cast<std::uint32_t>(switches.size()))];
  scenario.version = {{std::string(wrong->name()), std::string(wrong->values().back())}};
  for (;;) {
    ScenarioProblem problem;
    if (auto simulation = Simulation::Build(scenario, &problem)) return simulation;
    using Part = ScenarioProblem::Part;
    const auto drop = [&problem](auto& from) {
      from.erase(from.begin() + static_cast<std::ptrdiff_t>(problem.entry));
    };
    if (problem.part == Part::kVersion) {
      drop(scenario.version);
    } else if (problem.part == Part::kSetup) {
      drop(scenario.tasks[problem.task].setup);
    } else if (problem.part == Part::kOp) {
      drop(scenario.tasks[problem.task].ops);
    } else {
      return nullptr;
    }
  }
}

std::string EndOf(const sim::Machine& machine, const sim::Violation* violation) {
  const auto memory = machine.GuestMemory();
  return violation != nullptr ? violation->check : ToHex(HashBytes({memory.data(), memory.size()}));
}

}  // namespace shootdown::explore
