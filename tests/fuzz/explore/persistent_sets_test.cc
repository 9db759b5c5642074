// Some of those who can go on are tried alone: all ends of runs are met all the same, and all that is
// wrong on the way.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"
#include "fuzz/sim/forget.h"
#include "tests/puzzles/tlb_race.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;
using program::Word;

StateOptions PersistentSets(SleepLeftOut left_out = SleepLeftOut::kNothing) {
  StateOptions options;
  options.sleep_sets = true;
  options.persistent_sets = true;
  options.sleep_left_out = left_out;
  return options;
}

// Random programs in which what a thread does depends on what it finds, so that some steps are seen late;
// with words of one thread, words of two, and words that somebody uses no more; threads wait, some
// forget, and now and then one finds fault.
class BranchingProgram {
 public:
  BranchingProgram() {
    std::vector<std::function<void(State&)>> threads;
    for (std::size_t t = 0; t < kThreadCount; ++t) {
      threads.emplace_back([this, t](State& s) { RunThread(t, s); });
    }
    program_ = std::make_unique<program::ProgramOf<State>>(
        program::ProgramOf<State>::Parts{.name = "branching",
                                         .threads = std::move(threads),
                                         .machine = {.memory_model = MemoryModel::kSc}});
  }
  void Become(std::uint64_t seed) {
    Prng prng(seed);
    forgets_ = prng.OneIn(2);
    const bool awaits = prng.OneIn(2);
    const bool finds_fault = prng.OneIn(3);
    for (std::size_t t = 0; t < kThreadCount; ++t) {
      for (Step& step : steps_[t]) {
        step.op = static_cast<Op>(prng.Below(5));
        if (awaits && prng.OneIn(8)) step.op = Op::kAwait;
        if (finds_fault && prng.OneIn(8)) step.op = Op::kRequire;
        step.word = Draw(prng, t);
        step.other = Draw(prng, t);
        step.value = prng.Below(3);
      }
    }
  }
  [[nodiscard]] sim::Subject& subject() { return *program_; }
  // Registers and memory after the last run, and who waits for ever.
  [[nodiscard]] std::string Outcome() {
    const State& s = program_->state();
    std::string text;
    for (const std::uint64_t value : s.r) text += std::to_string(value) + " ";
    for (const Word& word : s.x) text += std::to_string(word.Peek()) + " ";
    for (int c = 0; c < static_cast<int>(kThreadCount); ++c) {
      text += program_->machine().WaitsBlocked(c) ? "w" : ".";
    }
    return text;
  }

 private:
  static constexpr std::size_t kThreadCount = 4;
  static constexpr std::size_t kStepCount = 3;
  static constexpr std::uint32_t kWordCount = 8;
  struct State {
    Word x[kWordCount];
    std::uint64_t r[kThreadCount * kStepCount];
  };
  enum class Op : std::uint8_t {
    kLoad,
    kStore,
    kAdd,
    kStoreIf,  // to another word, if this one is not 0
    kFence,
    kAwait,
    kRequire,  // that the word holds less
  };
  struct Step {
    Op op = Op::kLoad;
    std::uint32_t word = 0;
    std::uint32_t other = 0;
    std::uint64_t value = 0;
  };

  // A word of its own, or one that it shares with the next thread.
  static std::uint32_t Draw(Prng& prng, std::size_t thread) {
    const auto t = static_cast<std::uint32_t>(thread);
    if (prng.OneIn(4)) return 4 + t;
    return (t + prng.Below(2)) % 4;
  }

  void RunThread(std::size_t thread, State& s) {
    sim::Forgetting step_after_step(SHOOTDOWN_SITE("branching"));
    for (std::size_t i = 0; i < kStepCount; ++i) {
      std::uint64_t forgotten = 0;
      std::uint64_t* const reg = forgets_ ? &forgotten : &s.r[thread * kStepCount + i];
      if (forgets_) step_after_step.Again(i);
      const Step& step = steps_[thread][i];
      Word& word = s.x[step.word];
      switch (step.op) {
        case Op::kLoad: *reg = LOAD(word); break;
        case Op::kStore: STORE(word, step.value); break;
        case Op::kAdd: *reg = RMW(word, old + 1); break;
        case Op::kStoreIf:
          *reg = LOAD(word);
          if (*reg != 0) STORE(s.x[step.other], *reg + 1);
          break;
        case Op::kFence: FENCE(); break;
        case Op::kAwait: *reg = AWAIT(word, now >= step.value); break;
        case Op::kRequire: REQUIRE(LOAD(word) <= step.value, "too much"); break;
      }
    }
  }

  bool forgets_ = false;
  std::array<std::array<Step, kStepCount>, kThreadCount> steps_{};
  std::unique_ptr<program::ProgramOf<State>> program_;
};

struct Explored {
  Report report;
  std::set<std::string> outcomes;
};

Explored Explore(BranchingProgram& random, StateOptions options) {
  Explored explored;
  options.on_run = [&](const sim::Violation* /*violation*/) {
    explored.outcomes.insert(random.Outcome());
  };
  explored.report = StateSearch(random.subject(), options).Explore();
  return explored;
}

// Where nothing is wrong the outcomes are the same; and something is found wrong if anything is.
bool Agree(const Explored& all, const Explored& some) {
  if (all.report.violation.has_value() != some.report.violation.has_value()) return false;
  return all.report.violation.has_value() || all.outcomes == some.outcomes;
}

