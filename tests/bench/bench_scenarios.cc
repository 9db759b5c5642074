#include "tests/bench/bench_scenarios.h"

#include <cstdio>
#include <cstdlib>

#include "proto/scenario_text.h"

namespace shootdown {

Scenario CorpusScenario(const std::string& name) {
  const char* const folder = std::getenv("SHOOTDOWN_CORPUS");
  const std::string path =
      std::string(folder != nullptr ? folder : "corpus") + "/" + name + ".textproto";
  absl::StatusOr<Scenario> scenario = ReadScenarioFile(path);
  if (scenario.ok()) return *std::move(scenario);
  std::fprintf(stderr, "%s\n", std::string(scenario.status().message()).c_str());
  std::exit(1);
}

Scenario WithAllChecks(Scenario scenario) {
  scenario.checks_on.clear();
  for (const check::Check* c : check::AllChecks()) {
    if (!c->on_by_default) scenario.checks_on.emplace_back(c->name);
  }
  scenario.checks_off.clear();
  scenario.expected = "clean";
  return scenario;
}

Scenario RepeatedOperations(int count) {
  Scenario scenario;
  scenario.name = "repeated-operations";
  scenario.version = {{.name = "sparc64.flush", .value = "no_trim"}};
  TaskSpec app;
  app.name = "app";
  for (int i = 0; i < count; ++i) {
    for (const char* const op : {"mmap A", "touch A", "munmap A"}) {
      app.ops.push_back(Operation{op});
    }
  }
  scenario.tasks = {app};
  return WithAllChecks(std::move(scenario));
}

std::unique_ptr<Simulation> BuildOrExit(const Scenario& scenario) {
  ScenarioProblem problem;
  std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
  if (simulation != nullptr) return simulation;
  std::fprintf(stderr, "%s: %s\n", scenario.name.c_str(), problem.message.c_str());
  std::exit(1);
}

}  // namespace shootdown
