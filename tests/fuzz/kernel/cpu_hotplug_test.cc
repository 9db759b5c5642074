// A CPU that goes offline gives up what it has borrowed, whatever the architecture.
#include <gtest/gtest.h>

#include <string>

#include "fuzz/kernel/arch/arch.h"
#include "fuzz/kernel/cpu_hotplug.h"
#include "tests/fuzz/kernel/kernel_testing.h"

namespace shootdown::testing {
namespace {

class CpuHotplugTest : public ::testing::TestWithParam<const kernel::Arch*> {};

// s390: the CPU is the last one that leaves init_mm for a user mm, and comes back to it.
TEST_P(CpuHotplugTest, ACpuThatBorrowsAnMmLeavesItAndGoes) {
  Scenario scenario = CleanScenario({User({.name = "app",
                                           .setup = "mmap A; touch A; migrate 1; touch A; migrate 0",
                                           .ops = "touch A; cpu_down 1; munmap A"})},
                                    2);
  scenario.arch = GetParam()->name;
  const Ran ran(scenario);

  EXPECT_EQ(ran.outcome().check, "clean") << ran.outcome().message;
  EXPECT_EQ(ran.kernel().cpus[1].hotplug.Peek(), static_cast<std::uint64_t>(kernel::CpuState::kDead));
  EXPECT_EQ(ran.kernel().idle[1].active_mm.Peek(), ran.kernel().init_mm);
}

INSTANTIATE_TEST_SUITE_P(Archs, CpuHotplugTest, ::testing::ValuesIn(kernel::AllArchs()),
                         [](const auto& arch) { return std::string(arch.param->name); });

}  // namespace
}  // namespace shootdown::testing
