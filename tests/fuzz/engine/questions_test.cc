// What a failing schedule is asked: whether it needs store buffers, its last chance, its neighbour.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "fuzz/engine/last_chance.h"
#include "fuzz/engine/minimizer.h"
#include "fuzz/engine/neighbour.h"
#include "fuzz/engine/store_buffer_need.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "tests/fuzz/engine/engine_testing.h"
#include "tests/support/guest_program.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::CorpusScenario;
using testing::FirstFinding;
using testing::KindOf;
using testing::SeedRaceNames;
using testing::TestName;
using Answer = StoreBufferNeed::Answer;

constexpr std::uint64_t kRunCountMax = 300'000;

struct Failing {
  std::unique_ptr<Simulation> simulation;
  Schedule schedule;  // minimized
  std::string kind_key;
};

Failing MakeFailing(const std::string& name) {
  Failing failing{.simulation = BuildCorpus(name), .schedule = {}, .kind_key = {}};
  const Target::Found found = FirstFinding(*failing.simulation, 1);
  failing.kind_key = found.kind_key;
  failing.schedule = MinimizeSchedule(*failing.simulation, found.exact, found.kind_key).schedule;
  return failing;
}

bool Holds(const Schedule& schedule) {
  return std::ranges::any_of(schedule.decisions(),
                             [](const Decision& d) { return d.kind == Decision::Kind::kHold; });
}

std::vector<std::uint64_t> HashesOf(Simulation& simulation, const Schedule& schedule) {
  ScheduleScheduler scheduler(schedule);
  (void)simulation.Run(scheduler);
  return sim::ChainedHashes(simulation.machine().log());
}

// ---- store buffers -----------------------------------------------------------------------------

TEST(StoreBufferNeedTest, ARaceOfOrderAloneNeedsNone) {
  Failing f = MakeFailing("seed-stale-hit");
  ASSERT_FALSE(Holds(f.schedule));

  const StoreBufferNeed need =
      AskForStoreBuffer(*f.simulation, f.schedule, f.kind_key, kRunCountMax);

  EXPECT_EQ(need.answer, Answer::kNotNeeded);
  EXPECT_EQ(need.schedule, f.schedule);
}

TEST(StoreBufferNeedTest, AHoldThatDoesNothingIsNoNeed) {
  Failing f = MakeFailing("seed-stale-hit");
  ScheduleScheduler scheduler(f.schedule);
  (void)f.simulation->Run(scheduler);
  std::vector<Decision> decisions = f.schedule.decisions();
  for (const sim::LogEntry& e : f.simulation->machine().log()) {
    if (e.kind != sim::StepKind::kStore) continue;
    decisions.push_back(
        {.kind = Decision::Kind::kHold, .actor = ActorId(e.actor), .arg = 1, .index = e.index});
    break;
  }
  const Schedule holding = Schedule(std::move(decisions)).Canonical();
  ASSERT_TRUE(Holds(holding));
  ASSERT_EQ(KindOf(*f.simulation, holding), f.kind_key);

  const StoreBufferNeed need = AskForStoreBuffer(*f.simulation, holding, f.kind_key, kRunCountMax);

  EXPECT_EQ(need.answer, Answer::kNotNeeded);
  EXPECT_FALSE(Holds(need.schedule));
  EXPECT_EQ(KindOf(*f.simulation, need.schedule), f.kind_key);
}

TEST(StoreBufferNeedTest, AnOldLoadIsNoScheduleOfSc) {
  Failing f = MakeFailing("seed-stale-hit");
  std::vector<Decision> decisions = f.schedule.decisions();
  decisions.push_back({.kind = Decision::Kind::kOld, .actor = TaskActor(0), .arg = 1, .index = 1});
  const Schedule with_old = Schedule(std::move(decisions)).Canonical();
  ASSERT_EQ(KindOf(*f.simulation, with_old), f.kind_key);

  const StoreBufferNeed need = AskForStoreBuffer(*f.simulation, with_old, f.kind_key, kRunCountMax);

  EXPECT_EQ(need.answer, Answer::kNotNeeded);
  EXPECT_EQ(need.schedule, f.schedule);
}

