// Equal states have equal futures: where two runs meet in one state, whatever one of them does
// next, the other can do too, and it comes to the same states and to the same end. So what a search
// over states cuts off is nothing new.
//
// Of what threads forget (fuzz/sim/forget.h) somebody has said that it does not matter: this is the
// test that would notice.
#include "fuzz/explore/state_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/scenario/generate.h"
#include "fuzz/scenario/simulation.h"
#include "tests/fuzz/explore/random_program.h"

namespace shootdown::explore {
namespace {

// A random run, or one that was made before and goes on as is said. Now and then a CPU gets a
// reschedule interrupt or an NMI, loses a TLB entry, puts interrupts off, or walks; or a store
// reaches memory in its own step.
class Walk : public ProcessScheduler {
 public:
  enum class Events : std::uint8_t { kNone, kSome };
  explicit Walk(Events events = Events::kSome) : events_(events == Events::kSome) {}

  struct Choice {
    std::uint8_t process = 0;
    sim::Move::Kind event = sim::Move::Kind::kStep;  // kDrain: of its own store, in one with it
    std::uint8_t arg = 0;
    friend bool operator==(const Choice&, const Choice&) = default;
  };
  using Choices = std::vector<Choice>;

  void Random(std::uint64_t seed) {
    prng_ = Prng(seed);
    follow_ = nullptr;
  }
  // Whatever cannot be chosen is noted.
  void Follow(const Choices* choices) {
    follow_ = choices;
    strayed_ = false;
  }

  [[nodiscard]] const Choices& choices() const { return choices_; }
  [[nodiscard]] const std::vector<Hash128>& states() const { return states_; }
  [[nodiscard]] bool strayed() const { return strayed_; }

 protected:
  void NewRun() override {
    key_.Reset();
    choices_.clear();
    states_.clear();
  }

  Process Choose() override {
    key_.Absorb(machine());
    const ProcessSet enabled = Enabled();
    if (enabled == 0) return kNobody;
    key_.Begin(machine());
    DescribeNext(events_, [this](std::uint64_t word) { key_.Add(word); });
    states_.push_back(key_.End());
    Choice choice;
    if (follow_ == nullptr) {
      choice = Draw(enabled);
    } else if (choices_.size() == follow_->size()) {
      return kCut;
    } else {
      choice = (*follow_)[choices_.size()];
    }
    choices_.push_back(choice);
    const Process p = choice.process;
    if ((enabled & Bit(p)) == 0 || (choice.event != Kind::kStep && !CanMeet(p, choice.event))) {
      strayed_ = true;
      return kCut;
    }
    if (choice.event == Kind::kDrain) {
      StoreAtOnce();
    } else if (choice.event != Kind::kStep) {
      MeetFirst({.kind = choice.event, .arg = choice.arg});
    } else if (const Pending& next = pending(CpuOf(p));
               !IsBuffer(p) && next.kind == sim::StepKind::kRmw && next.word != sim::kNoWord &&
               !machine().InterruptDue(CpuOf(p))) {
      key_.BeforeRmw(next.actor, sim::Machine::PeekWord(next.word));
    }
    return p;
  }

 private:
  using Kind = sim::Move::Kind;

  [[nodiscard]] bool CanMeet(Process p, Kind event) const {
    if (p >= cpu_count() || pending(p).blocked) return false;
    switch (event) {
      case Kind::kDrain:
        return pending(p).kind == sim::StepKind::kStore && pending(p).may_wait &&
               machine().BufferedCount(p) == 0 && !machine().InterruptDue(p);
      case Kind::kResched:
        return machine().takes_softints();
      case Kind::kDefer:
        return machine().takes_softints() && !machine().InterruptsDeferred(p);
      case Kind::kNmi:
        return machine().takes_nmis();
      default:
        return true;
    }
  }

  Choice Draw(ProcessSet enabled) {
    // Mostly the same as before: else nobody comes far in a short time.
    const Process last = choices_.empty() ? 0 : choices_.back().process;
    Process p = last;
    if ((enabled & Bit(last)) == 0 || prng_.OneIn(6)) {
      do {
        p = static_cast<Process>(prng_.Below(static_cast<std::uint32_t>(kProcessCountMax)));
      } while ((enabled & Bit(p)) == 0);
    }
    Choice choice{.process = static_cast<std::uint8_t>(p)};
    if (CanMeet(p, Kind::kDrain) && prng_.OneIn(4)) choice.event = Kind::kDrain;
    if (!events_ || !prng_.OneIn(40)) return choice;
    constexpr std::array kEvents = {Kind::kResched, Kind::kEvict, Kind::kDefer, Kind::kNmi,
                                    Kind::kWalk};
    const Kind event = kEvents[prng_.Below(kEvents.size())];
    if (!CanMeet(p, event)) return choice;
    choice.event = event;
    if (event == Kind::kWalk) choice.arg = static_cast<std::uint8_t>(prng_.Below(2));
    if (event == Kind::kDefer) choice.arg = static_cast<std::uint8_t>(1 + prng_.Below(6));
    return choice;
  }

