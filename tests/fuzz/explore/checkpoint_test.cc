// A run that resumes is the run that it would have been from the start, to the last row.
#include "fuzz/sim/checkpoint.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/scenario/generate.h"
#include "fuzz/scenario/simulation.h"
#include "tests/support/guest_program.h"

namespace shootdown::sim {
namespace {

using ::shootdown::testing::GuestProgram;

// Answers by chance, and the same for the same seed. At two of the questions a checkpoint is kept,
// and from there on the answers are those of another seed.
class ByChance : public Scheduler {
 public:
  // The first checkpoint, and one that is kept after it.
  struct Place {
    std::uint64_t question = UINT64_MAX;  // before which it is kept
    std::uint64_t seed = 0;               // of what the run does from here on
    Machine::Checkpoint kept;
    bool was_kept = false;
  };
  Place first;
  Place later;
  std::uint64_t question = 0;  // at which the run is, counted from its start
  std::uint64_t left = 0;      // at most so many moves yet

  void StartRun(const Machine& machine) override {
    machine_ = const_cast<Machine*>(&machine);
    random_ = Prng(1);
    question = 0;
    left = 200;
  }
  Move Pick(const Question& q) override {
    if (question == first.question) Keep(first, nullptr);
    if (question == later.question) Keep(later, &first.kept);
    ++question;
    const Move default_move{.kind = q.blocked ? Move::Kind::kNext : Move::Kind::kStep};
    if (left == 0 || random_.Below(3) != 0) return default_move;
    --left;
    constexpr std::array kKinds = {Move::Kind::kRun,     Move::Kind::kRun,   Move::Kind::kDrain,
                                   Move::Kind::kHold,    Move::Kind::kDefer, Move::Kind::kHold,
                                   Move::Kind::kResched, Move::Kind::kEvict, Move::Kind::kNmi};
    return {.kind = kKinds[random_.Below(kKinds.size())],
            .cpu = static_cast<std::uint8_t>(
                random_.Below(static_cast<std::uint32_t>(q.machine.cpu_count()))),
            .arg = static_cast<std::uint8_t>(random_.Below(3))};
  }
  std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override { return index; }

 private:
  void Keep(Place& place, const Machine::Checkpoint* before) {
    place.was_kept = true;
    const std::uint64_t left_then = left;
    machine_->KeepCheckpoint(place.kept, before);
    left = left_then;  // here again, in another run
    question = place.question;
    random_ = Prng(place.seed);
  }

