// What a run under any other scheduler comes to, a search over states comes to as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzz/explore/state_search.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/scenario/undone.h"
#include "tests/fuzz/explore/any_order.h"
#include "tests/fuzz/explore/small_scenario.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

constexpr std::array kModels = {sim::MemoryModel::kSc, sim::MemoryModel::kTso,
                                sim::MemoryModel::kPso};

TEST(OtherSchedulersTest, TheirRunsEndAsThoseOfASearchDo) {
  constexpr std::uint64_t kStatesMax = 2'000;
  int compared = 0;
  int undone_count = 0;
  for (std::uint64_t seed = 0; seed < 900; ++seed) {
    const std::unique_ptr<Simulation> simulation =
        SmallScenario(seed, kModels[seed % kModels.size()]);
    if (simulation == nullptr) continue;
    std::set<std::string> ends;
    std::set<int> finished;  // tasks, in some run
    kernel::Kernel& kernel = simulation->kernel();
    StateOptions options;
    options.state_count_max = kStatesMax;
    options.go_on = true;
    options.reached = kernel.reached();
    options.on_run = [&](const sim::Violation* violation) {
      ends.insert(EndOf(simulation->machine(), violation));
      for (int t = 0; t < kernel.task_count; ++t) {
        if (kernel.tasks[t].finished != 0) finished.insert(t);
      }
    };
    const Report report = StateSearch(*simulation, options).Explore();
    if (report.stopped_by != StoppedBy::kNothing) continue;
    ++compared;
    const std::vector<std::uint32_t> reached(options.reached.begin(), options.reached.end());
    for (const Undone& undone : FindUndone(simulation->scenario(), reached)) {
      EXPECT_FALSE(finished.contains(static_cast<int>(undone.task))) << simulation->scenario().name;
      ++undone_count;
    }
    if (report.failing == 0) {
      EXPECT_EQ(finished.size() + FindUndone(simulation->scenario(), reached).size(),
                simulation->scenario().tasks.size())
          << simulation->scenario().name;
    }
    AnyOrder any_order(seed);
    for (int run = 0; run < 40; ++run) {
      const sim::Violation* const violation = simulation->RunOnce(any_order);

      ASSERT_TRUE(ends.contains(EndOf(simulation->machine(), violation)))
          << simulation->scenario().name << ", run " << run
          << (violation != nullptr ? ": " + violation->check : "");
      ASSERT_TRUE(std::ranges::equal(options.reached, reached)) << simulation->scenario().name;
    }
  }
  EXPECT_GT(compared, 400);
  EXPECT_GT(undone_count, 50);
}

// An entry that was evicted, and that nobody needed any more, is missing at the end of one run and not of
// another one. So of runs with an eviction only what they break is compared.
TEST(OtherSchedulersTest, WithEventsTheirRunsEndAsThoseOfASearchDo) {
  constexpr std::uint64_t kStatesMax = 10'000;
  std::array<int, 3> compared{};  // by events
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::unique_ptr<Simulation> simulation =
        SmallScenario(seed, kModels[seed % kModels.size()]);
    if (simulation == nullptr) continue;
    for (const std::uint32_t events : {1u, 2u}) {
      std::set<std::string> ends;
      StateOptions options;
      options.events = events;
      options.state_count_max = kStatesMax;
      options.go_on = true;
      options.on_run = [&](const sim::Violation* violation) {
        ends.insert(EndOf(simulation->machine(), violation));
      };
      if (!StateSearch(*simulation, options).Explore().complete) continue;
      ++compared[events];
      AnyOrder any_order(seed, events);
      for (int run = 0; run < 100; ++run) {
        const sim::Violation* const violation = simulation->RunOnce(any_order);
        if (violation == nullptr && any_order.evicted()) continue;

        ASSERT_TRUE(ends.contains(EndOf(simulation->machine(), violation)))
            << simulation->scenario().name << ", run " << run << " with " << events
            << (violation != nullptr ? ": " + violation->check : "");
      }
    }
  }
  EXPECT_GT(compared[1], 100);
  EXPECT_GT(compared[2], 8);
}

// A judge that hears of the second store looks at memory as it is then. Under PSO that store may be
// there already, and the one before it not yet.
TEST(OtherSchedulersTest, WhoHearsOfAStoreMayFindItInMemoryBeforeOneThatIsHeld) {
  for (const auto model :
       {sim::MemoryModel::kTso, sim::MemoryModel::kPso, sim::MemoryModel::kRmo}) {
    ::shootdown::testing::GuestProgram program(
        {.threads = {[](::shootdown::testing::GuestProgram& g) {
           g.Store('x', 1);
           g.Store('y', 1);
           g.reg[0] = g.Peek('x') * 2 + g.Peek('y');
         }}},
        {.memory_model = model});
    std::set<std::uint64_t> found;
    StateOptions options;
    options.on_run = [&](const sim::Violation*) { found.insert(program.reg[0]); };

    EXPECT_TRUE(StateSearch(program, options).Explore().complete);

    EXPECT_EQ(found.contains(1), model != sim::MemoryModel::kTso) << static_cast<int>(model);
    EXPECT_TRUE(found.contains(0) && found.contains(2) && found.contains(3));
  }
}

}  // namespace
}  // namespace shootdown::explore
