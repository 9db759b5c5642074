#include "fuzz/strategy/spent_beginnings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/base/prng.h"
#include "tests/fuzz/strategy/strategy_testing.h"

namespace shootdown::testing {
namespace {

// A walk that goes where something is left to try.
class UntriedWalk : public StepChooser {
 public:
  explicit UntriedWalk(std::uint64_t seed, CpuSet cpus = kAllCpus)
      : StepChooser(LookAhead::kYes), prng_(seed), cpus_(cpus) {}

  SpentBeginnings& spent() { return spent_; }
  void EndRun(const sim::Machine& /*machine*/) override { spent_.EndRun(); }

 protected:
  void NewRun(const sim::Machine& /*machine*/) override {
    spent_.NewRun(cpus_);
  }
  int Choose(std::span<const std::uint8_t> enabled, int /*current*/) override {
    std::array<std::uint8_t, kCpuCountMax> left;
    std::size_t count = enabled.size();
    if (spent_.asks() && count != 1) {
      count = spent_.Left(enabled, pending(), left);
    } else {
      std::ranges::copy(enabled, left.begin());
    }
    const int cpu = left[prng_.Below(static_cast<std::uint32_t>(count))];
    if (spent_.asks() && enabled.size() != 1) spent_.Chosen(cpu);
    return cpu;
  }
  void Taken(int cpu) override {
    if (spent_.asks()) spent_.Taken(cpu, pending(cpu));
  }

 private:
  Prng prng_;
  CpuSet cpus_;
  SpentBeginnings spent_;
};

// 6! / (2!)^3 = 90 interleavings, no two of them alike.
TEST(SpentBeginningsTest, NothingIsTriedTwiceAndNothingIsForgotten) {
  GuestProgram program({.threads = {Stores('x', 2), Stores('x', 2), Stores('x', 2)}});
  for (const std::uint64_t seed : {1, 2, 3}) {
    UntriedWalk walk(seed);

    EXPECT_EQ(CountInterleavings(program, walk, 90).size(), 90u) << "seed " << seed;
    // Then everything is tried again.
    EXPECT_GT(CountInterleavings(program, walk, 90).size(), 30u);
  }
}

// Four more threads meet in y, in very many ways; of the 20 interleavings in x none comes twice.
TEST(SpentBeginningsTest, WhatOthersDoIsNoNewBeginning) {
  GuestProgram program({.threads = {Stores('x', 3), Stores('x', 3), Stores('y', 5), Stores('y', 5), Stores('y', 5),
                                    Stores('y', 5)}});
  UntriedWalk walk(1, CpuSet::Of(0) | CpuSet::Of(1));

  EXPECT_EQ(CountInterleavings(program, walk, 20, &program.cell('x')).size(), 20u);
}

// Three stores to y of one thread and three to z of another are 20 interleavings and one trace; x
// makes it two.
TEST(SpentBeginningsTest, OrdersOfStepsThatDoNotConflictAreOneBeginning) {
  const auto code = [](char own) {
    return [own](GuestProgram& g) {
      g.Store('x', own);
      for (int n = 0; n < 3; ++n) g.Store(own, 1);
    };
  };
  GuestProgram program({.threads = {code('y'), code('z')}});
  UntriedWalk walk(1);
  (void)CountInterleavings(program, walk, 40);
  const std::size_t all = walk.spent().size();

  // Beginnings: of either order of the stores to x 4 x 4 ends, and before both of them each
  // thread's own.
  EXPECT_LE(all, 2u * 16 + 2 * 4);
  (void)CountInterleavings(program, walk, 200);
  EXPECT_EQ(walk.spent().size(), all);
}

TEST(SpentBeginningsTest, LongRunsAreSoonLeftAlone) {
  GuestProgram program({.threads = {Stores('x', 100), Stores('x', 100)}});
  UntriedWalk walk(1);
  int asked = 0;
  for (int n = 0; n < 50; ++n) {
    (void)program.Run(walk);
    walk.spent().NewRun(kAllCpus);
    asked += walk.spent().asks() ? 1 : 0;
  }

  EXPECT_GT(asked, 0);
  EXPECT_LT(asked, 20);
  EXPECT_EQ(walk.spent().size(), 0u);
}

TEST(SpentBeginningsTest, WhatIsClearedIsTriedAgain) {
  GuestProgram program({.threads = {Stores('x', 1), Stores('x', 1)}});
  UntriedWalk walk(1);
  EXPECT_EQ(CountInterleavings(program, walk, 2).size(), 2u);
  walk.spent().Clear();

  EXPECT_EQ(walk.spent().size(), 0u);
  EXPECT_EQ(CountInterleavings(program, walk, 2).size(), 2u);
}

}  // namespace
}  // namespace shootdown::testing
