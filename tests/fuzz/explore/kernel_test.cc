// Kernel scenarios go through the search over states. What it says within a bound is what trying every
// schedule within that bound says.
#include <gtest/gtest.h>

#include <memory>

#include "fuzz/explore/enumerate.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown::explore {
namespace {

// As corpus/seed-stale-hit.textproto: munmap by the ring's owner against the kernel's SQPOLL thread.
Scenario SeedStaleHit(bool fixed, sim::MemoryModel model) {
  return {.name = "seed-stale-hit",
          .summary = "",
          .commit = "",
          .machine = {.cpu_count = 2, .memory_model = model},
          .version = {{"sparc64.flush", fixed ? "no_trim" : "trim_if_single_user"}},
          .tasks = {{.name = "app",
                     .process = "",
                     .cpu = 1,
                     .setup = {{"mmap A"}, {"touch A"}, {"io_uring_setup ring"}, {"migrate 0"}},
                     .ops = {{"io_uring_submit ring read A"}, {"munmap A"}}},
                    {.name = "sq",
                     .process = "",
                     .kthread = true,
                     .cpu = 1,
                     .setup = {},
                     .ops = {{"io_sq_thread ring"}}}},
          .checks_on = {},
          .checks_off = {"cpumask_lost_bit", "cpumask_missed_entry", "use_after_flush"},
          .expected = fixed ? "clean" : "stale_tlb_use"};
}

class KernelTest : public ::testing::Test {
 protected:
  void Build(bool fixed, sim::MemoryModel model) {
    simulation_.reset();
    ScenarioProblem problem;
    simulation_ = Simulation::Build(SeedStaleHit(fixed, model), &problem);
    ASSERT_NE(simulation_, nullptr) << problem.message;
  }
  [[nodiscard]] Report States(std::optional<std::uint32_t> preemptions) {
    StateOptions options;
    options.preemptions = preemptions;
    return StateSearch(*simulation_, options).Explore();
  }

  std::unique_ptr<Simulation> simulation_;
};

TEST_F(KernelTest, TheFixIsProvedForAllSchedulesUnderSc) {
  Build(/*fixed=*/true, sim::MemoryModel::kSc);

  const Report report = States(std::nullopt);

  EXPECT_TRUE(report.complete);
  EXPECT_FALSE(report.violation);
  EXPECT_GT(report.states, 10'000u);
}

TEST_F(KernelTest, WithinABoundEveryScheduleSaysTheSame) {
  for (const bool fixed : {true, false}) {
    Build(fixed, sim::MemoryModel::kSc);
    for (const std::uint32_t limit : {0u, 1u, 2u}) {
      const Report states = States(limit);
      const Report every = Enumerate(*simulation_, {Bound::Kind::kPreemptions, limit});

      EXPECT_EQ(states.violation.has_value(), !fixed && limit == 2) << limit;
      EXPECT_EQ(every.violation.has_value(), !fixed && limit == 2) << limit;
      EXPECT_EQ(states.complete, every.complete) << limit;
    }
  }
}

TEST_F(KernelTest, WhatIsFoundIsAScheduleThatFailsAgain) {
  for (const sim::MemoryModel model : {sim::MemoryModel::kSc, sim::MemoryModel::kTso}) {
    Build(/*fixed=*/false, model);
    const Report report = States(2);
    ASSERT_TRUE(report.violation);

    ScheduleScheduler again(report.schedule);
    const sim::Violation* const violation = simulation_->RunOnce(again);

    ASSERT_NE(violation, nullptr);
    EXPECT_EQ(violation->check, "stale_tlb_use");
    EXPECT_EQ(violation->row, report.violation->row);
  }
}

TEST_F(KernelTest, ALimitIsNoProof) {
  Build(/*fixed=*/true, sim::MemoryModel::kSc);
  StateOptions options;
  options.execution_count_max = 10;

  const Report report = StateSearch(*simulation_, options).Explore();

  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.executions + report.blocked, 10u);
}

}  // namespace
}  // namespace shootdown::explore
