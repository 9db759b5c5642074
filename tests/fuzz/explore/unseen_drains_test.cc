// A store that nobody else looks at reaches memory at once, and no other moment is tried: what a
// search over states says then is what it says when it tries them all.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/base/content_hash.h"
#include "fuzz/base/prng.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"
#include "fuzz/scenario/generate.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/sim/forget.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;
using Outcomes = std::set<std::string>;

// ---- little programs, most of whose words are one thread's
// ----------------------------------------

constexpr int kThreads = 2;
constexpr int kSteps = 6;
constexpr int kShared =
    2;  // words that anybody uses; and one of each thread, that others use seldom

struct OwnersState {
  program::Word x[kShared + kThreads];
  std::uint64_t r[kThreads * kSteps] = {};
};

class OwnersProgram {
 public:
  explicit OwnersProgram(MemoryModel model) {
    std::vector<std::function<void(OwnersState&)>> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t](OwnersState& state) { RunThread(t, state); });
    }
    program_ =
        std::make_unique<program::ProgramOf<OwnersState>>(program::ProgramOf<OwnersState>::Parts{
            .name = "owners",
            .threads = std::move(threads),
            // Small enough to be full now and then.
            .machine = {.memory_model = model, .store_buffer_entries = 3, .step_count_max = 200}});
  }

  void Become(std::uint64_t seed) {
    Prng prng(seed);
    std::uint64_t value = 0;
    for (int t = 0; t < kThreads; ++t) {
      for (Step& step : steps_[static_cast<std::size_t>(t)]) {
        constexpr std::array kOps = {Op::kLoad,  Op::kLoad,  Op::kStore, Op::kStore, Op::kStore,
                                     Op::kStore, Op::kStore, Op::kAdd,   Op::kFence, Op::kLook};
        step.op = prng.OneIn(16) ? Op::kAwait : kOps[prng.Below(kOps.size())];
        step.word = prng.OneIn(2)    ? kShared + t
                    : prng.OneIn(12) ? kShared + static_cast<int>(prng.Below(kThreads))
                                     : static_cast<int>(prng.Below(kShared));
        step.value = step.op == Op::kAwait ? prng.Below(4) : ++value;
      }
    }
  }

  [[nodiscard]] program::Program& subject() { return *program_; }
  [[nodiscard]] std::string Outcome() {
    const OwnersState& state = program_->state();
    std::string text;
    for (const std::uint64_t value : state.r) text += std::to_string(value) + " ";
    for (const program::Word& word : state.x) text += std::to_string(word.Peek()) + " ";
    for (int c = 0; c < kThreads; ++c) text += program_->machine().WaitsBlocked(c) ? "w" : ".";
    return text;
  }
  [[nodiscard]] std::string Text() const {
    std::string text;
    for (const auto& thread : steps_) {
      for (const Step& step : thread) {
        text += std::string(1, "lsafwk"[static_cast<int>(step.op)]) + "xyab"[step.word] +
                std::to_string(step.value) + " ";
      }
      text += "| ";
    }
    return text;
  }

 private:
  enum class Op : std::uint8_t { kLoad, kStore, kAdd, kFence, kAwait, kLook };
  struct Step {
    Op op;
    int word;
    std::uint64_t value;
  };

  void RunThread(int thread, OwnersState& state) {
    std::uint64_t* reg = &state.r[thread * kSteps];
    for (const Step& step : steps_[static_cast<std::size_t>(thread)]) {
      program::Word& word = state.x[step.word];
      switch (step.op) {
        case Op::kLoad:
          *reg = LOAD(word);
          break;
        case Op::kStore:
          STORE(word, step.value);
          break;
        case Op::kAdd:
          *reg = RMW(word, old + 16);
          break;
        case Op::kFence:
          FENCE();
          break;
        case Op::kAwait:
          *reg = AWAIT(word, now >= step.value) + 1000;
          break;
        case Op::kLook:  // as a judge does: no step, and what memory holds
          *reg = word.Peek() + 2000;
          sim::Learn(*reg);
          break;
      }
      ++reg;
    }
  }

  std::array<std::array<Step, kSteps>, kThreads> steps_{};
  std::unique_ptr<program::ProgramOf<OwnersState>> program_;
};

struct Explored {
  Outcomes outcomes;
  std::uint64_t states = 0;
};

