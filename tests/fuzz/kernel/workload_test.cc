// Whatever correct tasks do, in whatever order, the kernel model with its default switches is
// clean.
#include "tests/fuzz/kernel/workload.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fuzz/kernel/arch/arch.h"
#include "tests/fuzz/kernel/x86_workload.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {
namespace {

constexpr int kScenariosAGroup = 250;
constexpr int kWalks = 5;
constexpr int kGroupsOfSparc64 = 8;

// In groups, so that they can run side by side.
struct Group {
  std::string arch;
  int number = 0;
};
void PrintTo(const Group& group, std::ostream* out) { *out << group.arch << "_" << group.number; }

std::vector<Group> Groups() {
  std::vector<Group> groups;
  for (const kernel::Arch* arch : kernel::AllArchs()) {
    if (arch->name == "x86_64") continue;
    const int count = arch->name == "sparc64" ? kGroupsOfSparc64 : 1;
    for (int i = 0; i < count; ++i) groups.push_back({.arch = std::string(arch->name), .number = i});
  }
  return groups;
}

class WorkloadTest : public ::testing::TestWithParam<Group> {};

TEST_P(WorkloadTest, RandomWorkloadsStayClean) {
  for (int i = 0; i < kScenariosAGroup; ++i) {
    const auto seed = static_cast<std::uint64_t>(GetParam().number * kScenariosAGroup + i);
    SCOPED_TRACE("RandomWorkload(" + std::to_string(seed) + ", " + GetParam().arch + ")");
    ExpectCleanWalks(RandomWorkload(seed, GetParam().arch), kWalks, seed * kWalks);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, WorkloadTest, ::testing::ValuesIn(Groups()),
                         [](const ::testing::TestParamInfo<Group>& test) {
                           return test.param.arch + "_" + std::to_string(test.param.number);
                         });

// x86_64 has operations of its own.
TEST(X86WorkloadTest, RandomWorkloadsStayClean) {
  for (std::uint64_t seed = 0; seed < 8 * kScenariosAGroup; ++seed) {
    SCOPED_TRACE("RandomX86Workload(" + std::to_string(seed) + ")");
    ExpectCleanWalks(RandomX86Workload(seed), kWalks, seed * kWalks);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace shootdown::testing
