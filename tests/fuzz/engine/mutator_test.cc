#include "fuzz/engine/mutator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "fuzz/engine/search.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::AnyDecision;
using testing::BuildCorpus;

Schedule AnySchedule(Prng& prng, std::size_t size) {
  std::vector<Decision> decisions;
  for (std::size_t i = 0; i < size; ++i) decisions.push_back(AnyDecision(prng, 2));
  return Schedule(std::move(decisions)).Canonical();
}

class MutatorTest : public ::testing::Test {
 protected:
  void RunSchedule(const Schedule& schedule) {
    ScheduleScheduler scheduler(schedule);
    (void)simulation_->Run(scheduler);
  }
  const sim::Machine& machine() { return simulation_->machine(); }

  std::unique_ptr<Simulation> simulation_ = BuildCorpus("seed-lost-bit");
};

TEST_F(MutatorTest, AChildIsCanonicalAndNeverTooLong) {
  Prng prng(1);
  std::size_t longest = 0;
  for (int n = 0; n < 20'000; ++n) {
    if (n % 20 == 0) {
      // Parents of all lengths: as many decisions as a random walk has, too.
      if (n % 40 == 0) {
        RandomWalk walk(static_cast<std::uint64_t>(n), 4);
        (void)simulation_->Run(walk);
      } else {
        RunSchedule(AnySchedule(prng, prng.Below(kDecisionCountMax + 1)));
      }
    }
    const Schedule child = Mutate(machine(), prng);

    ASSERT_LE(child.size(), kDecisionCountMax);
    ASSERT_EQ(child, child.Canonical()) << child.ToText();
    ASSERT_EQ(child, Schedule::Decode(child.Encode()));
    longest = std::max(longest, child.size());
  }
  EXPECT_EQ(longest, kDecisionCountMax);
}

TEST_F(MutatorTest, EqualRunsAndGeneratorsGiveEqualChildren) {
  Prng parents(2);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Schedule parent = AnySchedule(parents, 6);
    const auto children = [&] {
      RunSchedule(parent);
      Prng prng(seed);
      std::vector<Schedule> all;
      for (int i = 0; i < 10; ++i) all.push_back(Mutate(machine(), prng));
      return all;
    };
    const std::vector<Schedule> first = children();
    RunSchedule(AnySchedule(parents, 10));  // another run between

    ASSERT_EQ(children(), first);
  }
}

TEST_F(MutatorTest, ChildrenAreOfEveryKind) {
  RunSchedule(Schedule());
  Prng prng(3);
  std::set<Decision::Kind> kinds;
  for (int n = 0; n < 5'000; ++n) {
    RunSchedule(Mutate(machine(), prng));
    const Schedule child = Mutate(machine(), prng);
    for (const Decision& d : child.decisions()) kinds.insert(d.kind);
  }
  // All but two: no walker of sparc64 goes by itself, and under TSO no load comes early.
  EXPECT_EQ(kinds.size(), std::size_t{Decision::kKindCount} - 2);
  EXPECT_FALSE(kinds.contains(Decision::Kind::kWalk));
  EXPECT_FALSE(kinds.contains(Decision::Kind::kOld));
}

TEST_F(MutatorTest, WalkersGoByThemselvesWhereHardwareWalks) {
  simulation_.reset();
  simulation_ = BuildCorpus("7.18-lazy-tlb-no-ipi");
  RunSchedule(Schedule());
  Prng prng(3);
  bool walks = false;
  for (int n = 0; n < 5'000; ++n) {
    const Schedule child = Mutate(machine(), prng);
    for (const Decision& d : child.decisions()) walks = walks || d.kind == Decision::Kind::kWalk;
  }
  EXPECT_TRUE(walks);
}

// A decision that cannot be made leaves the run as it was.
TEST_F(MutatorTest, FewChildrenDoWhatTheirParentDid) {
  Prng prng(6);
  constexpr int kChildCount = 5'000;
  int repeats = 0;
  RunSchedule(Schedule());
  for (int n = 0; n < kChildCount; ++n) {
    const std::vector<std::uint64_t> parent = sim::ChainedHashes(machine().log());
    const Schedule child = Mutate(machine(), prng);
    RunSchedule(child);
    repeats += sim::ChainedHashes(machine().log()) == parent ? 1 : 0;
    if (n % 20 == 0) RunSchedule(Schedule());
  }
  EXPECT_LT(repeats, kChildCount / 12);
}