  const bool events_;
  Prng prng_{0};
  const Choices* follow_ = nullptr;
  StateKey key_;
  Choices choices_;
  std::vector<Hash128> states_;
  bool strayed_ = false;
};

struct Outcome {
  std::string verdict;
  std::vector<Hash128> states;
  bool strayed;
};

// Lets `walks` random runs go; wherever one meets another that came by other choices, the two
// change places from there on. Returns how often that was. `result` is what the last run left behind.
int MeetAndCompare(sim::Subject& subject, Walk& walk, int walks, const std::string& name,
                   const std::function<std::string()>& result) {
  subject.machine().KeepMemoryMarks(true);
  const auto run = [&]() -> Outcome {
    const sim::Violation* const violation = subject.RunOnce(walk);
    return {.verdict = (violation == nullptr ? "clean " : violation->check + " ") + result(),
            .states = walk.states(),
            .strayed = walk.strayed()};
  };
  std::map<Hash128, Walk::Choices> first;  // what led to a state
  int met = 0;
  for (int w = 0; w < walks; ++w) {
    walk.Random(static_cast<std::uint64_t>(w));
    const Outcome here = run();
    const Walk::Choices choices = walk.choices();
    bool compared = false;
    for (std::size_t i = 1; i < choices.size(); ++i) {
      const auto head = choices.begin() + static_cast<std::ptrdiff_t>(i);
      Walk::Choices path(choices.begin(), head);
      const auto [at, is_new] = first.try_emplace(here.states[i], path);
      // The nearest meeting only: those behind it have mostly the same cause.
      if (is_new || compared || at->second == path) continue;
      compared = true;
      ++met;
      Walk::Choices there = at->second;
      const std::size_t meeting = there.size();
      there.insert(there.end(), head, choices.end());
      walk.Follow(&there);
      const Outcome other = run();
      EXPECT_FALSE(other.strayed) << name << ", walk " << w;
      EXPECT_EQ(other.verdict, here.verdict) << name << ", walk " << w;
      const auto after = std::span(here.states).subspan(i);
      const auto after_there = std::span(other.states).subspan(meeting);
      const auto parted = std::ranges::mismatch(after, after_there);
      EXPECT_TRUE(parted.in1 == after.end() && parted.in2 == after_there.end())
          << name << ", walk " << w << ": alike from choice " << i << " to "
          << (parted.in1 - after.begin()) << " choices later";
      if (::testing::Test::HasFailure()) return met;
    }
  }
  subject.machine().KeepMemoryMarks(false);
  return met;
}

int MeetAndCompare(const Scenario& scenario, int walks) {
  if (ProcessCount(scenario.machine) > kProcessCountMax) return 0;
  ScenarioProblem problem;
  const std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
  EXPECT_NE(simulation, nullptr) << problem.message;
  if (simulation == nullptr) return 0;
  Walk walk;
  return MeetAndCompare(*simulation, walk, walks, scenario.name, [] { return ""; });
}

TEST(StateKeyTest, EqualStatesHaveEqualFutures) {
  int met = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    met += MeetAndCompare(GenerateScenario(seed), 12);
    if (HasFailure()) return;
  }
  EXPECT_GT(met, 2000);
}

// Without events fewer states are told apart: which CPU was the last to look matters only where a drain may
// end its wait, and few runs of scenarios come there.
TEST(StateKeyTest, EqualStatesOfProgramsHaveEqualFuturesWithoutEvents) {
  program::RandomProgram random(sim::MemoryModel::kTso, program::RandomProgram::Words::kAwaited);
  Walk walk(Walk::Events::kNone);
  int met = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    random.Become(seed);
    met += MeetAndCompare(random.subject(), walk, 40, random.Text(), [&] { return random.Outcome(); });
    if (HasFailure()) return;
  }
  EXPECT_GT(met, 2000);
}

// A search that gives up a run at a known state would else give up what a judge is about to find.
TEST(StateKeyTest, WhatAJudgeNotesStandsInGuestMemory) {
  const Scenario scenario = {.name = "unmap",
                             .summary = "",
                             .commit = "",
                             .machine = {.cpu_count = 1},
                             .version = {},
                             .tasks = {{.name = "app",
                                        .process = "",
                                        .cpu = 0,
                                        .setup = {{"mmap A"}, {"touch A"}},
                                        .ops = {{"munmap A"}}}},
                             .checks_on = {},
                             .checks_off = {},
                             .expected = "clean"};
  ScenarioProblem problem;
  const std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
  ASSERT_NE(simulation, nullptr) << problem.message;
  const sim::Machine& machine = simulation->machine();
  Walk walk;
  walk.Random(0);

  ASSERT_EQ(simulation->Run(walk), nullptr);

  const std::span<const char> memory = machine.GuestMemory();
  int noted = 0;
  for (std::size_t at = 0; at < memory.size(); at += 8) {
    const auto* const word = reinterpret_cast<const std::uint64_t*>(memory.data() + at);
    if (*word == 0) continue;
    const std::string object = sim::Arena::Live().NameOf(sim::Arena::IndexOf(word));
    if (object.starts_with("differential_read")) ++noted;
  }
  EXPECT_GT(noted, 0);
}

}  // namespace
}  // namespace shootdown::explore
