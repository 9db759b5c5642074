// Random scenarios under random schedules, without end: what the model's own mistakes show up in.
//
//   silent FIRST COUNT SCHEDULES     seeds FIRST .. FIRST + COUNT - 1, so many schedules each
//
// Prints each scenario that is not clean, as a file for `shootdown fuzz`, and how often each operation was
// drawn. Exit status 1 if there was one.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "fuzz/base/prng.h"
#include "fuzz/engine/mutator.h"
#include "fuzz/engine/target.h"
#include "fuzz/scenario/generate.h"
#include "fuzz/scenario/simulation.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

// Mutates schedules that had news, as libFuzzer does; ends at the first finding.
bool StaysClean(Simulation& simulation, std::uint64_t seed, std::uint64_t schedules) {
  bool clean = true;
  Target target(simulation);
  target.OnFound([&](const Target::Found& found) {
    clean = false;
    std::printf("# %s: %s\n# schedule: %s\n", found.kind_key.c_str(),
                check::LastFinding().message.c_str(), found.exact.ToText().c_str());
  });
  Prng prng(seed);
  std::vector<Schedule> kept = {Schedule()};
  (void)target.Run(kept[0]);
  while (clean && target.run_count() < schedules) {
    const Schedule& parent = kept[prng.Below(static_cast<std::uint32_t>(kept.size()))];
    target.EnsureLastRun(parent);
    const Schedule child = Mutate(target.machine(), prng);
    if (target.Run(child) != 0) kept.push_back(child);
  }
  return clean;
}

int Run(std::uint64_t first, std::uint64_t count, std::uint64_t schedules) {
  std::map<std::string, std::uint64_t> drawn;
  std::uint64_t bad = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Scenario scenario = GenerateScenario(seed);
    for (const TaskSpec& task : scenario.tasks) {
      for (const Operation& op : task.ops) ++drawn[op.text.substr(0, op.text.find(' '))];
    }
    ScenarioProblem problem;
    const std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
    const bool clean = simulation != nullptr && StaysClean(*simulation, seed, schedules);
    if (simulation == nullptr) std::printf("# cannot be built: %s\n", problem.message.c_str());
    if (!clean) std::printf("%s\n", PrintScenario(scenario).c_str());
    bad += clean ? 0 : 1;
  }
  std::printf("%llu scenarios from seed %llu, %llu schedules each: %llu not clean\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(schedules), static_cast<unsigned long long>(bad));
  for (const auto& [op, times] : drawn) {
    std::printf("  %-24s %llu\n", op.c_str(), static_cast<unsigned long long>(times));
  }
  return bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: silent FIRST COUNT SCHEDULES\n");
    return 2;
  }
  return shootdown::Run(std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10),
                        std::strtoull(argv[3], nullptr, 10));
}
