// How long minimizing takes: minimize_bench SCENARIO SEED_COUNT
//
// For each seed, the fuzzer's own mutations look for a finding from nothing, without libFuzzer;
// then MinimizeSchedule is timed on it. One line a seed, with tabs between, below a line of names.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "fuzz/engine/minimizer.h"
#include "fuzz/engine/mutator.h"
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

double MinimizeMs(Simulation& simulation, const Target::Found& found, Minimized* minimized) {
  using Clock = std::chrono::steady_clock;
  std::array<double, kTimings> ms{};
  for (double& one : ms) {
    const Clock::time_point start = Clock::now();
    *minimized = MinimizeSchedule(simulation, found.exact, found.kind_key);
    one = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }
  std::sort(ms.begin(), ms.end());
  return ms[kTimings / 2];
}

void Measure(const Scenario& scenario, std::uint64_t seed_count) {
  const std::unique_ptr<Simulation> simulation = BuildOrExit(scenario);
  std::printf("seed\tfound_at_run\tdecisions\tminimized_decisions\tminimize_runs\tminimize_ms\n");
  for (std::uint64_t seed = 1; seed <= seed_count; ++seed) {
    const std::optional<Target::Found> found = FirstFinding(*simulation, seed);
    if (!found.has_value()) continue;  // the reader counts lines
    Minimized minimized;
    const double ms = MinimizeMs(*simulation, *found, &minimized);
    std::printf("%llu\t%llu\t%zu\t%zu\t%llu\t%.3f\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(found->run), found->exact.size(),
                minimized.schedule.size(), static_cast<unsigned long long>(minimized.run_count),
                ms);
  }
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  const long seed_count = argc == 3 ? std::strtol(argv[2], nullptr, 10) : 0;
  if (seed_count <= 0) {
    std::fprintf(stderr, "usage: minimize_bench SCENARIO SEED_COUNT\n");
    return 2;
  }
  shootdown::Measure(shootdown::CorpusScenario(argv[1]), static_cast<std::uint64_t>(seed_count));
  return 0;
}