TEST(PersistentSetsTest, NoEndAndNothingWrongIsLostAndFewerStatesAreMet) {
  BranchingProgram random;
  std::uint64_t states = 0;
  std::uint64_t states_of_all = 0;
  int wrong = 0;
  constexpr int kProgramCount = 3'000;
  for (std::uint64_t seed = 0; seed < kProgramCount; ++seed) {
    random.Become(seed);
    const Explored all = Explore(random, {});

    const Explored some = Explore(random, PersistentSets());

    ASSERT_TRUE(Agree(all, some)) << "seed " << seed;
    if (all.report.violation) {
      ++wrong;
      continue;
    }
    ASSERT_TRUE(some.report.complete);
    ASSERT_LE(some.report.states, all.report.states);
    states += some.report.states;
    states_of_all += all.report.states;
  }
  EXPECT_LT(states, states_of_all / 2);
  EXPECT_GT(wrong, kProgramCount / 10);
  EXPECT_LT(wrong, kProgramCount / 2);
}

// An assertion ends a run early: what others did before it is an outcome, too.
TEST(PersistentSetsTest, WhoGoesOnAfterAViolationSeesAllOutcomes) {
  BranchingProgram random;
  StateOptions without;
  without.go_on = true;
  StateOptions asleep = without;
  asleep.sleep_sets = true;
  StateOptions persistent = PersistentSets();
  persistent.go_on = true;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    random.Become(seed);
    const Explored all = Explore(random, without);
    for (const StateOptions& reduced : {asleep, persistent}) {
      const Explored some = Explore(random, reduced);

      ASSERT_EQ(some.outcomes, all.outcomes) << "seed " << seed;
      ASSERT_EQ(some.report.violation.has_value(), all.report.violation.has_value());
    }
  }
}

class PersistentSetsLeftOutTest : public ::testing::TestWithParam<SleepLeftOut> {};

TEST_P(PersistentSetsLeftOutTest, IsNoticed) {
  BranchingProgram random;
  int different = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    random.Become(seed);
    const Explored all = Explore(random, {});

    const Explored some = Explore(random, PersistentSets(GetParam()));

    if (!Agree(all, some)) ++different;
  }
  EXPECT_GT(different, 0);
}

INSTANTIATE_TEST_SUITE_P(Rules, PersistentSetsLeftOutTest,
                         ::testing::Values(SleepLeftOut::kNews, SleepLeftOut::kLater,
                                           SleepLeftOut::kWakeUps),
                         [](const auto& test) {
                           switch (test.param) {
                             case SleepLeftOut::kNews: return "News";
                             case SleepLeftOut::kLater: return "Later";
                             default: return "WakeUps";
                           }
                         });

struct Spin {
  Word never;
  Word other;
};

// Nobody gets in the way of one that goes around for ever; but he is not all there is.
TEST(PersistentSetsTest, WhoGoesAroundForEverKeepsNobodyFromBeingTried) {
  program::ProgramOf<Spin> program(
      {.name = "spin",
       .threads = {[](Spin& s) {
                     sim::Forgetting round(SHOOTDOWN_SITE("spin"));
                     while (LOAD(s.never) == 0) round.Again();
                   },
                   [](Spin& s) { REQUIRE(LOAD(s.other) != 0, "nothing there"); }},
       .machine = {.memory_model = MemoryModel::kSc, .step_count_max = 100},
       .start = {}});

  const Report report = StateSearch(program, PersistentSets()).Explore();

  ASSERT_TRUE(report.violation.has_value());
  EXPECT_EQ(report.violation->check, "assertion");
}

TEST(PersistentSetsTest, TheRaceOfTheSeedIsFoundAndItsFixIsProvedWithFewerStates) {
  for (const bool fixed : {false, true}) {
    for (const auto mmget : {puzzles::Mmget::kOneStep, puzzles::Mmget::kCompareAndSwap}) {
      const auto program = puzzles::TlbRace({.cpus = 3, .fixed = fixed, .mmget = mmget});
      const Report all = StateSearch(*program, {}).Explore();

      const Report some = StateSearch(*program, PersistentSets()).Explore();

      EXPECT_EQ(all.violation.has_value(), !fixed);
      EXPECT_EQ(some.violation.has_value(), !fixed);
      EXPECT_EQ(some.complete, fixed);
      if (fixed) {
        EXPECT_LT(some.states, all.states / 2);
      }
    }
  }
}

TEST(PersistentSetsTest, ASearchThatWasInterruptedGoesOn) {
  BranchingProgram random;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    random.Become(seed);
    const Report whole = StateSearch(random.subject(), PersistentSets()).Explore();
    StateOptions options = PersistentSets();
    options.execution_count_max = 3;
    std::string saved;
    Report report;
    while (!report.complete && !report.violation) {
      StateSearch search(random.subject(), options);
      if (!saved.empty()) {
        ASSERT_TRUE(search.Load(saved));
      }
      report = search.Explore();
      saved.clear();
      search.Save(saved);
    }
    ASSERT_EQ(report.violation.has_value(), whole.violation.has_value());
    ASSERT_EQ(report.digest, whole.digest) << "seed " << seed;
    ASSERT_EQ(report.states, whole.states) << "seed " << seed;
  }
}

}  // namespace
}  // namespace shootdown::explore
