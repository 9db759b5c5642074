// A store that nobody else looks at while it may still wait reaches memory at once, though others
// use its word at other times: what a search over states says then is what it says when it tries
// all moments.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "fuzz/explore/state_search.h"
#include "fuzz/sim/forget.h"
#include "tests/fuzz/explore/locked_program.h"

namespace shootdown::explore {
namespace {

using program::LockedProgram;
using program::MemoryModel;
using program::Word;

struct Explored {
  std::set<std::string> outcomes;
  Report report;
};

Explored Explore(LockedProgram& random, StateOptions options) {
  Explored explored;
  options.go_on = true;
  options.on_run = [&](const sim::Violation*) { explored.outcomes.insert(random.Outcome()); };
  explored.report = StateSearch(random.subject(), options).Explore();
  EXPECT_TRUE(explored.report.complete) << random.Text();
  return explored;
}

void ExpectTheSame(std::uint64_t seeds, StateOptions options) {
  LockedProgram random(MemoryModel::kTso);
  std::uint64_t states = 0;
  std::uint64_t states_of_all = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    random.Become(seed);
    options.drains_unseen = false;
    const Explored all = Explore(random, options);
    options.drains_unseen = true;

    const Explored reduced = Explore(random, options);

    ASSERT_EQ(reduced.outcomes, all.outcomes) << seed << ": " << random.Text();
    states += reduced.report.states;
    states_of_all += all.report.states;
  }
  EXPECT_LT(states, states_of_all * 9 / 10);
}

TEST(LingeringStoresTest, NoOutcomeIsLost) { ExpectTheSame(4'000, {}); }

TEST(LingeringStoresTest, WithinABoundNoOutcomeIsLost) {
  for (const std::uint32_t limit : {0u, 1u, 2u}) {
    StateOptions options;
    options.preemptions = limit;
    ExpectTheSame(500, options);
  }
}

// Of these programs: within departures some schedules count as further away than with all stores in the
// buffer (AStoreBehindOneThatNobodySeesLingersAtItsOwnCost).
TEST(LingeringStoresTest, WithinDeparturesNoOutcomeIsLost) {
  StateOptions options;
  options.departures = 3;
  ExpectTheSame(500, options);
}

struct LeftOutCase {
  const char* name;
  UseLeftOut rule;
};

class LingeringStoresLeftOutTest : public ::testing::TestWithParam<LeftOutCase> {};

TEST_P(LingeringStoresLeftOutTest, IsNoticed) {
  LockedProgram random(MemoryModel::kTso);
  std::uint64_t lost = 0;
  for (const std::optional<std::uint32_t> preemptions : {std::optional<std::uint32_t>(), {0}}) {
    for (std::uint64_t seed = 0; seed < 700; ++seed) {
      random.Become(seed);
      StateOptions options;
      options.preemptions = preemptions;
      const Explored right = Explore(random, options);
      options.left_out = GetParam().rule;

      const Explored wrong = Explore(random, options);

      if (wrong.outcomes != right.outcomes) ++lost;
    }
  }
  EXPECT_GT(lost, 0u);
}

INSTANTIATE_TEST_SUITE_P(Rules, LingeringStoresLeftOutTest,
                         ::testing::Values(LeftOutCase{"Looks", UseLeftOut::kLooks},
                                           LeftOutCase{"Steps", UseLeftOut::kSteps},
                                           LeftOutCase{"Contradictions",
                                                       UseLeftOut::kContradictions},
                                           LeftOutCase{"Drains", UseLeftOut::kDrains},
                                           LeftOutCase{"Order", UseLeftOut::kOrder}),
                         [](const auto& test) { return std::string(test.param.name); });

struct Published {
  Word started;
  Word x;
  Word published;
  Word other;
  std::uint64_t seen[2] = {};
};

// One thread comes to the same state with a store to `x` that may linger, and with one that cannot,
// and remembers nothing. So what could be waiting is a part of the state.
TEST(LingeringStoresTest, StatesInWhichSomethingElseCouldBeWaitingAreTwo) {
  program::ProgramOf<Published> program({.name = "published",
                                         .threads = {[](Published& p) {
                                                       RMW(p.started, 1);
                                                       {
                                                         const sim::Forgetting scope(
                                                             SHOOTDOWN_SITE("publish"));
                                                         if (LOAD(p.published) == 0) {
                                                           p.x.Store(SHOOTDOWN_SITE("first"), 1);
                                                           FENCE();
                                                         } else {
                                                           STORE(p.x, 1);
                                                         }
                                                       }
                                                       p.seen[0] = LOAD(p.other) + 1;
                                                     },
                                                     [](Published& p) {
                                                       AWAIT(p.started, now != 0);
                                                       STORE(p.published, 1);
                                                       FENCE();
                                                       STORE(p.other, 1);
                                                       FENCE();
                                                       p.seen[1] = LOAD(p.x) + 1;
                                                     }},
                                         .machine = {.memory_model = MemoryModel::kTso}});
  const auto neither_sees_the_other = [&program](UseLeftOut left_out) {
    bool met = false;
    StateOptions options;
    options.left_out = left_out;
    options.on_run = [&](const sim::Violation*) {
      const Published& end = program.state();
      met = met || (end.seen[0] == 1 && end.seen[1] == 1);
    };
    EXPECT_TRUE(StateSearch(program, options).Explore().complete);
    return met;
  };

  EXPECT_TRUE(neither_sees_the_other(UseLeftOut::kNothing));
  EXPECT_FALSE(neither_sees_the_other(UseLeftOut::kMeetings));
}

struct Ended {
  Word first;
  Word last;
  Word other;
  Word both;
  std::uint64_t seen[3] = {};
};

// The last store of all arrives behind another one, and only who waits, for ever by then, looks at
// it there. If it lingers, that wait is over in between.
TEST(LingeringStoresTest, WhoWaitsForEverHasLookedToo) {
  program::ProgramOf<Ended> program(
      {.name = "ended",
       .threads = {[](Ended& p) {
                     STORE(p.first, 1);
                     STORE(p.last, 1);
                     p.seen[0] = p.other.Peek() + 1;
                     sim::Learn(p.seen[0]);
                   },
                   [](Ended& p) {
                     STORE(p.other, 1);
                     FENCE();
                     p.seen[1] = LOAD(p.first) + 1;
                     if (p.seen[1] == 1) STORE(p.both, 1);
                   },
                   [](Ended& p) {
                     sim::Machine::Get().WaitUntil(
                         SHOOTDOWN_SITE("between"), sim::WaitKind::kBlocked, [&p] {
                           return p.both.Peek() == 1 && p.first.Peek() == 1 && p.last.Peek() == 0;
                         });
                     p.seen[2] = 1;
                   }},
       .machine = {.memory_model = MemoryModel::kTso}});
  for (const bool drains_unseen : {false, true}) {
    bool met = false;
    StateOptions options;
    options.go_on = true;
    options.drains_unseen = drains_unseen;
    options.on_run = [&](const sim::Violation*) {
      const Ended& end = program.state();
      met = met || (end.seen[0] == 1 && end.seen[1] == 1 && end.seen[2] == 1);
    };

    EXPECT_TRUE(StateSearch(program, options).Explore().complete);

    EXPECT_TRUE(met) << "drains unseen: " << drains_unseen;
  }
}

struct Behind {
  Word started;
  Word first;
  Word unseen;
  Word second;
  Word answer;
  Word other;
  std::uint64_t seen[3] = {};
};

// The second store lingers behind the one that nobody sees, which lingers behind the first one.
// Where the one in between leaves at once, the second one is a departure of its own.
TEST(LingeringStoresTest, AStoreBehindOneThatNobodySeesLingersAtItsOwnCost) {
  program::ProgramOf<Behind> program({.name = "behind",
                                      .threads = {[](Behind& p) {
                                                    STORE(p.started, 1);
                                                    STORE(p.first, 1);
                                                    STORE(p.unseen, 1);
                                                    AWAIT(p.answer, now != 0);
                                                    STORE(p.second, 1);
                                                    p.seen[0] = LOAD(p.other) + 1;
                                                  },
                                                  [](Behind& p) {
                                                    AWAIT(p.started, now != 0);
                                                    p.seen[1] = LOAD(p.first) + 1;
                                                    AWAIT(p.first, now != 0);
                                                    STORE(p.answer, 1);
                                                  },
                                                  [](Behind& p) {
                                                    AWAIT(p.answer, now != 0);
                                                    STORE(p.other, 1);
                                                    FENCE();
                                                    p.seen[2] = LOAD(p.second) + 1;
                                                  }},
                                      .machine = {.memory_model = MemoryModel::kTso}});
  // The fewest departures with which both linger.
  const auto departures = [&program](bool drains_unseen) {
    bool met = false;
    StateOptions options;
    options.drains_unseen = drains_unseen;
    options.departures = 0;
    options.on_run = [&](const sim::Violation*) {
      const Behind& end = program.state();
      met = met || (end.seen[0] == 1 && end.seen[1] == 1 && end.seen[2] == 1);
    };
    for (;; ++*options.departures) {
      EXPECT_TRUE(StateSearch(program, options).Explore().complete);
      if (met || *options.departures == 4) return *options.departures;
    }
  };

  EXPECT_EQ(departures(false), 1u);
  EXPECT_EQ(departures(true), 2u);
}

}  // namespace
}  // namespace shootdown::explore
