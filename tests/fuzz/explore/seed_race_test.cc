// The kernel's race as a small program: how many interleavings there are, how many of them fail, and how
// many a bound leaves. The numbers are those of an enumerator that was written for this model alone.
#include "tests/fuzz/explore/seed_race.h"

#include <gtest/gtest.h>

#include <cstring>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/explore/enumerate.h"
#include "fuzz/explore/source_dpor.h"
#include "fuzz/explore/state_search.h"

namespace shootdown::explore {
namespace {

using program::MakeSeedRace;
using program::MemoryModel;
using program::SeedRace;
using program::SeedRaceShape;

struct SeedRaceCase {
  const char* name;
  SeedRaceShape shape;
  // Of the code that fails: runs under SC, of which each is a trace; how many of them fail; and classes by
  // reads-from under TSO, where two runs may be of one class.
  std::uint64_t traces;
  std::uint64_t failing;
  std::uint64_t tso_reads_from;
  std::uint64_t fixed;  // classes of the fixed code, under SC and under TSO
  // States of the failing and of the fixed code under SC, then under TSO: with those at the ends of runs.
  std::uint64_t states[4] = {};
};

constexpr SeedRaceCase kCases[] = {
    {"OnePage", {.cpus = 2, .pages = 1, .accesses = 2}, 29, 0, 29, 15, {322, 212, 545, 333}},
    {"TwoPages", {.cpus = 2, .pages = 2, .accesses = 2}, 215, 6, 213, 99, {1335, 745, 2259, 1210}},
    {"ThreeAccesses", {.cpus = 2, .pages = 2, .accesses = 3}, 427, 10, 424, 243, {1783, 1012, 2986, 1647}},
    {"ThreePages", {.cpus = 2, .pages = 3, .accesses = 3}, 4266, 69, 4236, 2403,
     {4489, 2354, 7465, 3868}},
    {"LazyCpu", {.cpus = 3, .pages = 2, .accesses = 2, .lazy_polls = 1}, 4743, 160, 4687, 2286},
    {"LazyCpuTwoPolls", {.cpus = 3, .pages = 2, .accesses = 2, .lazy_polls = 2}, 6959, 170, 6921, 3638}};

class SeedRaceTest : public ::testing::TestWithParam<SeedRaceCase> {};

Report Proof(SeedRaceShape shape, MemoryModel model) {
  shape.fixed = true;
  const auto subject = MakeSeedRace(shape, model);
  return SourceDpor(*subject, {}).Explore();
}

TEST_P(SeedRaceTest, TheFixIsProved) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    const Report report = Proof(GetParam().shape, model);

    EXPECT_TRUE(report.complete);
    EXPECT_FALSE(report.violation);
    EXPECT_EQ(report.classes, GetParam().fixed);
  }
}

// Which store each load of a run has its value from. Here each RMW is a store, as in C11; to `Classes` an RMW
// that leaves the word as it was is none. (The lazy CPU clears a bit that the trimming flush has cleared
// before: so of the traces with three CPUs `Classes` would take 175 and 178 for another one.)
std::set<std::pair<std::uint64_t, std::uint64_t>> ReadsFrom(const sim::Machine& machine) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> pairs;
  std::map<sim::WordIndex, std::uint64_t> memory;  // the names of last stores
  std::map<std::pair<int, sim::WordIndex>, std::uint64_t> own;
  const auto name_of = [](const sim::LogEntry& row) {
    return (std::uint64_t{row.actor} << 32 | row.index) + 1;
  };
  for (const sim::LogEntry& row : machine.log()) {
    switch (row.kind) {
      case sim::StepKind::kLoad:
        pairs.emplace(name_of(row), (row.flags & sim::LogEntry::kForwarded) != 0
                                        ? own[{row.cpu, row.word}]
                                        : memory[row.word]);
        break;
      case sim::StepKind::kRmw:
        pairs.emplace(name_of(row), memory[row.word]);
        memory[row.word] = name_of(row);
        break;
      case sim::StepKind::kStore:
        if ((row.flags & sim::LogEntry::kHeld) != 0) {
          own[{row.cpu, row.word}] = name_of(row);
        } else {
          memory[row.word] = name_of(row);
        }
        break;
      case sim::StepKind::kDrain:
        memory[row.word] = name_of(machine.log()[row.link]);
        break;
      default:
        break;
    }
  }
  return pairs;
}

