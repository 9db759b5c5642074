#include "fuzz/strategy/race_reversal.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "tests/fuzz/strategy/strategy_testing.h"

namespace shootdown::testing {
namespace {

constexpr int kNoise = 20;

// T0 stores x after much else, and T1 loads it at once: hardly any run of POS has the store first.
GuestProgram::Parts Race() {
  return {.threads = {[](GuestProgram& g) {
                        for (int i = 0; i < kNoise; ++i) (void)g.Add('y', 1);
                        g.Store('x', 1);
                      },
                      [](GuestProgram& g) {
                        g.reg[0] = g.Load('x');
                        for (int i = 0; i < kNoise; ++i) (void)g.Add('y', 1);
                      }}};
}

Event EventOf(const sim::LogEntry& entry, std::uint32_t occurrence) {
  return {.actor = ActorId(entry.actor),
          .site_hash = entry.site->hash,
          .kind = entry.kind,
          .occurrence = occurrence};
}

// A load and a store of x, of a run that it makes: the last of each.
std::pair<Event, Event> LastAccessesOfX(GuestProgram& program, RaceReversal& strategy) {
  (void)program.Run(strategy);
  Event load;
  Event store;
  for (const sim::LogEntry& entry : program.machine().log()) {
    if (entry.word != sim::Arena::IndexOf(program.cell('x').word())) continue;
    (entry.kind == sim::StepKind::kLoad ? load : store) = EventOf(entry, 0);
  }
  return {load, store};
}

TEST(RaceReversalTest, AnOrderHoldsInEveryRun) {
  GuestProgram program(Race());
  RaceReversal strategy(1);
  const auto [load, store] = LastAccessesOfX(program, strategy);

  for (int n = 0; n < 200; ++n) {
    strategy.SetOrders({{.before = store, .after = load}});
    (void)program.Run(strategy);
    ASSERT_EQ(program.reg[0], 1u);
    strategy.SetOrders({{.before = load, .after = store}});
    (void)program.Run(strategy);
    ASSERT_EQ(program.reg[0], 0u);
  }
}

// Many store x at one place, and the order names one of them.
TEST(RaceReversalTest, AnOrderHoldsWhoeverComesToThePlace) {
  GuestProgram::Parts parts;
  for (int n = 0; n < 10; ++n) parts.threads.emplace_back([](GuestProgram& g) { g.Store('x', 1); });
  parts.threads.emplace_back([](GuestProgram& g) { g.reg[10] = g.Load('x'); });
  GuestProgram program(std::move(parts));
  RaceReversal strategy(1);
  const auto [load, store] = LastAccessesOfX(program, strategy);

  for (int n = 0; n < 200; ++n) {
    strategy.SetOrders({{.before = load, .after = store}});
    (void)program.Run(strategy);
    ASSERT_EQ(program.reg[10], 0u);
  }
}

// Without the order all stores are made long before the load.
TEST(RaceReversalTest, AnOrderHoldsHoweverOftenItsPlaceIsComeTo) {
  constexpr std::uint32_t kStores = 300;
  constexpr std::uint32_t kHeld = 280;
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      for (std::uint32_t i = 0; i < kStores; ++i) g.Store('x', i + 1);
                                    },
                                    [](GuestProgram& g) {
                                      for (std::uint32_t i = 0; i < 3 * kStores; ++i) (void)g.Add('y', 1);
                                      g.reg[0] = g.Load('x');
                                    }}});
  RaceReversal strategy(1);
  auto [load, store] = LastAccessesOfX(program, strategy);
  store.occurrence = kHeld;

  for (int n = 0; n < 20; ++n) {
    strategy.SetOrders({{.before = load, .after = store}});
    (void)program.Run(strategy);
    ASSERT_LE(program.reg[0], kHeld);
  }
}

TEST(RaceReversalTest, TheNextRunAsksForTheOtherOrderOfARaceOfThisOne) {
  GuestProgram program(Race());
  RaceReversal strategy(1);
  int asked = 0;
  for (int n = 0; n < 300; ++n) {
    (void)program.Run(strategy);
    if (strategy.orders().empty()) continue;
    const Order& order = strategy.orders().back();
    bool is_a_race = false;
    for (const sim::Conflict& c : program.machine().conflicts()) {
      const sim::LogEntry& first = program.machine().log()[c.first];
      const sim::LogEntry& second = program.machine().log()[c.second];
      is_a_race = is_a_race || (order.after == EventOf(first, order.after.occurrence) &&
                                order.before == EventOf(second, order.before.occurrence));
    }
    EXPECT_TRUE(is_a_race);
    ++asked;
  }

  EXPECT_GT(asked, 200);
}

// Nobody else sees T0's stores, so they are taken at once; but a mondo that comes between them does.
TEST(RaceReversalTest, AMondoComesBetweenStepsThatNobodyElseSees) {
  constexpr std::uint64_t kSteps = 20;
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      for (; g.reg[0] < kSteps; ++g.reg[0]) g.Store('y', 1);
                                    },
                                    [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
                        .mondos = {[](GuestProgram& g) { g.reg[1] = g.reg[0]; }}});
  RaceReversal strategy(1);
  std::set<std::uint64_t> seen;
  for (int n = 0; n < 500; ++n) {
    (void)program.Run(strategy);
    seen.insert(program.reg[1]);
  }

  EXPECT_EQ(seen.size(), kSteps + 1);
}

TEST(RaceReversalTest, OrdersThatCannotAllHoldStopNobody) {
  GuestProgram program(Race());
  RaceReversal strategy(1);
  (void)program.Run(strategy);
  const sim::LogEntry& first = program.machine().log().front();
  const sim::LogEntry& last = program.machine().log().back();
  std::vector<Order> orders;
  for (std::uint32_t i = 0; i < 4; ++i) {
    orders.push_back({.before = EventOf(first, i), .after = EventOf(last, i)});
    orders.push_back({.before = EventOf(last, i), .after = EventOf(first, i)});
    orders.push_back({.before = EventOf(last, 1000 + i), .after = EventOf(first, i)});
  }
  for (int n = 0; n < 100; ++n) {
    strategy.SetOrders(orders);
    EXPECT_EQ(program.Run(strategy), sim::RunEnd::kQuiet);
    EXPECT_EQ(program.Peek('y'), std::uint64_t{2} * kNoise);
  }
}

}  // namespace
}  // namespace shootdown::testing
