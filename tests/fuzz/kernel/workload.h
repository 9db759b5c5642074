// Random workloads in which every task keeps to the rules of the interfaces that it uses: what a
// correct kernel must survive under any schedule.
#ifndef SHOOTDOWN_TESTS_FUZZ_KERNEL_WORKLOAD_H_
#define SHOOTDOWN_TESTS_FUZZ_KERNEL_WORKLOAD_H_

#include <cstdint>
#include <string>

#include "fuzz/scenario/scenario.h"

namespace shootdown::testing {

// 2 to 4 CPUs, 2 to 5 tasks, any machine, all built-in operations.
[[nodiscard]] Scenario RandomWorkload(std::uint64_t seed, const std::string& arch = "sparc64");

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_KERNEL_WORKLOAD_H_