  Machine* machine_ = nullptr;
  Prng random_{1};
};

// All that a run leaves behind.
struct Outcome {
  std::vector<std::uint64_t> log;
  std::vector<std::uint64_t> moves;
  std::vector<char> memory;
  std::string finding;
  bool operator==(const Outcome&) const = default;
};

Outcome OutcomeOf(Simulation& simulation, const Violation* violation) {
  const Machine& m = simulation.machine();
  Outcome outcome;
  for (const LogEntry& e : m.log()) {
    outcome.log.insert(outcome.log.end(),
                       {e.site->hash, e.value, e.word, e.index, e.link,
                        static_cast<std::uint64_t>(e.kind), e.cpu, e.actor, e.flags});
  }
  for (const MoveMade& made : m.moves_made()) {
    outcome.moves.insert(outcome.moves.end(),
                         {static_cast<std::uint64_t>(made.move.kind), made.move.cpu, made.move.arg,
                          made.actor.code(), made.index, made.row});
  }
  outcome.memory.assign(m.GuestMemory().begin(), m.GuestMemory().end());
  if (violation != nullptr) outcome.finding = violation->check + ": " + violation->message;
  return outcome;
}

class CheckpointTest : public ::testing::TestWithParam<MemoryModel> {};

TEST_P(CheckpointTest, ARunThatResumesIsTheOneFromTheStart) {
  int resumed = 0;
  for (std::uint64_t scenario = 1; scenario <= 60; ++scenario) {
    Scenario generated = GenerateScenario(scenario);
    generated.machine.memory_model = GetParam();
    ScenarioProblem problem;
    const auto simulation = Simulation::Build(generated, &problem);
    ASSERT_NE(simulation, nullptr) << problem.message;
    ASSERT_TRUE(simulation->machine().CanKeepCheckpoints());
    for (const std::uint64_t keep_at : {3u, 40u, 150u}) {
      SCOPED_TRACE(::testing::Message() << "scenario " << scenario << ", question " << keep_at);
      ByChance resumes;
      ByChance starts;
      resumes.first.question = starts.first.question = keep_at;
      (void)simulation->RunOnce(resumes);
      if (!resumes.first.was_kept) continue;
      for (const std::uint64_t seed : {2u, 3u, 2u, 4u}) {
        resumes.first.seed = seed;
        simulation->machine().ResumeFrom(resumes.first.kept);
        const Outcome there = OutcomeOf(*simulation, simulation->RunOnce(resumes));
        // A run in between may leave anything behind, but for the rows before the checkpoint, which
        // it makes anew.
        starts.first.seed = seed;
        ASSERT_EQ(there, OutcomeOf(*simulation, simulation->RunOnce(starts)));
        ++resumed;
      }
    }
  }
  EXPECT_GT(resumed, 300);
}

// The later one has only those stacks that are no longer what they were in the first one.
TEST_P(CheckpointTest, OneThatWasKeptAfterAnotherIsAsGood) {
  struct Trip {
    bool from_later;
    std::uint64_t first_seed;
    std::uint64_t later_seed;
  };
  constexpr std::array kTrips = {Trip{true, 2, 4}, Trip{true, 2, 5},  Trip{false, 3, 4},
                                 Trip{true, 3, 6}, Trip{false, 2, 4}, Trip{true, 2, 6}};
  int resumed = 0;
  for (std::uint64_t scenario = 1; scenario <= 60; ++scenario) {
    SCOPED_TRACE(::testing::Message() << "scenario " << scenario);
    Scenario generated = GenerateScenario(scenario);
    generated.machine.memory_model = GetParam();
    ScenarioProblem problem;
    const auto simulation = Simulation::Build(generated, &problem);
    ASSERT_NE(simulation, nullptr) << problem.message;
    ByChance resumes;
    ByChance starts;
    resumes.first.question = starts.first.question = 30;
    resumes.later.question = starts.later.question = 60;
    resumes.first.seed = 2;
    (void)simulation->RunOnce(resumes);

    // No run from the start in between: what one trip leaves behind is what the next one finds.
    std::vector<std::pair<Trip, Outcome>> outcomes;
    for (const Trip& trip : kTrips) {
      ByChance::Place& from = trip.from_later ? resumes.later : resumes.first;
      if (!from.was_kept) continue;
      if (!trip.from_later) resumes.later.was_kept = false;
      resumes.first.seed = trip.first_seed;
      resumes.later.seed = trip.later_seed;
      simulation->machine().ResumeFrom(from.kept);
      outcomes.emplace_back(trip, OutcomeOf(*simulation, simulation->RunOnce(resumes)));
    }

    for (const auto& [trip, outcome] : outcomes) {
      starts.first.seed = trip.first_seed;
      starts.later.seed = trip.later_seed;
      ASSERT_EQ(outcome, OutcomeOf(*simulation, simulation->RunOnce(starts)));
      ++resumed;
    }
  }
  EXPECT_GT(resumed, 150);
}

// What was freed before a checkpoint is so behind it, though a run in between has freed it once more.
TEST(CheckpointOfMemoryTest, WhatWasPoisonedBeforeStaysPoisoned) {
  static int touched;
  bool twice = true;
  GuestProgram program({.threads = {[&twice](GuestProgram& g) {
    g.machine().Poison(g.cell('x').word(), 8);
    g.Act(1);
    if (twice) g.machine().Poison(g.cell('x').word(), 8);
    (void)g.Load('x');
  }}});
  program.machine().SetPoisonHandler([](const Site&, WordIndex) { ++touched; });
  ByChance resumes;
  resumes.first.question = 0;
  (void)program.RunOnce(resumes);
  ASSERT_TRUE(resumes.first.was_kept);

  touched = 0;
  twice = false;
  program.machine().ResumeFrom(resumes.first.kept);
  (void)program.RunOnce(resumes);

  EXPECT_EQ(touched, 1);
}

INSTANTIATE_TEST_SUITE_P(Models, CheckpointTest,
                         ::testing::Values(MemoryModel::kSc, MemoryModel::kTso, MemoryModel::kPso));

}  // namespace
}  // namespace shootdown::sim
