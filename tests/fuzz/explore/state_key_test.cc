// Equal states have equal futures: where two runs meet in one state, whatever one of them does
// next, the other can do too, and it comes to the same states and to the same end. So what a search
// over states cuts off is nothing new.
//
// Of what threads forget (fuzz/sim/forget.h) somebody has said that it does not matter: this is the
// test that would notice.
#include "fuzz/explore/state_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/simulation_subject.h"
#include "fuzz/scenario/generate.h"
#include "fuzz/scenario/simulation.h"

namespace shootdown::explore {
namespace {

// A random run, or one that was made before and goes on as is said. Now and then a CPU gets a
// reschedule interrupt, or loses a TLB entry.
class Walk : public ProcessScheduler {
 public:
  using Choices = std::vector<std::uint8_t>;

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
    DescribeNext([this](std::uint64_t word) { key_.Add(word); });
    states_.push_back(key_.End());
    std::uint8_t choice = 0;
    if (follow_ == nullptr) {
      choice = Draw(enabled);
    } else if (choices_.size() == follow_->size()) {
      return kCut;
    } else {
      choice = (*follow_)[choices_.size()];
    }
    choices_.push_back(choice);
    const Process p = choice & 0x3f;
    if ((enabled & Bit(p)) == 0 || (choice >= 0x40 && pending(CpuOf(p)).blocked)) {
      strayed_ = true;
      return kCut;
    }
    if (choice >= 0x80) {
      MeetFirst({.kind = sim::Move::Kind::kEvict});
    } else if (choice >= 0x40) {
      MeetFirst({.kind = sim::Move::Kind::kResched});
    } else if (const Pending& next = pending(CpuOf(p));
               !IsBuffer(p) && next.kind == sim::StepKind::kRmw && next.word != sim::kNoWord &&
               !machine().InterruptDue(CpuOf(p))) {
      key_.BeforeRmw(next.actor, sim::Machine::PeekWord(next.word));
    }
    return p;
  }

 private:
  std::uint8_t Draw(ProcessSet enabled) {
    // Mostly the same as before: else nobody comes far in a short time.
    const Process last = choices_.empty() ? 0 : choices_.back() & 0x3f;
    Process p = last;
    if ((enabled & Bit(last)) == 0 || prng_.OneIn(6)) {
      do {
        p = static_cast<Process>(prng_.Below(static_cast<std::uint32_t>(kProcessCountMax)));
      } while ((enabled & Bit(p)) == 0);
    }
    const bool event = p < cpu_count() && !pending(p).blocked && prng_.OneIn(40);
    const int kind = !event ? 0 : prng_.OneIn(2) ? 0x80 : 0x40;
    return static_cast<std::uint8_t>(kind | p);
  }

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
// change places from there on. Returns how often that was.
int MeetAndCompare(const Scenario& scenario, int walks) {
  if (ProcessCount(scenario.machine) > kProcessCountMax) return 0;
  ScenarioProblem problem;
  const std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
  EXPECT_NE(simulation, nullptr) << problem.message;
  if (simulation == nullptr) return 0;
  simulation->machine().KeepMemoryMarks(true);
  Walk walk;
  const auto run = [&]() -> Outcome {
    const check::Finding* const finding = simulation->Run(walk);
    return {.verdict = finding == nullptr ? "clean" : std::string(finding->check->name),
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
      EXPECT_FALSE(other.strayed) << scenario.name << ", walk " << w;
      EXPECT_EQ(other.verdict, here.verdict) << scenario.name << ", walk " << w;
      const auto after = std::span(here.states).subspan(i);
      const auto after_there = std::span(other.states).subspan(meeting);
      const auto parted = std::ranges::mismatch(after, after_there);
      EXPECT_TRUE(parted.in1 == after.end() && parted.in2 == after_there.end())
          << scenario.name << ", walk " << w << ": alike from choice " << i << " to "
          << (parted.in1 - after.begin()) << " choices later";
      if (::testing::Test::HasFailure()) return met;
    }
  }
  simulation->machine().KeepMemoryMarks(false);
  return met;
}

TEST(StateKeyTest, EqualStatesHaveEqualFutures) {
  int met = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    met += MeetAndCompare(GenerateScenario(seed), 12);
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
