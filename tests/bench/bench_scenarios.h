// The scenarios that the benchmarks run. A scenario that cannot be read or built ends the program
// with status 1 and the reason.
#ifndef SHOOTDOWN_TESTS_BENCH_BENCH_SCENARIOS_H_
#define SHOOTDOWN_TESTS_BENCH_BENCH_SCENARIOS_H_

#include <memory>
#include <string>

#include "fuzz/scenario/scenario.h"
#include "fuzz/scenario/simulation.h"

namespace shootdown {

// corpus/NAME.textproto, in the folder $SHOOTDOWN_CORPUS, or ./corpus.
[[nodiscard]] Scenario CorpusScenario(const std::string& name);

// `scenario` with every check judging, also those that are off by default, and no finding expected.
[[nodiscard]] Scenario WithAllChecks(Scenario scenario);

// One process on CPU 0 of 2 that maps, touches and unmaps a page `count` times; every check judges.
[[nodiscard]] Scenario RepeatedOperations(int count);

[[nodiscard]] std::unique_ptr<Simulation> BuildOrExit(const Scenario& scenario);

}  // namespace shootdown

#endif  // SHOOTDOWN_TESTS_BENCH_BENCH_SCENARIOS_H_