// Anywhere else they change nothing. (A decision that was just made may be nudged.)
TEST_F(MutatorTest, EvictionsStandBeforeAccessesAndDeferralsWhereInterruptsCame) {
  simulation_.reset();
  simulation_ = BuildCorpus("W8-hardware-stays");
  Prng prng(7);
  int evictions = 0;
  int deferrals = 0;
  int elsewhere = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomWalk walk(seed, /*hold_one_in=*/0);
    (void)simulation_->Run(walk);
    std::set<std::pair<std::uint8_t, std::uint32_t>> accesses;
    std::set<std::uint8_t> interrupted;  // CPUs
    std::set<std::pair<std::uint8_t, std::uint8_t>> steps;  // of an actor on a CPU
    for (const sim::LogEntry& entry : machine().log()) {
      steps.insert({entry.actor, entry.cpu});
      if (entry.kind == sim::StepKind::kUserLoad || entry.kind == sim::StepKind::kUserStore) {
        accesses.insert({entry.actor, entry.index});
      } else if (entry.kind == sim::StepKind::kMondoTaken || entry.kind == sim::StepKind::kSoftintTaken) {
        interrupted.insert(entry.cpu);
      }
    }
    for (int n = 0; n < 200; ++n) {
      const Schedule child = Mutate(machine(), prng);
      for (const Decision& d : child.decisions()) {
        if (d.kind == Decision::Kind::kEvict) {
          ++evictions;
          elsewhere += accesses.contains({d.actor.code(), d.index}) ? 0 : 1;
        } else if (d.kind == Decision::Kind::kDefer) {
          ++deferrals;
          elsewhere += std::ranges::any_of(interrupted, [&](std::uint8_t cpu) {
            return steps.contains({d.actor.code(), cpu});
          }) ? 0 : 1;
        }
      }
    }
  }

  EXPECT_GT(evictions, 20);
  EXPECT_GT(deferrals, 20);
  EXPECT_LT(elsewhere * 20, evictions + deferrals);
}

TEST_F(MutatorTest, ARunWithoutStepsStillHasChildren) {
  Prng prng(4);
  simulation_.reset();
  simulation_ = BuildCorpus("seed-stale-hit-fixed");
  int with_decisions = 0;
  for (int n = 0; n < 1000; ++n) with_decisions += Mutate(machine(), prng).empty() ? 0 : 1;

  EXPECT_GT(with_decisions, 0);
}

TEST_F(MutatorTest, ARandomScheduleHasTwoOrThreeSwitches) {
  RunSchedule(Schedule());
  Prng prng(5);
  std::set<std::size_t> sizes;
  for (int n = 0; n < 5'000; ++n) {
    const Schedule schedule = RandomSchedule(machine(), prng);
    sizes.insert(schedule.size());
    for (const Decision& d : schedule.decisions()) {
      ASSERT_EQ(d.kind, Decision::Kind::kSwitch);
      ASSERT_EQ(d.to.actor_class(), ActorId::Class::kCpu);
    }
  }
  EXPECT_EQ(sizes, (std::set<std::size_t>{2, 3}));
}

TEST(CrossOverTest, UsesDecisionsOfItsParentsOnly) {
  Prng prng(6);
  for (int n = 0; n < 5'000; ++n) {
    const Schedule a = AnySchedule(prng, prng.Below(20));
    const Schedule b = AnySchedule(prng, prng.Below(20));

    const Schedule child = CrossOver(a, b, prng);

    ASSERT_LE(child.size(), kDecisionCountMax);
    ASSERT_EQ(child, child.Canonical());
    for (const Decision& d : child.decisions()) {
      const auto& left = a.decisions();
      const auto& right = b.decisions();
      ASSERT_TRUE(std::ranges::find(left, d) != left.end() ||
                  std::ranges::find(right, d) != right.end())
          << ToText(d);
    }
  }
}

TEST(CrossOverTest, IsDeterministic) {
  Prng draw(7);
  const Schedule a = AnySchedule(draw, 12);
  const Schedule b = AnySchedule(draw, 12);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Prng one(seed);
    Prng two(seed);

    EXPECT_EQ(CrossOver(a, b, one), CrossOver(a, b, two));
  }
}

// What a search tells, in words that compare.
struct Told {
  std::vector<std::string> found;
  std::vector<std::vector<std::uint8_t>> inputs;
  std::uint64_t runs = 0;
  std::size_t features = 0;
  friend bool operator==(const Told&, const Told&) = default;
};

Told SearchRandomly(std::uint64_t seed, std::uint64_t run_count_max) {
  const auto simulation = BuildCorpus("seed-stale-hit");
  Told told;
  SampleSearch(*simulation, {.kind = StrategyName::Kind::kRandom}, {.seed = seed, .run_count_max = run_count_max},
               {.found =
                    [&](const Target::Found& found) {
                      told.found.push_back(found.kind_key + ' ' + found.exact.ToText() + ' ' +
                                           std::to_string(found.run));
                    },
                .input =
                    [&](std::span<const std::uint8_t> input) {
                      told.inputs.emplace_back(input.begin(), input.end());
                    },
                .ran =
                    [&](const Target& target) {
                      told.runs = target.run_count();
                      told.features = target.feature_count();
                    }});
  return told;
}

TEST(RandomSearchTest, IsDeterministic) {
  const Told first = SearchRandomly(1, 20'000);

  EXPECT_EQ(first.runs, 20'000u);
  EXPECT_FALSE(first.found.empty());
  EXPECT_FALSE(first.inputs.empty());
  EXPECT_EQ(SearchRandomly(1, 20'000), first);
  EXPECT_NE(SearchRandomly(2, 20'000), first);
}

TEST(RandomSearchTest, AShorterSearchIsTheBeginningOfALongerOne) {
  const Told shorter = SearchRandomly(3, 1'000);
  const Told longer = SearchRandomly(3, 4'000);

  ASSERT_LE(shorter.inputs.size(), longer.inputs.size());
  EXPECT_TRUE(std::equal(shorter.inputs.begin(), shorter.inputs.end(), longer.inputs.begin()));
}

}  // namespace
}  // namespace shootdown
