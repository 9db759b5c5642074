// Would the other tests notice a mistake in the search by footprints? Each rule is left out in turn, and an
// outcome must be lost.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/explore/footprint_dpor.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;
using Parts = GuestProgram::Parts;
using Outcomes = std::set<std::pair<std::uint64_t, std::string>>;  // register 0, and what was wrong

struct LeftOutCase {
  const char* name;
  FootprintLeftOut rule;
  Parts (*program)();
  sim::MemoryModel model = sim::MemoryModel::kTso;
  std::uint32_t events = 0;
};

Parts StoreAndLoad() {
  return {.threads = {[](GuestProgram& g) { g.reg[0] = g.Load('x'); },
                      [](GuestProgram& g) { g.Store('x', 1); }}};
}

// It is interrupted between any two steps, and not only at the last one.
Parts Interrupted() {
  return {.threads = {[](GuestProgram& g) {
                        for (std::uint64_t i = 1; i <= 3; ++i) {
                          g.Act(i);
                          g.reg[1] = i;
                        }
                      },
                      [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
          .mondos = {[](GuestProgram& g) { g.reg[0] = g.reg[1] + 1; }}};
}

// Whoever comes last, no step shows that the other order would have ended the wait.
Parts WaitForTwo() {
  return {.threads = {[](GuestProgram& g) {
                        sim::Machine::Get().WaitUntil(
                            SHOOTDOWN_SITE("wait"), sim::WaitKind::kBlocked,
                            [&g] { return g.Peek('x') == 1 && g.Peek('y') == 0; });
                        g.reg[0] = 1;
                      },
                      [](GuestProgram& g) { g.Store('x', 1); },
                      [](GuestProgram& g) { g.Store('y', 1); }}};
}

// For a moment it could go on.
Parts WaitForAMoment() {
  return {.threads = {[](GuestProgram& g) {
                        g.WaitUntilEquals('x', 1);
                        g.reg[0] = 1;
                      },
                      [](GuestProgram& g) {
                        g.Store('x', 1);
                        g.Store('x', 0);
                      }}};
}

Parts TwoWriters() {
  return {.threads = {[](GuestProgram& g) { g.reg[0] = g.Load('x'); },
                      [](GuestProgram& g) { g.Store('x', 1); },
                      [](GuestProgram& g) { g.Store('x', 2); }}};
}

// Whoever looks right behind its own store may find it there.
Parts LookBehindAStore() {
  return {.threads = {[](GuestProgram& g) {
    g.Store('x', 1);
    g.reg[0] = g.Peek('x');
  }}};
}

// So many orders that they are tried in parts; each shows that the last store could have come earlier by one load.
Parts ManyOrders() {
  return {.threads = {[](GuestProgram& g) {
                        for (int i = 0; i < 5; ++i) g.reg[0] = g.reg[0] * 8 + g.Load('x');
                      },
                      [](GuestProgram& g) {
                        for (std::uint64_t i = 1; i <= 5; ++i) g.Store('x', i);
                      }}};
}

// The wait may be over before the cross call. Whoever ends it does so when the handler has begun, or is over.
Parts InterruptedInAWait() {
  return {.threads = {[](GuestProgram& g) {
                        g.WaitUntilEquals('x', 1, sim::WaitKind::kIdle);
                        g.reg[1] = 1;
                      },
                      [](GuestProgram& g) { g.Store('x', 1); },
                      [](GuestProgram& g) { (void)g.SendMondo(0, 0); }},
          .mondos = {[](GuestProgram& g) { g.reg[0] = 10 + g.reg[1]; }}};
}

// Once both words are there the wait looks at the first one alone, and nothing shows that the other one would have
// ended it.
Parts WaitForEither() {
  return {.threads = {[](GuestProgram& g) {
                        sim::Machine::Get().WaitUntil(
                            SHOOTDOWN_SITE("wait"), sim::WaitKind::kBlocked,
                            [&g] { return g.Peek('y') == 1 || g.Peek('x') == 1; });
                        g.reg[0] = 1 + g.Peek('y');
                      },
                      [](GuestProgram& g) { g.Store('x', 1); },
                      [](GuestProgram& g) { g.Store('y', 1); }}};
}

// In the next two programs `late` comes once the last thread has stored, and so does a store to y.
Parts BehindAStore(GuestProgram::Code first, GuestProgram::Code late,
                   std::vector<GuestProgram::Code> mondos) {
  return {.threads = {std::move(first),
                      [late = std::move(late)](GuestProgram& g) {
                        g.WaitUntilEquals('x', 1, sim::WaitKind::kIdle);
                        late(g);
                      },
                      [](GuestProgram& g) {
                        g.WaitUntilEquals('x', 1, sim::WaitKind::kIdle);
                        g.Store('y', 1);
                      },
                      [](GuestProgram& g) { g.Store('x', 1); }},
          .mondos = std::move(mondos)};
}

// The first thread's load is tried before the last one's store, and sleeps behind that. There the cross call may be
// sent, or what is loaded be stored: before the cross call, too, though the handler does not look at it.
Parts InterruptedAsleep() {
  return BehindAStore([](GuestProgram& g) { g.reg[1] = 1 + g.Load('y'); },
                      [](GuestProgram& g) { (void)g.SendMondo(0, 0); },
                      {[](GuestProgram& g) { g.reg[0] = 10 + g.reg[1]; }});
}

// The same without a cross call: what is stored to z keeps the first thread from looking at y.
Parts LooksNoFurther() {
  return BehindAStore(
      [](GuestProgram& g) {
        if (g.Load('z') == 0) g.reg[0] = 1 + g.Peek('y');
      },
      [](GuestProgram& g) { g.Store('z', 1); }, {});
}

// The first thread's only step has nothing in common with a walk, but none can come after it. Register 0: whether the
// second thread has seen that step, and what the handler finds in the TLB.
Parts WalkBeforeTheLastStep() {
  return {.threads = {[](GuestProgram& g) { g.Store('x', 1); },
                      [](GuestProgram& g) {
                        g.reg[1] = g.Load('x');
                        g.Store('z', 1);
                        (void)g.SendMondo(0, 0);
                      }},
          .mondos = {[](GuestProgram& g) { g.reg[0] = 10 * g.reg[1] + g.Translate(); }},
          .walk = [](const GuestProgram& g) { return g.Peek('z'); }};
}

class FootprintLeftOutTest : public ::testing::TestWithParam<LeftOutCase> {
 protected:
  static Outcomes Of(FootprintLeftOut left_out) {
    GuestProgram program(GetParam().program(), {.memory_model = GetParam().model});
    Outcomes outcomes;
    FootprintOptions options;
    options.left_out = left_out;
    options.events = GetParam().events;
    options.go_on = true;
    options.on_run = [&](const sim::Violation* violation) {
      outcomes.emplace(program.reg[0], violation != nullptr ? violation->check : "");
    };
    EXPECT_TRUE(FootprintDpor(program, options).Explore().complete);
    return outcomes;
  }
};

TEST_P(FootprintLeftOutTest, IsNoticed) {
  const Outcomes all = Of(FootprintLeftOut::kNothing);
  EXPECT_GT(all.size(), 1u);
  EXPECT_LT(Of(GetParam().rule).size(), all.size());
}

INSTANTIATE_TEST_SUITE_P(
    Rules, FootprintLeftOutTest,
    ::testing::Values(
        LeftOutCase{"Reads", FootprintLeftOut::kReads, &StoreAndLoad},
        LeftOutCase{"Interrupts", FootprintLeftOut::kInterrupts, &Interrupted},
        LeftOutCase{"Waits", FootprintLeftOut::kWaits, &WaitForTwo},
        LeftOutCase{"WaitsThatWereOver", FootprintLeftOut::kWaits, &WaitForAMoment},
        LeftOutCase{"AtOnce", FootprintLeftOut::kAtOnce, &LookBehindAStore},
        LeftOutCase{"Wishes", FootprintLeftOut::kWishes, &ManyOrders},
        LeftOutCase{"UndoneStepsInterrupted", FootprintLeftOut::kUndoneSteps, &InterruptedAsleep},
        LeftOutCase{"UndoneSteps", FootprintLeftOut::kUndoneSteps, &LooksNoFurther},
        LeftOutCase{"UndoneLooksInterrupted", FootprintLeftOut::kUndoneLooks, &InterruptedInAWait},
        LeftOutCase{"UndoneLooks", FootprintLeftOut::kUndoneLooks, &WaitForEither,
                    sim::MemoryModel::kSc},
        LeftOutCase{"LastSteps", FootprintLeftOut::kLastSteps, &WalkBeforeTheLastStep,
                    sim::MemoryModel::kSc, 1},
        LeftOutCase{"WakeUps", FootprintLeftOut::kWakeUps, &TwoWriters}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace shootdown::explore
