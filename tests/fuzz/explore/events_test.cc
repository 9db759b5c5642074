// What comes to a CPU from outside is tried wherever it makes a difference: random little programs with
// handlers, under a scheduler that knows nothing of what a search leaves out.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "fuzz/explore/state_search.h"
#include "tests/fuzz/explore/any_order.h"
#include "tests/fuzz/explore/interrupted_program.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;
using Outcomes = std::set<std::string>;

// The first three, at the end of each run with so many events.
std::set<std::array<std::uint64_t, 3>> Registers(GuestProgram& program, std::uint32_t events) {
  std::set<std::array<std::uint64_t, 3>> met;
  StateOptions options;
  options.events = events;
  options.on_run = [&](const sim::Violation*) {
    met.insert({program.reg[0], program.reg[1], program.reg[2]});
  };
  EXPECT_TRUE(StateSearch(program, options).Explore().complete);
  return met;
}

// The entry is of use to nobody, but in the way of a walk that comes long before the next use.
TEST(EventsTest, AnEvictionForTheSakeOfAWalkIsTried) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.reg[0] = g.Translate();
                                      g.reg[1] = g.Load('y');
                                      g.reg[2] = g.Translate();
                                    },
                                    [](GuestProgram& g) {
                                      g.Store('z', 1);
                                      g.Store('z', 2);
                                      g.Store('y', 1);
                                    }},
                        .walk = [](const GuestProgram& g) { return g.Peek('z'); }},
                       {.memory_model = sim::MemoryModel::kSc});
  // z is 2 when y has been read.
  constexpr std::array<std::uint64_t, 3> kThroughAWalk = {0, 1, 1};

  EXPECT_FALSE(Registers(program, 1).contains(kThroughAWalk));
  EXPECT_TRUE(Registers(program, 2).contains(kThroughAWalk));
}

// Of two CPUs with one TLB either may evict, and only the one that has may walk right behind it.
TEST(EventsTest, WhoeverEvictsForTheSakeOfAWalkWalks) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.reg[0] = g.Translate();
                                      g.reg[1] = g.Load('x');
                                      g.reg[2] = g.Translate();
                                    },
                                    [](GuestProgram& g) { g.Store('x', 1); }},
                        .walk = [](const GuestProgram& /*g*/) {
                          return 10 + static_cast<std::uint64_t>(sim::Machine::Get().cpu());
                        }},
                       {.memory_model = sim::MemoryModel::kSc, .tlb_sharing = 2});
  // The second CPU has no step to take when x has been read.
  constexpr std::array<std::uint64_t, 3> kBySecond = {0, 1, 11};

  EXPECT_TRUE(Registers(program, 2).contains(kBySecond));
}

TEST(EventsTest, NoneIsLeftOutThatMakesADifference) {
  constexpr std::array kModels = {sim::MemoryModel::kSc, sim::MemoryModel::kTso,
                                  sim::MemoryModel::kPso};
  constexpr std::uint64_t kSeeds = 1'000;
  std::uint64_t compared = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    InterruptedProgram random(seed, kModels[seed % kModels.size()]);
    for (const std::uint32_t events : {1u, 2u}) {
      Outcomes ends;
      StateOptions options;
      options.events = events;
      options.state_count_max = 10'000;
      options.go_on = true;
      options.on_run = [&](const sim::Violation*) { ends.insert(random.Outcome()); };
      if (!StateSearch(random.subject(), options).Explore().complete) continue;
      ++compared;
      AnyOrder any_order(seed, events);
      for (int run = 0; run < 200; ++run) {
        (void)random.subject().Run(any_order);

        ASSERT_TRUE(ends.contains(random.Outcome()))
            << seed << ", run " << run << " with " << events << ": " << random.Text() << "\n"
            << testing::StepsText(random.subject().machine());
      }
    }
  }
  EXPECT_GT(compared, kSeeds * 3 / 2);
}

}  // namespace
}  // namespace shootdown::explore