Explored Explore(OwnersProgram& random, StateOptions options) {
  Explored explored;
  options.go_on = true;
  options.on_run = [&](const sim::Violation*) { explored.outcomes.insert(random.Outcome()); };
  const Report report = StateSearch(random.subject(), options).Explore();
  EXPECT_TRUE(report.complete) << random.Text();
  explored.states = report.states;
  return explored;
}

void ExpectTheSame(MemoryModel model, std::uint64_t seeds, StateOptions options) {
  OwnersProgram random(model);
  std::uint64_t fewer = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    random.Become(seed);
    options.drains_unseen = false;
    const Explored all = Explore(random, options);
    options.drains_unseen = true;

    const Explored reduced = Explore(random, options);

    ASSERT_EQ(reduced.outcomes, all.outcomes) << random.Text();
    ASSERT_LE(reduced.states, all.states) << random.Text();
    if (reduced.states < all.states) ++fewer;
  }
  EXPECT_GT(fewer, seeds / 2);
}

TEST(UnseenDrainsTest, UnderTsoNoOutcomeIsLost) { ExpectTheSame(MemoryModel::kTso, 10'000, {}); }

TEST(UnseenDrainsTest, UnderPsoNoOutcomeIsLost) { ExpectTheSame(MemoryModel::kPso, 500, {}); }

TEST(UnseenDrainsTest, WithinABoundNoOutcomeIsLost) {
  for (const std::uint32_t limit : {0u, 1u, 2u}) {
    StateOptions options;
    options.preemptions = limit;
    ExpectTheSame(MemoryModel::kTso, 500, options);
  }
}

// A departure is also a store that lingers; one that nobody sees need not.
TEST(UnseenDrainsTest, WithinDeparturesNoOutcomeIsLost) {
  StateOptions options;
  options.departures = 3;
  ExpectTheSame(MemoryModel::kTso, 500, options);
}

struct LeftOutCase {
  const char* name;
  UseLeftOut rule;
};

class UnseenDrainsLeftOutTest : public ::testing::TestWithParam<LeftOutCase> {};

TEST_P(UnseenDrainsLeftOutTest, IsNoticed) {
  OwnersProgram random(MemoryModel::kTso);
  std::uint64_t lost = 0;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    random.Become(seed);
    const Explored right = Explore(random, {});

    StateOptions options;
    options.left_out = GetParam().rule;
    const Explored wrong = Explore(random, options);

    if (wrong.outcomes != right.outcomes) ++lost;
  }
  EXPECT_GT(lost, 0u);
}

INSTANTIATE_TEST_SUITE_P(Rules, UnseenDrainsLeftOutTest,
                         ::testing::Values(LeftOutCase{"Looks", UseLeftOut::kLooks},
                                           LeftOutCase{"Steps", UseLeftOut::kSteps},
                                           LeftOutCase{"Contradictions",
                                                       UseLeftOut::kContradictions}),
                         [](const auto& test) { return std::string(test.param.name); });

// ---- the kernel
// -------------------------------------------------------------------------------------

// How runs end: with what in memory, or with what found. Nothing: there are more states than so
// many.
std::optional<Outcomes> EndsOf(Simulation& simulation, StateOptions options) {
  constexpr std::uint64_t kStatesMax = 4'000;
  Outcomes ends;
  options.state_count_max = kStatesMax;
  options.go_on = true;
  options.on_run = [&](const sim::Violation* violation) {
    const auto memory = simulation.machine().GuestMemory();
    ends.insert(violation != nullptr ? violation->check
                                     : ToHex(HashBytes({memory.data(), memory.size()})));
  };
  const Report report = StateSearch(simulation, options).Explore();
  if (report.states > kStatesMax) return std::nullopt;
  return ends;
}

TEST(UnseenDrainsTest, KernelsEndInTheSameStates) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Scenario scenario = GenerateScenario(seed);
    scenario.machine.memory_model = MemoryModel::kTso;
    if (ProcessCount(scenario.machine) > kProcessCountMax) continue;
    ScenarioProblem problem;
    const std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
    ASSERT_NE(simulation, nullptr) << problem.message;
    for (const std::optional<std::uint32_t> preemptions : {std::optional<std::uint32_t>(), {1}}) {
      StateOptions options;
      options.preemptions = preemptions;
      options.drains_unseen = false;
      const std::optional<Outcomes> all = EndsOf(*simulation, options);
      if (!all) continue;
      options.drains_unseen = true;

      EXPECT_EQ(EndsOf(*simulation, options), all) << scenario.name << ", seed " << seed;
      ++compared;
    }
  }
  EXPECT_GT(compared, 20);
}

}  // namespace
}  // namespace shootdown::explore