TEST(StoreBufferNeedTest, AMissingFenceNeedsOne) {
  Failing f = MakeFailing("W12-no-fence");
  ASSERT_TRUE(Holds(f.schedule)) << f.schedule.ToText();

  const StoreBufferNeed need =
      AskForStoreBuffer(*f.simulation, f.schedule, f.kind_key, kRunCountMax);

  EXPECT_EQ(need.answer, Answer::kNeeded);
  EXPECT_GT(need.run_count, 1'000u);
  EXPECT_EQ(AskForStoreBuffer(*f.simulation, f.schedule, f.kind_key, need.run_count - 2).answer,
            Answer::kUnknown);

  // Another witness: the search finds nothing on a machine of SC.
  f.simulation.reset();
  Scenario scenario = CorpusScenario("W12-no-fence");
  scenario.machine.memory_model = sim::MemoryModel::kSc;
  ScenarioProblem problem;
  const auto sc = Simulation::Build(scenario, &problem);
  ASSERT_NE(sc, nullptr) << problem.message;
  testing::MutationLoop loop(*sc, 1);
  loop.Run(30'000, 1);
  EXPECT_TRUE(loop.found().empty());
}

// ---- the last chance ---------------------------------------------------------------------------

// Goes as a schedule does up to a row, and then any way at all.
class PrefixThenRandom : public sim::Scheduler {
 public:
  PrefixThenRandom(const Schedule& schedule, sim::Row rows, std::uint64_t seed)
      : prefix_(schedule), rows_(rows), walk_(seed, 0) {}

  void StartRun(const sim::Machine& machine) override {
    prefix_.StartRun(machine);
    walk_.StartRun(machine);
  }
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override {
    return question.machine.row() < rows_ ? prefix_.Pick(question) : walk_.Pick(question);
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override {
    return index;
  }

 private:
  ScheduleScheduler prefix_;
  sim::Row rows_;
  RandomWalk walk_;
};

class LastChanceTest : public ::testing::TestWithParam<std::string> {};

TEST_P(LastChanceTest, BeforeItARunPassesAndBehindItNoneDoes) {
  Failing f = MakeFailing(GetParam());
  const std::vector<std::uint64_t> failing = HashesOf(*f.simulation, f.schedule);

  const LastChance chance = FindLastChance(*f.simulation, f.schedule, kRunCountMax);

  ASSERT_TRUE(chance.row.has_value());
  ASSERT_LT(*chance.row, failing.size());
  EXPECT_EQ(KindOf(*f.simulation, chance.passing), "clean") << chance.passing.ToText();
  const std::vector<std::uint64_t> passing = HashesOf(*f.simulation, chance.passing);
  ASSERT_GE(passing.size(), *chance.row);
  EXPECT_TRUE(std::equal(passing.begin(), passing.begin() + *chance.row, failing.begin()));
  EXPECT_NE(passing[*chance.row], failing[*chance.row]);

  EXPECT_TRUE(chance.proved);
  int passed_before = 0;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    PrefixThenRandom behind(f.schedule, *chance.row + 1, seed);
    EXPECT_NE(f.simulation->Run(behind), nullptr)
        << "seed " << seed << " passes behind the last chance";
    PrefixThenRandom before(f.schedule, *chance.row, seed);
    if (f.simulation->Run(before) == nullptr) ++passed_before;
  }
  EXPECT_GT(passed_before, 0);
}

INSTANTIATE_TEST_SUITE_P(Corpus, LastChanceTest,
                         ::testing::Values("seed-stale-hit", "seed-lost-bit"),
                         [](const auto& scenario) { return TestName(scenario.param); });

// So the proof is one of orders of steps, and its words say so.
TEST(LastChanceTest, AnEvictionBehindItStillHidesTheFailure) {
  Failing f = MakeFailing("seed-stale-hit");
  const LastChance chance = FindLastChance(*f.simulation, f.schedule, kRunCountMax);
  ASSERT_TRUE(chance.row.has_value());
  ASSERT_TRUE(chance.proved);
  const std::vector<std::uint64_t> failing = HashesOf(*f.simulation, f.schedule);
  const sim::LogEntry use = f.simulation->machine().log().back();  // of the stale entry

  int passed = 0;
  for (int entry = 0; entry < f.simulation->scenario().machine.tlb_entries; ++entry) {
    std::vector<Decision> decisions = f.schedule.decisions();
    decisions.push_back({.kind = Decision::Kind::kEvict,
                         .actor = ActorId(use.actor),
                         .arg = static_cast<std::uint8_t>(entry),
                         .index = use.index});
    const Schedule evicted = Schedule(decisions).Canonical();
    if (KindOf(*f.simulation, evicted) != "clean") continue;
    ++passed;
    const std::vector<std::uint64_t> passing = HashesOf(*f.simulation, evicted);
    EXPECT_TRUE(std::equal(failing.begin(), failing.begin() + *chance.row + 1, passing.begin()));
  }

  EXPECT_GT(passed, 0);
}

// Before CPU 0's step 3 the hold ends, and the store leaves. It could have lingered on, and CPU 1 have looked
// once more before that.
TEST(LastChanceTest, AStoreThatIsHeldMayLingerForLongerThanInTheFailingRun) {
  testing::GuestProgram program({.threads = {[](testing::GuestProgram& g) {
                                               g.Store('x', 1);
                                               (void)g.Load('y');
                                               (void)g.Load('z');
                                               (void)g.Load('w');
                                             },
                                             [](testing::GuestProgram& g) {
                                               const bool before = g.Load('x') == 0;
                                               const bool after = g.Load('x') == 1;
                                               REQUIRE(!(before && after), "x changed in between");
                                             }}});
  const Schedule failing = *Schedule::Parse("T0@0~hold(2) T0@2>C1 T1@1>C0");
  ScheduleScheduler scheduler(failing);
  ASSERT_NE(program.RunOnce(scheduler), nullptr);
  ASSERT_EQ(testing::StepsText(program.machine()),
            "T0 store, T0 load, T1 load, T0 load, B0 drain, T0 load, T1 load");

  const LastChance chance = FindLastChance(program, failing, kRunCountMax);

  EXPECT_EQ(chance.row, sim::Row{4});
  EXPECT_TRUE(chance.proved);
  EXPECT_TRUE(chance.drains_varied);
  ScheduleScheduler passing(chance.passing);
  EXPECT_EQ(program.RunOnce(passing), nullptr) << chance.passing.ToText();
  EXPECT_TRUE(
      testing::StepsText(program.machine()).starts_with("T0 store, T0 load, T1 load, T0 load, T"))
      << testing::StepsText(program.machine());
}

// y is behind x in the buffer, and leaves with it if it is not held itself; it could have been.
TEST(LastChanceTest, AStoreBehindOneThatIsHeldMayLingerAsWell) {
  testing::GuestProgram program({.threads = {[](testing::GuestProgram& g) {
                                               g.Store('x', 1);
                                               g.Store('y', 1);
                                               (void)g.Load('z');
                                               (void)g.Load('w');
                                             },
                                             [](testing::GuestProgram& g) {
                                               const bool before = g.Load('x') == 0;
                                               const bool after = g.Load('x') == 1;
                                               const bool both = after && g.Load('y') == 1;
                                               REQUIRE(!(before && both), "both came in between");
                                             }}});
  const Schedule failing = *Schedule::Parse("T0@0~hold(2) T0@2>C1 T1@1>C0");
  ScheduleScheduler scheduler(failing);
  ASSERT_NE(program.RunOnce(scheduler), nullptr);
  ASSERT_EQ(testing::StepsText(program.machine()),
            "T0 store, T0 store, T1 load, T0 load, B0 drain, B0 drain, T0 load, T1 load, T1 load");

  const LastChance chance = FindLastChance(program, failing, kRunCountMax);

  EXPECT_EQ(chance.row, sim::Row{5});
  EXPECT_TRUE(chance.proved);
  ScheduleScheduler passing(chance.passing);
  EXPECT_EQ(program.RunOnce(passing), nullptr) << chance.passing.ToText();
  EXPECT_TRUE(testing::StepsText(program.machine())
                  .starts_with("T0 store, T0 store, T1 load, T0 load, B0 drain, T"))
      << testing::StepsText(program.machine());
}

TEST(LastChanceTest, WithTooFewRunsItIsNotProved) {
  Failing f = MakeFailing("seed-stale-hit");
  ScheduleScheduler scheduler(f.schedule);
  (void)f.simulation->Run(scheduler);

  const LastChance chance = FindLastChance(*f.simulation, f.schedule, 3);

  EXPECT_FALSE(chance.proved);
}

// ---- the neighbour -----------------------------------------------------------------------------

std::vector<sim::LogEntry> LogOf(testing::GuestProgram& program, const char* text) {
  const Schedule schedule = *Schedule::Parse(text);
  ScheduleScheduler scheduler(schedule);
  program.Run(scheduler);
  const auto log = program.machine().log();
  return {log.begin(), log.end()};
}

TEST(ReversedPairsTest, TwoAccessesOfOneWordInAnotherOrder) {
  testing::GuestProgram program({.threads = {[](testing::GuestProgram& g) {
                                               g.Store('x', 1);
                                               g.Store('y', 1);
                                             },
                                             [](testing::GuestProgram& g) {
                                               (void)g.Load('x');
                                               (void)g.Load('z');
                                             }}});
  const auto store_first = LogOf(program, "");
  const auto load_first = LogOf(program, "T0@0>C1");
  const auto between = LogOf(program, "T0@1>C1");

  EXPECT_EQ(ReversedPairs(store_first, load_first), (std::vector<ReversedPair>{{0, 2}}));
  EXPECT_EQ(ReversedPairs(load_first, store_first), (std::vector<ReversedPair>{{0, 2}}));
  EXPECT_TRUE(ReversedPairs(store_first, between).empty());
  EXPECT_TRUE(ReversedPairs(store_first, store_first).empty());
}

TEST(ReversedPairsTest, StepsOfThreads64ApartAreNotTakenForEachOther) {
  testing::GuestProgram::Parts parts;
  parts.threads.resize(65, [](testing::GuestProgram&) {});
  parts.threads.front() = [](testing::GuestProgram& g) { g.Store('x', 1); };
  parts.threads.back() = parts.threads.front();
  testing::GuestProgram program(std::move(parts));
  const auto t0_first = LogOf(program, "");
  const auto t64_first = LogOf(program, "T0@0>C64");

  EXPECT_EQ(ReversedPairs(t0_first, t64_first), (std::vector<ReversedPair>{{0, 1}}));
}

class NeighbourTest : public ::testing::TestWithParam<std::string> {};

TEST_P(NeighbourTest, DiffersByOneDecisionAndReversesARace) {
  Failing f = MakeFailing(GetParam());
  const std::vector<std::uint64_t> failing = HashesOf(*f.simulation, f.schedule);
  ScheduleScheduler scheduler(f.schedule);
  (void)f.simulation->Run(scheduler);
  const auto log = f.simulation->machine().log();
  const std::vector<sim::LogEntry> rows(log.begin(), log.end());

  const NeighbourSearch search = FindNeighbour(*f.simulation, f.schedule);

  ASSERT_TRUE(search.nearest.has_value());
  const Neighbour& n = *search.nearest;
  EXPECT_EQ(KindOf(*f.simulation, n.schedule), "clean");
  const std::vector<std::uint64_t> passing = HashesOf(*f.simulation, n.schedule);
  ASSERT_LT(n.first_difference, failing.size());
  EXPECT_TRUE(std::equal(passing.begin(), passing.begin() + n.first_difference, failing.begin()));
  EXPECT_NE(passing[n.first_difference], failing[n.first_difference]);
  std::size_t kept = 0;
  for (const Decision& d : n.schedule.decisions()) {
    kept += std::ranges::count(f.schedule.decisions(), d) != 0 ? 1 : 0;
  }
  EXPECT_EQ(kept, f.schedule.size() - 1);
  ASSERT_FALSE(n.reversed.empty());
  const sim::LogEntry& first = rows[n.reversed.front().first];
  const sim::LogEntry& second = rows[n.reversed.front().second];
  EXPECT_EQ(first.word, second.word);
  EXPECT_NE(first.cpu, second.cpu);
  EXPECT_TRUE(IsWrite(first.kind) || IsWrite(second.kind));
}

INSTANTIATE_TEST_SUITE_P(Corpus, NeighbourTest, ::testing::ValuesIn(SeedRaceNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

TEST(NeighbourTest, WhatFailsInTheDefaultOrderGetsADecisionMore) {
  const auto simulation = BuildCorpus("7.9-batch-race");
  ASSERT_NE(KindOf(*simulation, Schedule()), "clean");

  const NeighbourSearch search = FindNeighbour(*simulation, Schedule());

  ASSERT_TRUE(search.nearest.has_value());
  EXPECT_EQ(search.nearest->change, Neighbour::Change::kAdded);
  EXPECT_EQ(search.nearest->schedule.size(), 1u);
  EXPECT_EQ(KindOf(*simulation, search.nearest->schedule), "clean");
}

}  // namespace
}  // namespace shootdown
