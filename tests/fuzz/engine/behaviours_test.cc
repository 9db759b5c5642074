#include "fuzz/engine/behaviours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

std::set<std::uint64_t> ClassesOf(GuestProgram::Parts parts) {
  GuestProgram program(std::move(parts), {.memory_model = sim::MemoryModel::kSc});
  std::vector<Schedule> schedules;
  (void)RunAll(program, [&](sim::RunEnd) {
    schedules.push_back(ExactSchedule(program.machine().moves_made()));
  });
  // Each from its start, since of a run that goes on from a checkpoint not all conflicts are known.
  std::set<std::uint64_t> classes;
  for (const Schedule& schedule : schedules) {
    ScheduleScheduler scheduler(schedule);
    program.Run(scheduler);
    classes.insert(ReadsFromClass(program.machine()));
  }
  return classes;
}

GuestProgram::Code StoresThenLoads(char stored, char loaded) {
  return [stored, loaded](GuestProgram& g) {
    g.Store(stored, 1);
    (void)g.Load(loaded);
  };
}

// Over all interleavings of the standard small programs: store buffering 3, message passing 3, two writers
// and a reader 3, independent reads of independent writes 15.
TEST(BehavioursTest, AreTheReadsFromClasses) {
  EXPECT_EQ(ClassesOf({.threads = {StoresThenLoads('x', 'y'), StoresThenLoads('y', 'x')}}).size(), 3u);
  EXPECT_EQ(ClassesOf({.threads = {[](GuestProgram& g) {
                                     g.Store('x', 1);
                                     g.Store('y', 1);
                                   },
                                   [](GuestProgram& g) {
                                     (void)g.Load('y');
                                     (void)g.Load('x');
                                   }}})
                .size(),
            3u);
  const auto writer = [](GuestProgram& g) { g.Store('x', 1); };
  EXPECT_EQ(ClassesOf({.threads = {writer, writer, [](GuestProgram& g) { (void)g.Load('x'); }}}).size(),
            3u);
  const auto reads = [](char first, char second) {
    return [first, second](GuestProgram& g) {
      (void)g.Load(first);
      (void)g.Load(second);
    };
  };
  EXPECT_EQ(ClassesOf({.threads = {writer, [](GuestProgram& g) { g.Store('y', 1); }, reads('x', 'y'),
                                   reads('y', 'x')}})
                .size(),
            15u);
}

// That x was stored to before it was freed is in order with the load of y, but not read by it.
TEST(BehavioursTest, DoNotTellWhatWasFreedBeforeOrAfterItsLastAccess) {
  EXPECT_EQ(ClassesOf({.threads = {[](GuestProgram& g) { g.Store('x', 1); },
                                   [](GuestProgram& g) {
                                     (void)g.Load('y');
                                     g.machine().Poison(g.cell('x').word(), 8);
                                   }}})
                .size(),
            1u);
}

TEST(BehavioursTest, AreCountedByHowOftenTheyCameUp) {
  BehaviourSet set;
  for (const std::uint64_t b : {100, 200, 200, 300, 300, 300, 400, 400, 400, 400}) {
    set.Add(b << 8);
  }

  EXPECT_EQ(set.size(), 4u);
  EXPECT_EQ(set.seen_once(), 1u);
  EXPECT_EQ(set.seen_twice(), 1u);
}

TEST(BehavioursTest, StopAtTheirLimitAndNotBefore) {
  BehaviourSet set;
  for (std::uint64_t n = 0; n < BehaviourSet::kClassCountMax + 1000; ++n) set.Add(Mix64(n + 1));

  EXPECT_EQ(set.size(), BehaviourSet::kClassCountMax);
}

TEST(BehavioursTest, AreSampledAlsoAboveTheLimit) {
  BehaviourSet set;
  BehaviourSample sample;
  for (std::uint64_t n = 0; n < BehaviourSet::kClassCountMax + 100'000; ++n) {
    const std::uint64_t behaviour = Mix64(n + 1);
    // The last ones come four times.
    for (int times = 0; times < (n < BehaviourSet::kClassCountMax ? 1 : 4); ++times) {
      set.Add(behaviour);
      sample.Add((behaviour & ~BehaviourSample::kTimesMask) | 1);
    }
  }

  EXPECT_TRUE(std::ranges::equal(set.sample().entries(), sample.entries()));
  EXPECT_TRUE(std::ranges::any_of(set.sample().entries(), [](std::uint64_t entry) {
    return (entry & BehaviourSample::kTimesMask) == 3;
  }));
}

// Draws from a known distribution: the interval holds the true chance of something new 95 times of 100.
TEST(NewBehaviourTest, TheIntervalHoldsTheTruth) {
  constexpr std::uint32_t kSpecies = 200;
  constexpr std::uint64_t kDraws = 400;
  constexpr int kTrials = 400;
  int held = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Prng prng(static_cast<std::uint64_t>(trial));
    BehaviourSet set;
    std::set<std::uint32_t> seen;
    for (std::uint64_t n = 0; n < kDraws; ++n) {
      const std::uint32_t species = prng.Below(kSpecies);
      seen.insert(species);
      set.Add(Mix64(species + 1));
    }
    const double truth = static_cast<double>(kSpecies - seen.size()) / kSpecies;
    const NewBehaviour e = EstimateNewBehaviour(
        kDraws, {.all = static_cast<double>(set.size()),
                 .once = static_cast<double>(set.seen_once()),
                 .twice = static_cast<double>(set.seen_twice())});
    held += e.low <= truth && truth <= e.high ? 1 : 0;
  }

  EXPECT_GT(held, kTrials * 90 / 100);
  EXPECT_LT(held, kTrials * 99 / 100);
}

}  // namespace
}  // namespace shootdown::testing
