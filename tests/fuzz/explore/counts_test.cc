// A proof is trusted if its search counts right: numbers of (reads-from, coherence order) classes that are
// known from elsewhere. Under SC they are those of GenMC's and Nidhugg's own tests (tests/correct,
// SC_test.cpp, TSO_test.cpp there); under TSO Nidhugg's where it has the program, else those of an
// enumerator that agrees with both wherever they overlap.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/explore/source_dpor.h"
#include "fuzz/explore/state_search.h"
#include "tests/puzzles/assuming_programs.h"
#include "tests/puzzles/standard_programs.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using program::MemoryModel;

struct CountCase {
  program::StandardProgram program;
  std::uint64_t sc;
  std::uint64_t tso;
  std::uint64_t sc_reads_from = 0;  // 0: not known
  std::uint64_t tso_reads_from = 0;
};

std::vector<CountCase> Cases() {
  using namespace program;
  std::vector<CountCase> cases;
  struct Known {
    const char* name;
    std::uint64_t sc, tso, sc_reads_from, tso_reads_from;
  };
  constexpr Known kLitmus[] = {
      {"SB", 3, 4, 3, 4},          {"SbFences", 3, 3, 3, 3},   {"SbOwnReads", 3, 4, 3, 4},
      {"MP", 3, 3, 3, 3},          {"LB", 3, 3, 3, 3},         {"S", 3, 3, 2, 2},
      {"R", 3, 4, 2, 2},           {"TwoPlusTwoW", 3, 3, 1, 1}, {"CoRR", 6, 6, 6, 6},
      {"TwoWritersAReader", 6, 6, 3, 3}, {"IRIW", 15, 15, 15, 15}, {"WRC", 7, 7, 7, 7},
      {"ISA2", 7, 7, 7, 7},        {"RWC", 7, 8, 7, 8},        {"SbRing", 7, 8, 7, 8},
      {"ROWE", 3, 3, 2, 2},        {"Peterson", 6, 12, 5, 8},  {"MpFence", 3, 3, 3, 3}};
  const std::vector<StandardProgram> litmus = LitmusPrograms();
  EXPECT_EQ(litmus.size(), std::size(kLitmus));
  for (std::size_t i = 0; i < litmus.size(); ++i) {
    EXPECT_EQ(litmus[i].name, kLitmus[i].name);
    cases.push_back({litmus[i], kLitmus[i].sc, kLitmus[i].tso, kLitmus[i].sc_reads_from,
                     kLitmus[i].tso_reads_from});
  }
  const auto same = [&](const StandardProgram& p, std::uint64_t count) {
    cases.push_back({p, count, count});
  };
  for (const int n : {2, 4, 8, 10, 13}) same(Readers(n), std::uint64_t{1} << n);
  same(LastZero(2), 5);
  same(LastZero(3), 12);
  same(LastZero(4), 28);
  same(LastZero(5), 64);
  same(LastZero(8), 704);
  same(LastZero(10), 3328);
  same(Indexer(11), 1);
  same(Indexer(12), 8);
  same(Indexer(15), 4096);
  cases.push_back({Fib(1), 3, 3});
  cases.push_back({Fib(2), 19, 20});
  cases.push_back({Fib(3), 141, 175});
  cases.push_back({Fib(4), 1107, 1764});
  cases.push_back({FibWithMain(1), 11, 11});
  cases.push_back({FibWithMain(2), 140, 153});
  cases.push_back({FibWithMain(3), 1698, 2258});
  constexpr std::uint64_t kFactorial[] = {1, 1, 2, 6, 24, 120, 720, 5040};
  for (const int n : {2, 3, 4, 5, 6, 7}) same(AtomicInc(n, 1), kFactorial[n]);
  for (const int n : {2, 3, 4}) same(AtomicInc(n, 2), kFactorial[n] * kFactorial[n]);
  for (const int n : {2, 3, 4}) {
    same(AtomicInc(n, 3), kFactorial[n] * kFactorial[n] * kFactorial[n]);
  }
  for (const int n : {2, 3, 4, 5}) same(LockInc(n), kFactorial[n]);
  for (const int n : {2, 3, 4}) same(TwoLocksInc(n), kFactorial[n]);
  for (const int n : {2, 3, 4}) same(Inc(n), kFactorial[n] * kFactorial[n]);
  constexpr std::uint64_t kCasRot[] = {2, 5, 14, 43, 144, 523, 2048, 8597};
  for (const int n : {2, 3, 4, 5, 6, 7, 8, 9}) same(CasRot(n), kCasRot[n - 2]);
  constexpr std::uint64_t kWriteCas[] = {5, 13, 33, 81, 193, 449, 1025, 2305};
  for (const int n : {2, 3, 4, 5, 6, 7, 8, 9}) same(WriteCas(n), kWriteCas[n - 2]);
  constexpr std::uint64_t kCasWrite[] = {6, 66, 1200, 32'880};
  for (const int n : {2, 3, 4, 5}) same(CasWrite(n), kCasWrite[n - 2]);
  constexpr std::uint64_t kWrw[] = {22, 300, 6576};
  for (const int n : {2, 3, 4}) same(Wrw(n), kWrw[n - 2]);
  // Under TSO, where a store may linger while the load after it happens: as many as GenMC finds under RC11.
  constexpr std::uint64_t kCoA[] = {4, 15, 130, 2028, 49'776};
  constexpr std::uint64_t kCoATso[] = {4, 16, 144, 2304, 57'600};
  for (const int n : {1, 2, 3, 4, 5}) cases.push_back({CoA(n), kCoA[n - 1], kCoATso[n - 1]});
  return cases;
}

class CountsTest : public ::testing::TestWithParam<CountCase> {};

TEST_P(CountsTest, ClassesAreAsMany) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    const bool sc = model == MemoryModel::kSc;
    const auto subject = Make(GetParam().program, model);

    const Report report = SourceDpor(*subject, {}).Explore();

    EXPECT_TRUE(report.complete);
    EXPECT_EQ(report.classes, sc ? GetParam().sc : GetParam().tso) << (sc ? "SC" : "TSO");
    const std::uint64_t reads_from = sc ? GetParam().sc_reads_from : GetParam().tso_reads_from;
    if (reads_from != 0) {
      EXPECT_EQ(report.rf_classes, reads_from) << (sc ? "SC" : "TSO");
    }
  }
}

// i += j against j += i: how many ends there are, of both words and of what each thread has loaded last.
TEST(FibEndsTest, EndsAreAsMany) {
  struct Case {
    int rounds;
    std::size_t sc, tso;
  };
  constexpr Case kCases[] = {{1, 3, 3}, {2, 19, 20}, {3, 128, 158}, {4, 860, 1277}};
  for (const Case& c : kCases) {
    for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
      const auto subject = Make(program::Fib(c.rounds), model);
      std::set<std::array<std::uint64_t, 4>> ends;
      StateOptions options;
      options.on_run = [&](const sim::Violation*) {
        const program::Standard& s = subject->state();
        ends.insert({s.x[0].Peek(), s.x[1].Peek(), s.r[0], s.r[1]});
      };

      EXPECT_TRUE(StateSearch(*subject, options).Explore().complete);

      EXPECT_EQ(ends.size(), model == MemoryModel::kSc ? c.sc : c.tso) << c.rounds;
    }
  }
}

