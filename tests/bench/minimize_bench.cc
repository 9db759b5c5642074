// How long minimizing takes: minimize_bench SCENARIO SEED_COUNT
//
// For each seed, the fuzzer's own mutations look for a finding from nothing, without libFuzzer;
// then MinimizeSchedule is timed on it, and MinimizeScenario, which does the same and goes on with the
// scenario. One line a seed, with tabs between, below a line of names.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <vector>

#include "fuzz/engine/minimizer.h"
#include "fuzz/engine/mutator.h"
#include "fuzz/engine/scenario_minimizer.h"
#include "fuzz/engine/target.h"
#include "tests/bench/bench_scenarios.h"

namespace shootdown {
namespace {

constexpr std::uint64_t kRunCountMax = 2'000'000;
constexpr int kTimings = 3;  // minimizing is deterministic, so the middle one is free of hiccups

std::optional<Target::Found> FirstFinding(Simulation& simulation, std::uint64_t seed) {
  Prng prng(seed);
  std::optional<Target::Found> first;
  Target target(simulation);
  target.OnFound([&first](const Target::Found& found) { first = found; });
  std::vector<Schedule> kept = {Schedule()};
  (void)target.Run(kept.front());
  while (!first.has_value() && target.run_count() < kRunCountMax) {
    const Schedule& parent = kept[prng.Below(static_cast<std::uint32_t>(kept.size()))];
    target.EnsureLastRun(parent);
    Schedule child = Mutate(target.machine(), prng);
    if (target.Run(child) != 0) kept.push_back(std::move(child));
  }
  return first;
}

double MedianMs(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  std::array<double, kTimings> ms{};
  for (double& one : ms) {
    const Clock::time_point start = Clock::now();
    work();
    one = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }
  std::ranges::sort(ms);
  return ms[kTimings / 2];
}

void Measure(const Scenario& scenario, std::uint64_t seed_count) {
  std::unique_ptr<Simulation> simulation = BuildOrExit(scenario);
  std::printf(
      "seed\tfound_at_run\tdecisions\tminimized_decisions\tminimize_runs\tminimize_ms\t"
      "operations\tminimized_operations\tscenario_runs\tscenario_ms\n");
  for (std::uint64_t seed = 1; seed <= seed_count; ++seed) {
    const std::optional<Target::Found> found = FirstFinding(*simulation, seed);
    if (!found.has_value()) continue;  // the reader counts lines
    Minimized minimized;
    const double ms = MedianMs([&] {
      minimized = MinimizeSchedule(*simulation, found->exact, found->kind_key);
    });
    Minimized small;
    std::size_t operations = 0;
    const double scenario_ms = MedianMs([&] {
      MinimizedScenario result =
          MinimizeScenario(std::move(simulation), found->exact, found->kind_key);
      small = std::move(result.minimized);
      operations = OperationCount(result.simulation->scenario());
      result.simulation.reset();  // one lives at a time
      simulation = BuildOrExit(scenario);
    });
    std::printf("%llu\t%llu\t%zu\t%zu\t%llu\t%.3f\t%zu\t%zu\t%llu\t%.3f\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(found->run),
                found->exact.size(), small.schedule.size(),
                static_cast<unsigned long long>(minimized.run_count), ms,
                OperationCount(scenario), operations,
                static_cast<unsigned long long>(small.run_count), scenario_ms);
  }
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  const std::int64_t seed_count = argc == 3 ? std::strtol(argv[2], nullptr, 10) : 0;
  if (seed_count <= 0) {
    std::fprintf(stderr, "usage: minimize_bench SCENARIO SEED_COUNT\n");
    return 2;
  }
  shootdown::Measure(shootdown::CorpusScenario(argv[1]), static_cast<std::uint64_t>(seed_count));
  return 0;
}
