// What a run under any other scheduler comes to, a search over states comes to as well. The
// scheduler here knows nothing of processes, or of what is a choice: it answers whatever the
// machine asks as it likes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/scenario/undone.h"
#include "tests/fuzz/explore/small_scenario.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using sim::Move;

// Events from outside apart.
class AnyOrder : public sim::Scheduler {
 public:
  explicit AnyOrder(std::uint64_t seed) : prng_(seed) {}

  void StartRun(const sim::Machine&) override { switches_ = 2 + prng_.Below(11); }
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override {
    const auto cpu = static_cast<std::uint8_t>(
        prng_.Below(static_cast<std::uint32_t>(question.machine.cpu_count())));
    if (prng_.OneIn(switches_)) return {.kind = Move::Kind::kRun, .cpu = cpu};
    if (prng_.OneIn(4)) return {.kind = Move::Kind::kDrain, .cpu = cpu};
    if (question.blocked) return {.kind = Move::Kind::kNext};
    if (question.may_wait && prng_.OneIn(2)) {
      return {.kind = Move::Kind::kHold, .arg = static_cast<std::uint8_t>(prng_.Below(8))};
    }
    return {.kind = Move::Kind::kStep};
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId, std::uint32_t index) override { return index; }

 private:
  Prng prng_;
  std::uint32_t switches_ = 2;  // one in so many questions
};

TEST(OtherSchedulersTest, TheirRunsEndAsThoseOfASearchDo) {
  constexpr std::uint64_t kStatesMax = 2'000;
  int compared = 0;
  int undone_count = 0;
  for (std::uint64_t seed = 0; seed < 900; ++seed) {
    constexpr std::array kModels = {sim::MemoryModel::kSc, sim::MemoryModel::kTso,
                                    sim::MemoryModel::kPso};
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
