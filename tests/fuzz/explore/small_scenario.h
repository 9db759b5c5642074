// Random small kernel scenarios, and what their runs come to.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_SMALL_SCENARIO_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_SMALL_SCENARIO_H_

#include <cstdint>
#include <memory>
#include <string>

#include "fuzz/scenario/simulation.h"

namespace shootdown::explore {

// Two CPUs, up to three tasks of few operations, right or wrong: whatever part of it cannot be built is left
// out. Null: nothing is left.
[[nodiscard]] std::unique_ptr<Simulation> SmallScenario(std::uint64_t seed, sim::MemoryModel model);

// What the last run left, or which rule it broke.
[[nodiscard]] std::string EndOf(const sim::Machine& machine, const sim::Violation* violation);

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_SMALL_SCENARIO_H_
