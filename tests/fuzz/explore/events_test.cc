// What comes to a CPU from outside is tried wherever it makes a difference: random little programs with
// handlers, under a scheduler that knows nothing of what a search leaves out.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/explore/state_search.h"
#include "tests/fuzz/explore/any_order.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;
using Outcomes = std::set<std::string>;

enum class Op : std::uint8_t { kLoad, kStore, kAdd, kFence, kAct, kLook, kTranslate, kCall };
using Code = std::vector<std::pair<Op, char>>;

enum class Handlers : std::uint8_t { kSoftint, kNmi, kBoth };
constexpr std::array kHandlers = {Handlers::kSoftint, Handlers::kNmi, Handlers::kBoth};

constexpr int kRaised = 3;              // the level of a softint that no event is
constexpr std::size_t kRegisters = 16;  // of each thread, and of each CPU's handlers

// Two threads, and handlers of a cross call, of a softint and of an NMI.
class Interrupted {
 public:
  Interrupted(std::uint64_t seed, sim::MemoryModel model)
      : prng_(seed),
        has_(kHandlers[prng_.Below(kHandlers.size())]),
        walks_(prng_.OneIn(2)),
        threads_{Draw(2 + prng_.Below(3), true), Draw(1 + prng_.Below(2), true)},
        handlers_{Draw(1, false), Draw(1 + prng_.Below(2), false), Draw(1, false)},
        program_(PartsOf(), {.memory_model = model, .step_count_max = 200}) {}

  [[nodiscard]] GuestProgram& program() { return program_; }
  [[nodiscard]] std::string Outcome() const {
    std::string text;
    for (std::size_t i = 0; i < GuestProgram::kRegisterCount; ++i) {
      text += std::to_string(program_.reg[i]) + " ";
    }
    for (const char word : {'x', 'y', 'z'}) text += std::to_string(program_.Peek(word)) + " ";
    return text;
  }
  [[nodiscard]] std::string Text() const {
    std::string text;
    for (const Code& code : {threads_[0], threads_[1], handlers_[0], handlers_[1], handlers_[2]}) {
      for (const auto& [op, word] : code) {
        text += std::string(1, "lsafvktc"[static_cast<int>(op)]) + word + " ";
      }
      text += "| ";
    }
    return text;
  }

 private:
  Code Draw(std::uint32_t steps, bool may_call) {
    constexpr std::array kOps = {Op::kLoad, Op::kLoad,  Op::kStore, Op::kStore, Op::kStore,
                                 Op::kAdd,  Op::kFence, Op::kAct,   Op::kLook,  Op::kTranslate};
    Code code;
    for (std::uint32_t i = 0; i < steps; ++i) {
      const bool calls = may_call && prng_.OneIn(10);
      code.emplace_back(calls ? Op::kCall : kOps[prng_.Below(kOps.size())], "xxyz"[prng_.Below(4)]);
    }
    return code;
  }

  GuestProgram::Parts PartsOf() {
    GuestProgram::Parts parts;
    for (std::size_t t = 0; t < threads_.size(); ++t) {
      parts.threads.emplace_back([this, t](GuestProgram& g) { Run(g, threads_[t], t); });
    }
    const auto handler = [this](std::size_t n) {
      return [this, n](GuestProgram& g) {
        Run(g, handlers_[n], 2 + static_cast<std::size_t>(g.machine().cpu()));
      };
    };
    const bool softints = has_ != Handlers::kNmi;
    parts.mondos = {[call = handler(0), softints](GuestProgram& g) {
      call(g);
      if (softints) g.machine().RaiseSoftint(g.machine().cpu(), kRaised);
    }};
    if (softints) {
      parts.softint = [raised = handler(0), other = handler(1)](GuestProgram& g, int level) {
        level == kRaised ? raised(g) : other(g);
      };
    }
    if (has_ != Handlers::kSoftint) parts.nmi = handler(2);
    parts.walks = walks_;
    return parts;
  }

  // Each value is put behind those before it.
  static void Run(GuestProgram& g, const Code& code, std::size_t owner) {
    std::uint64_t* const mine = g.reg + owner * kRegisters;
    for (const auto& [op, word] : code) {
      std::uint64_t value = 0;
      switch (op) {
        case Op::kLoad: value = g.Load(word); break;
        case Op::kStore: g.Store(word, 1 + owner); break;
        case Op::kAdd: value = g.Add(word, 1); break;
        case Op::kFence: g.Fence(); break;
        case Op::kAct: g.Act(1); break;
        case Op::kLook: value = g.Peek(word); break;
        case Op::kTranslate: value = g.Translate(); break;
        case Op::kCall: value = g.SendMondo(1 - g.machine().cpu(), 0) ? 1 : 0; break;
      }
      // Of who is interrupted, how far it has come.
      mine[0] = mine[0] * 16 + value;
      mine[1] = mine[1] * 16 + g.reg[static_cast<std::size_t>(g.machine().cpu()) * kRegisters + 2];
      ++mine[2];
    }
  }

  Prng prng_;
  Handlers has_;
  bool walks_;
  std::array<Code, 2> threads_;
  std::array<Code, 3> handlers_;
  GuestProgram program_;
};

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
                        .walks = true},
                       {.memory_model = sim::MemoryModel::kSc});
  const auto outcomes = [&program](std::uint32_t events) {
    std::set<std::array<std::uint64_t, 3>> met;
    StateOptions options;
    options.events = events;
    options.on_run = [&](const sim::Violation*) {
      met.insert({program.reg[0], program.reg[1], program.reg[2]});
    };
    EXPECT_TRUE(StateSearch(program, options).Explore().complete);
    return met;
  };
  // z is 2 when y has been read.
  constexpr std::array<std::uint64_t, 3> kThroughAWalk = {0, 1, 1};

  EXPECT_FALSE(outcomes(1).contains(kThroughAWalk));
  EXPECT_TRUE(outcomes(2).contains(kThroughAWalk));
}

TEST(EventsTest, NoneIsLeftOutThatMakesADifference) {
  constexpr std::array kModels = {sim::MemoryModel::kSc, sim::MemoryModel::kTso,
                                  sim::MemoryModel::kPso};
  constexpr std::uint64_t kSeeds = 1'000;
  std::uint64_t compared = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    Interrupted random(seed, kModels[seed % kModels.size()]);
    for (const std::uint32_t events : {1u, 2u}) {
      Outcomes ends;
      StateOptions options;
      options.events = events;
      options.state_count_max = 10'000;
      options.go_on = true;
      options.on_run = [&](const sim::Violation*) { ends.insert(random.Outcome()); };
      if (!StateSearch(random.program(), options).Explore().complete) continue;
      ++compared;
      AnyOrder any_order(seed, events);
      for (int run = 0; run < 200; ++run) {
        (void)random.program().Run(any_order);

        ASSERT_TRUE(ends.contains(random.Outcome()))
            << seed << ", run " << run << " with " << events << ": " << random.Text() << "\n"
            << testing::StepsText(random.program().machine());
      }
    }
  }
  EXPECT_GT(compared, kSeeds * 3 / 2);
}

}  // namespace
}  // namespace shootdown::explore
