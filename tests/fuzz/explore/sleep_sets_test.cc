// Of steps that touch nothing in common one order is tried: the search over states meets the same
// states as if it tried both.
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
#include "fuzz/sim/forget.h"
#include "tests/fuzz/explore/random_program.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;
using program::RandomProgram;
using program::Word;

struct Explored {
  Report report;
  std::set<std::string> outcomes;
};

StateOptions SleepSets(SleepLeftOut left_out = SleepLeftOut::kNothing) {
  StateOptions options;
  options.sleep_sets = true;
  options.sleep_left_out = left_out;
  return options;
}

Explored Explore(RandomProgram& random, StateOptions options) {
  Explored explored;
  options.go_on = true;  // a deadlock is an outcome like others
  options.on_run = [&](const sim::Violation*) { explored.outcomes.insert(random.Outcome()); };
  explored.report = StateSearch(random.subject(), options).Explore();
  EXPECT_TRUE(explored.report.complete) << random.Text();
  return explored;
}

TEST(SleepSetsTest, NoStateAndNoOutcomeIsLostAndFewerRunsAreMade) {
  RandomProgram random(MemoryModel::kSc);
  std::uint64_t runs = 0;
  std::uint64_t runs_of_all = 0;
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    random.Become(seed);
    const Explored all = Explore(random, {});

    const Explored asleep = Explore(random, SleepSets());

    ASSERT_EQ(asleep.report.states, all.report.states) << random.Text();
    ASSERT_EQ(asleep.report.digest, all.report.digest) << random.Text();
    ASSERT_EQ(asleep.outcomes, all.outcomes) << random.Text();
    runs += asleep.report.executions + asleep.report.blocked;
    runs_of_all += all.report.executions + all.report.blocked;
  }
  EXPECT_LT(runs, runs_of_all * 3 / 4);
}

// Random programs whose threads remember nothing: so steps on one word may come to the same in
// either order, and a state is met in ways that no reordering of independent steps explains.
class ForgetfulProgram {
 public:
  ForgetfulProgram() {
    std::vector<std::function<void(State&)>> threads;
    threads.reserve(steps_.size());
    for (const Steps& steps : steps_) {
      threads.emplace_back([&steps](State& s) { RunThread(steps, s); });
    }
    program_ = std::make_unique<program::ProgramOf<State>>(
        program::ProgramOf<State>::Parts{.name = "forgetful",
                                         .threads = std::move(threads),
                                         .machine = {.memory_model = MemoryModel::kSc}});
  }
  void Become(std::uint64_t seed) {
    Prng prng(seed);
    for (auto& steps : steps_) {
      for (Step& step : steps) {
        step = {.op = static_cast<Op>(prng.Below(3)), .word = prng.Below(kWordCount)};
      }
    }
  }
  [[nodiscard]] sim::Subject& subject() { return *program_; }

 private:
  static constexpr std::uint32_t kWordCount = 4;
  struct State {
    Word x[kWordCount];
  };
  enum class Op : std::uint8_t { kLoad, kStore, kAdd };
  struct Step {
    Op op;
    std::uint32_t word;
  };
  using Steps = std::array<Step, 3>;

  static void RunThread(const Steps& steps, State& s) {
    sim::Forgetting step_after_step(SHOOTDOWN_SITE("forgetful"));
    for (std::size_t i = 0; i < steps.size(); ++i) {
      step_after_step.Again(i);
      Word& word = s.x[steps[i].word];
      switch (steps[i].op) {
        case Op::kLoad:
          (void)LOAD(word);
          break;
        case Op::kStore:
          STORE(word, 1);
          break;
        case Op::kAdd:
          RMW(word, old + 1);
          break;
      }
    }
  }

  std::array<Steps, 4> steps_{};
  std::unique_ptr<program::ProgramOf<State>> program_;
};

// How many of the programs have another graph of states with one search than with the other.
std::uint64_t CountDifferences(const StateOptions& one, const StateOptions& other,
                               std::uint64_t seeds) {
  ForgetfulProgram random;
  std::uint64_t different = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    random.Become(seed);
    const Report left = StateSearch(random.subject(), one).Explore();
    const Report right = StateSearch(random.subject(), other).Explore();
    if (left.digest != right.digest || left.states != right.states) ++different;
  }
  return different;
}

TEST(SleepSetsTest, NoStateIsLostWhereThreadsForget) {
  EXPECT_EQ(CountDifferences({}, SleepSets(), 1'000), 0u);
}

class SleepSetsLeftOutTest : public ::testing::TestWithParam<SleepLeftOut> {};

TEST_P(SleepSetsLeftOutTest, IsNoticed) {
  EXPECT_GT(CountDifferences(SleepSets(), SleepSets(GetParam()), 300), 0u);
}

INSTANTIATE_TEST_SUITE_P(Rules, SleepSetsLeftOutTest,
                         ::testing::Values(SleepLeftOut::kWakeUps, SleepLeftOut::kMeetings),
                         [](const auto& test) {
                           return std::string(test.param == SleepLeftOut::kWakeUps ? "WakeUps"
                                                                                   : "Meetings");
                         });

struct Spin {
  Word lock;
  Word other;
  Word counted;
};

// Until the lock is free, which it never is if `held`.
void SpinFor(Spin& s) {
  sim::Forgetting round(SHOOTDOWN_SITE("spin"));
  while (LOAD(s.lock) != 0) round.Again();
}

// What leads to the end of a run may be what sleeps: a run that may never end is no run without an
// end.
TEST(SleepSetsTest, ARunThatComesBackToWhereItWasIsNoLivelockIfItMayEnd) {
  for (const bool held : {false, true}) {
    program::ProgramOf<Spin> program(
        {.name = "spin",
         .threads = {[held](Spin& s) {
                       STORE(s.other, 1);
                       if (!held) STORE(s.lock, 0);
                     },
                     &SpinFor, [](Spin& s) { RMW(s.counted, old + 1); }},
         .machine = {.memory_model = MemoryModel::kSc, .step_count_max = 100},
         .start = {.lock = Word{1}, .other = {}, .counted = {}}});
    const Report all = StateSearch(program, {}).Explore();

    const Report asleep = StateSearch(program, SleepSets()).Explore();

    EXPECT_EQ(all.violation.has_value(), held);
    EXPECT_EQ(asleep.violation.has_value(), held);
    EXPECT_EQ(asleep.complete, all.complete);
    EXPECT_EQ(asleep.digest, all.digest);
  }
}

TEST(SleepSetsTest, ASearchThatWasInterruptedGoesOn) {
  RandomProgram random(MemoryModel::kSc);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    random.Become(seed);
    const Report whole = StateSearch(random.subject(), SleepSets()).Explore();
    StateOptions options = SleepSets();
    options.go_on = true;
    std::string saved;
    Report report;
    options.execution_count_max = 3;
    while (!report.complete) {
      StateSearch search(random.subject(), options);
      if (!saved.empty()) {
        ASSERT_TRUE(search.Load(saved));
      }
      report = search.Explore();
      saved.clear();
      search.Save(saved);
    }
    if (whole.violation) continue;  // it ended there
    ASSERT_EQ(report.digest, whole.digest) << random.Text();
    ASSERT_EQ(report.executions, whole.executions) << random.Text();
  }
}

}  // namespace
}  // namespace shootdown::explore
