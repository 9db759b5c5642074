// How fast a scenario runs under the empty schedule, with every check judging: the seed scenario,
// the same with more CPUs, and scenarios with more and more operations.
//
// A step is a row of the log. Times are of this process's CPU, so that a busy neighbour costs little.
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

void DefaultOrder(benchmark::State& state, const Scenario& scenario) {
  const std::unique_ptr<Simulation> simulation = BuildOrExit(scenario);
  const Schedule empty;
  ScheduleScheduler scheduler(empty);
  // A finding ends a run early, and then this would measure something else.
  if (const check::Finding* const finding = simulation->Run(scheduler); finding != nullptr) {
    const std::string reason = "not clean: " + finding->message;
    state.SkipWithError(reason.c_str());
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(simulation->Run(scheduler));
  SetCounters(state, simulation->machine(), simulation->machine().arena().used_bytes());
}

// The same run as the fuzzer makes it: with its features looked up.
void DefaultOrderWithFeatures(benchmark::State& state, const Scenario& scenario) {
  const std::unique_ptr<Simulation> simulation = BuildOrExit(scenario);
  Target target(*simulation);
  const Schedule empty;
  for (auto _ : state) benchmark::DoNotOptimize(target.Run(empty));
  SetCounters(state, simulation->machine(), simulation->machine().arena().used_bytes());
}

void RegisterAll() {
  using benchmark::RegisterBenchmark;
  const Scenario seed = WithAllChecks(CorpusScenario("seed-stale-hit"));
  RegisterBenchmark("seed", [seed](benchmark::State& state) { DefaultOrder(state, seed); });
  RegisterBenchmark("seed_with_features",
                    [seed](benchmark::State& state) { DefaultOrderWithFeatures(state, seed); });
  for (const int count : kCpuCounts) {
    Scenario wider = seed;  // the CPUs beyond the seed's idle
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