// A failure ends its run, and with it what the other CPUs would have done. So it depends on the order of the
// search how many runs fail: the numbers are those of one that tries the lowest CPU first.
TEST_P(SeedRaceTest, TheRaceIsInSomeTraces) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    const auto subject = MakeSeedRace(GetParam().shape, model);
    std::set<std::set<std::pair<std::uint64_t, std::uint64_t>>> reads_from;
    DporOptions options;
    options.go_on = true;
    options.reduction = DporOptions::Reduction::kSleepSets;
    options.on_run = [&](const sim::Violation*) { reads_from.insert(ReadsFrom(subject->machine())); };

    const Report report = SourceDpor(*subject, options).Explore();

    EXPECT_TRUE(report.complete);
    if (model == MemoryModel::kSc) {
      EXPECT_EQ(report.executions, GetParam().traces);
      EXPECT_EQ(report.failing, GetParam().failing);
    } else {
      EXPECT_EQ(reads_from.size(), GetParam().tso_reads_from);
    }
  }
}

// With two CPUs: the enumerator has counted no states of three.
class SeedRaceStatesTest : public SeedRaceTest {};

// As a run left it: memory, variables, and what stands in buffers.
std::vector<std::uint64_t> EndOf(program::ProgramOf<SeedRace>& subject) {
  const SeedRace& state = subject.state();
  std::vector<std::uint64_t> end(sizeof state / sizeof(std::uint64_t));
  std::memcpy(end.data(), &state, sizeof state);
  const sim::Machine& machine = subject.machine();
  for (int c = 0; c < machine.cpu_count(); ++c) {
    end.push_back(static_cast<std::uint64_t>(machine.BufferedCount(c)));
    for (int k = 0; k < machine.BufferedCount(c); ++k) {
      end.push_back(machine.BufferedAt(c, k).word);
      end.push_back(machine.BufferedAt(c, k).value);
    }
  }
  return end;
}

// The search over states comes to the same verdicts, in as many states as there are without reduction. It
// counts those in which somebody can go on; the enumerator those at the ends of runs too, failing ones also.
TEST_P(SeedRaceStatesTest, StatesAreAsMany) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    for (const bool fixed : {false, true}) {
      SeedRaceShape shape = GetParam().shape;
      shape.fixed = fixed;
      const auto subject = MakeSeedRace(shape, model);
      std::set<std::vector<std::uint64_t>> ends;
      StateOptions options;
      options.go_on = true;
      options.drains_unseen = false;
      options.on_run = [&](const sim::Violation*) { ends.insert(EndOf(*subject)); };

      const Report report = StateSearch(*subject, options).Explore();

      const std::uint64_t known = model == MemoryModel::kSc ? GetParam().states[fixed ? 1 : 0]
                                                            : GetParam().states[fixed ? 3 : 2];
      EXPECT_EQ(report.states + ends.size(), known);
      EXPECT_EQ(report.violation.has_value(), !fixed && shape.pages > 1);
      EXPECT_TRUE(report.complete);
    }
  }
}

TEST_P(SeedRaceStatesTest, DrainsThatNobodySeesChangeNoVerdict) {
  for (const bool fixed : {false, true}) {
    SeedRaceShape shape = GetParam().shape;
    shape.fixed = fixed;
    const auto subject = MakeSeedRace(shape, MemoryModel::kTso);

    const Report report = StateSearch(*subject, {}).Explore();

    const bool fails = !fixed && shape.pages > 1;
    EXPECT_EQ(report.violation.has_value(), fails);
    EXPECT_EQ(report.complete, !fails);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, SeedRaceTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });
INSTANTIATE_TEST_SUITE_P(TwoCpus, SeedRaceStatesTest,
                         ::testing::ValuesIn(std::begin(kCases), std::begin(kCases) + 4),
                         [](const auto& test) { return std::string(test.param.name); });

struct BoundCase {
  Bound bound;
  std::uint64_t schedules;
  std::uint64_t failing;
};

TEST(SeedRaceBoundTest, SchedulesWithinABoundAreAsMany) {
  constexpr BoundCase kBounds[] = {{{Bound::Kind::kPreemptions, 0}, 2, 0},
                                   {{Bound::Kind::kPreemptions, 1}, 30, 0},
                                   {{Bound::Kind::kPreemptions, 2}, 382, 5},
                                   {{Bound::Kind::kDelays, 0}, 1, 0},
                                   {{Bound::Kind::kDelays, 1}, 14, 0},
                                   {{Bound::Kind::kDelays, 2}, 206, 5}};
  for (const BoundCase& c : kBounds) {
    const auto subject = MakeSeedRace({}, MemoryModel::kSc);

    const Report report = Enumerate(*subject, c.bound, {.go_on = true});

    EXPECT_EQ(report.executions, c.schedules);
    EXPECT_EQ(report.failing, c.failing);
  }
}

TEST(SeedRaceBoundTest, StatesWithinABoundAgree) {
  for (const std::uint32_t limit : {0u, 1u, 2u, 3u}) {
    const auto subject = MakeSeedRace({}, MemoryModel::kSc);
    StateOptions options;
    options.preemptions = limit;

    const Report report = StateSearch(*subject, options).Explore();

    EXPECT_EQ(report.violation.has_value(), limit >= 2) << limit;
  }
}

}  // namespace
}  // namespace shootdown::explore
