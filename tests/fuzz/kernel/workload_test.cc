// Whatever correct tasks do, in whatever order, the kernel model with its default switches is
// clean.
#include "tests/fuzz/kernel/workload.h"

#include <gtest/gtest.h>

#include "tests/fuzz/kernel/x86_workload.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

constexpr int kScenariosAGroup = 250;
constexpr int kWalks = 5;

// In groups, so that they can run side by side.
class WorkloadTest : public ::testing::TestWithParam<int> {};

TEST_P(WorkloadTest, RandomWorkloadsStayClean) {
  for (int i = 0; i < kScenariosAGroup; ++i) {
    const auto seed = static_cast<std::uint64_t>(GetParam() * kScenariosAGroup + i);
    SCOPED_TRACE("RandomWorkload(" + std::to_string(seed) + ")");
    ExpectCleanWalks(RandomWorkload(seed), kWalks, seed * kWalks);
    if (HasFailure()) return;
  }
}

TEST_P(WorkloadTest, RandomWorkloadsStayCleanOnX86) {
  for (int i = 0; i < kScenariosAGroup; ++i) {
    const auto seed = static_cast<std::uint64_t>(GetParam() * kScenariosAGroup + i);
    SCOPED_TRACE("RandomX86Workload(" + std::to_string(seed) + ")");
    ExpectCleanWalks(RandomX86Workload(seed), kWalks, seed * kWalks);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, WorkloadTest, ::testing::Range(0, 8));

}  // namespace
}  // namespace shootdown::testing