struct ScCase {
  program::StandardProgram program;
  std::uint64_t count;
};

// Too many drain times under TSO for a quick test.
TEST(LargeCountsTest, ClassesAreAsManyUnderSc) {
  const ScCase cases[] = {{program::LastZero(15), 147'456},
                          {program::FibWithMain(4), 19'605},
                          {program::FibWithMain(5), 218'243},
                          {program::Big0(), 69'112},
                          {program::Big1(), 1'820'474},
                          {program::Big2(), 5'284'890}};
  for (const ScCase& c : cases) {
    const auto subject = Make(c.program, MemoryModel::kSc);

    const Report report = SourceDpor(*subject, {}).Explore();

    EXPECT_EQ(report.classes, c.count) << c.program.name;
    EXPECT_EQ(report.executions, report.classes) << c.program.name;  // none twice
  }
}

// tests/smoke/reference.results.txt of Nidhugg, which counts reads-from classes ("weak traces").
TEST(ReadsFromCountsTest, ClassesAreAsManyUnderSc) {
  using namespace program;
  const ScCase cases[] = {{RedundantCo(1), 7}, {RedundantCo(2), 19}, {RedundantCo(3), 37},
                          {RedundantCo(4), 61}, {OptLock(2), 19},    {OptLock(3), 31},
                          {Sigma(3), 12},       {Sigma(4), 64},     {Parker(2), 97}};
  for (const ScCase& c : cases) {
    const auto subject = Make(c.program, MemoryModel::kSc);

    EXPECT_EQ(SourceDpor(*subject, {}).Explore().rf_classes, c.count) << c.program.name;
  }
}

// GenMC's "complete executions": those in which no assumption failed.
TEST(AssumptionsTest, RunsInWhichAllHoldAreAsMany) {
  using namespace program;
  const ScCase cases[] = {
      {PetersonLock(), 4}, {DekkerFenced(), 3}, {SzymanskiLock(), 6}, {LamportLock(2), 16}};
  for (const ScCase& c : cases) {
    const auto subject = Make(c.program, MemoryModel::kSc);
    std::uint64_t complete = 0;
    DporOptions options;
    options.on_run = [&](const sim::Violation*) {
      if (!subject->state().given_up) ++complete;
    };

    const Report report = SourceDpor(*subject, options).Explore();

    EXPECT_TRUE(report.complete) << c.program.name;
    EXPECT_EQ(report.executions, report.classes) << c.program.name;  // none twice
    EXPECT_EQ(complete, c.count) << c.program.name;
  }
}

struct PsoCase {
  const char* name;
  std::uint64_t classes;
};

// Nidhugg's PSO_test.cpp: mp, mp_3, Small_rowe, Small_dekker, Small_peterson; the rest is as under TSO, since
// no thread of theirs stores to two words.
TEST(PsoCountsTest, ClassesAreAsMany) {
  constexpr PsoCase kCases[] = {{"MP", 4},       {"MpFence", 3}, {"ROWE", 3}, {"SB", 4},
                                {"Peterson", 16}, {"SbFences", 3}, {"LB", 3},  {"IRIW", 15},
                                {"WRC", 7},       {"RWC", 8},      {"SbRing", 8}};
  const std::vector<program::StandardProgram> programs = program::LitmusPrograms();
  for (const PsoCase& c : kCases) {
    const auto found =
        std::ranges::find(programs, std::string(c.name), &program::StandardProgram::name);
    ASSERT_NE(found, programs.end());
    const auto subject = Make(*found, MemoryModel::kPso);

    const Report report = SourceDpor(*subject, {}).Explore();

    EXPECT_TRUE(report.complete) << c.name;
    EXPECT_EQ(report.classes, c.classes) << c.name;
  }
}

TEST(PsoCountsTest, WhereEachThreadStoresToOneWordPsoIsTso) {
  for (const auto& [rounds, classes] : {std::pair(1, 3), std::pair(2, 20), std::pair(3, 175)}) {
    const auto subject = Make(program::Fib(rounds), MemoryModel::kPso);

    EXPECT_EQ(SourceDpor(*subject, {}).Explore().classes, static_cast<std::uint64_t>(classes));
  }
}

TEST(RmoCountsTest, ReductionRefusesWhatItDoesNotKnow) {
  const auto subject = Make(program::LitmusPrograms()[0], MemoryModel::kRmo);
  SourceDpor dpor(*subject, {});

  const Report report = dpor.Explore();

  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.stopped_by, StoppedBy::kRefused);
}

// A cross call empties the buffer: what follows is nothing that the search has foreseen.
TEST(PsoCountsTest, ReductionRefusesACrossCall) {
  ::shootdown::testing::GuestProgram program(
      {.threads = {[](::shootdown::testing::GuestProgram& g) {
                     g.Store('x', 1);
                     (void)g.SendMondo(1, 0);
                     g.Store('x', 2);
                     g.Fence();
                   },
                   [](::shootdown::testing::GuestProgram&) {}},
       .mondos = {[](::shootdown::testing::GuestProgram&) {}}},
      {.memory_model = MemoryModel::kPso});

  const Report report = SourceDpor(program, {}).Explore();

  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.stopped_by, StoppedBy::kRefused);
  EXPECT_EQ(::shootdown::testing::StepsText(program.machine()).find("mondo"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Programs, CountsTest, ::testing::ValuesIn(Cases()),
                         [](const auto& test) { return test.param.program.name; });

}  // namespace
}  // namespace shootdown::explore
