// How fast a scenario runs under the empty schedule, with every check judging: the seed scenario,
// the same with more CPUs, and scenarios with more and more operations.
//
// A step is a row of the log. Times are of this process's CPU, so that a busy neighbour costs
// little.
#include <benchmark/benchmark.h>

#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/bench/bench_scenarios.h"

namespace shootdown {
namespace {

constexpr int kCpuCounts[] = {2, 4, 8, 16, 64};
constexpr int kOperationCounts[] = {1, 2, 4, 8, 16};

// What all benchmarks report beside the time.
void SetCounters(benchmark::State& state, const sim::Machine& machine, std::size_t snapshot_bytes) {
  const auto steps = static_cast<double>(machine.log().size());
  const auto runs = static_cast<double>(state.iterations());
  using benchmark::Counter;
  state.counters["steps"] = steps;
  state.counters["snapshot_bytes"] = static_cast<double>(snapshot_bytes);
  state.counters["runs/s"] = Counter(runs, Counter::kIsRate);
  state.counters["s/step"] = Counter(runs * steps, Counter::kIsRate | Counter::kInvert);
}

// A finding ends a run early, and then a benchmark would measure something else.
bool IsClean(benchmark::State& state, Simulation& simulation) {
  const Schedule empty;
  ScheduleScheduler scheduler(empty);
  const check::Finding* const finding = simulation.Run(scheduler);
  if (finding == nullptr) return true;
  const std::string reason = "the run is not clean: " + finding->message;
  state.SkipWithError(reason.c_str());
  return false;
}

void DefaultOrder(benchmark::State& state, const Scenario& scenario) {
  const std::unique_ptr<Simulation> simulation = BuildOrExit(scenario);
  if (!IsClean(state, *simulation)) return;
  const Schedule empty;
  ScheduleScheduler scheduler(empty);
  for (auto _ : state) benchmark::DoNotOptimize(simulation->Run(scheduler));
  SetCounters(state, simulation->machine(), simulation->machine().arena().used_bytes());
}

// The same run as the fuzzer makes it: with its features looked up.
void DefaultOrderWithFeatures(benchmark::State& state, const Scenario& scenario) {
  const std::unique_ptr<Simulation> simulation = BuildOrExit(scenario);
  if (!IsClean(state, *simulation)) return;
  Target target(*simulation);
  const Schedule empty;
  for (auto _ : state) benchmark::DoNotOptimize(target.Run(empty));
  SetCounters(state, simulation->machine(), simulation->machine().arena().used_bytes());
}

void RegisterAll() {
  using benchmark::RegisterBenchmark;
  // The kernel of the seed breaks one check in every run, by its very way to trim, and a finding
  // ends the run. So all checks judge the fixed kernel, and all but that one the kernel as it was.
  const Scenario fixed = WithAllChecks(CorpusScenario("seed-stale-hit-fixed"));
  Scenario seed = WithAllChecks(CorpusScenario("seed-stale-hit"));
  std::erase(seed.checks_on, check::kCpumaskForeignClear.name);
  RegisterBenchmark("fixed", [fixed](benchmark::State& state) { DefaultOrder(state, fixed); });
  RegisterBenchmark("fixed_with_features",
                    [fixed](benchmark::State& state) { DefaultOrderWithFeatures(state, fixed); });
  RegisterBenchmark("seed", [seed](benchmark::State& state) { DefaultOrder(state, seed); });
  for (const int count : kCpuCounts) {
    Scenario wider = fixed;  // the CPUs beyond its two idle
    wider.machine.cpu_count = count;
    const std::string name = "cpus/" + std::to_string(count);
    RegisterBenchmark(name.c_str(),
                      [wider](benchmark::State& state) { DefaultOrder(state, wider); });
  }
  for (const int count : kOperationCounts) {
    const Scenario longer = RepeatedOperations(count);
    const std::string name = "operations/" + std::to_string(count);
    RegisterBenchmark(name.c_str(),
                      [longer](benchmark::State& state) { DefaultOrder(state, longer); });
  }
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  shootdown::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
