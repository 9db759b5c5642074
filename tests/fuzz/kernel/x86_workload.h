// Random workloads on x86_64: those of all architectures, with operations in between that need
// deferred flushes.
#ifndef SHOOTDOWN_TESTS_FUZZ_KERNEL_X86_WORKLOAD_H_
#define SHOOTDOWN_TESTS_FUZZ_KERNEL_X86_WORKLOAD_H_

#include <cstdint>

#include "fuzz/scenario/scenario.h"

namespace shootdown::testing {

[[nodiscard]] Scenario RandomX86Workload(std::uint64_t seed);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_KERNEL_X86_WORKLOAD_H_
