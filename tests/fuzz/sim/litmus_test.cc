// Litmus tests: over all schedules, a memory model shows exactly the outcomes that it allows.
//
// An outcome is the registers r0, r1, … and then, where the test is about them, final values of
// cells. Names and programs: Alglave, Maranget, Tautschnig, "Herding Cats", ACM TOPLAS 36(2), 2014;
// "n6": Owens, Sarkar, Sewell, "A Better x86 Memory Model: x86-TSO", TPHOLs 2009. What TSO allows:
// The SPARC Architecture Manual, Version 9, appendix D.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

using sim::MemoryModel;
using Outcomes = std::set<std::string>;

struct LitmusCase {
  const char* name;
  std::vector<GuestProgram::Code> threads;
  int registers;      // how many make the outcome
  std::string cells = {};  // whose final values come after them
  Outcomes both;      // allowed by SC and by TSO
  Outcomes tso_only = {};  // allowed by TSO alone
};

const std::vector<LitmusCase>& Cases() {
  using G = GuestProgram;
  static const std::vector<LitmusCase> kCases = {
      {.name = "SB",
       .threads = {[](G& g) { g.Store('x', 1); g.reg[0] = g.Load('y'); },
                   [](G& g) { g.Store('y', 1); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"01", "10", "11"},
       .tso_only = {"00"}},
      {.name = "SbWithFences",
       .threads = {[](G& g) { g.Store('x', 1); g.Fence(); g.reg[0] = g.Load('y'); },
                   [](G& g) { g.Store('y', 1); g.Fence(); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"01", "10", "11"}},
      {.name = "SbWithOneFence",
       .threads = {[](G& g) { g.Store('x', 1); g.Fence(); g.reg[0] = g.Load('y'); },
                   [](G& g) { g.Store('y', 1); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"01", "10", "11"},
       .tso_only = {"00"}},
      {.name = "SbWithRmwAsFence",
       .threads = {[](G& g) { g.Store('x', 1); g.Add('z', 1); g.reg[0] = g.Load('y'); },
                   [](G& g) { g.Store('y', 1); g.Add('w', 1); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"01", "10", "11"}},
      {.name = "SbWithRmwAsStore",
       .threads = {[](G& g) { g.Add('x', 1); g.reg[0] = g.Load('y'); },
                   [](G& g) { g.Add('y', 1); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"01", "10", "11"}},
      {.name = "MP",
       .threads = {[](G& g) { g.Store('x', 1); g.Store('y', 1); },
                   [](G& g) { g.reg[0] = g.Load('y'); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"00", "01", "11"}},
      {.name = "LB",
       .threads = {[](G& g) { g.reg[0] = g.Load('x'); g.Store('y', 1); },
                   [](G& g) { g.reg[1] = g.Load('y'); g.Store('x', 1); }},
       .registers = 2,
       .both = {"00", "01", "10"}},
      // Forbidden: r0 = 1 and x = 2 in the end.
      {.name = "S",
       .threads = {[](G& g) { g.Store('x', 2); g.Store('y', 1); },
                   [](G& g) { g.reg[0] = g.Load('y'); g.Store('x', 1); }},
       .registers = 1,
       .cells = "x",
       .both = {"0 x1", "0 x2", "1 x1"}},
      // SC forbids, and TSO allows: r0 = 0 and y = 2 in the end.
      {.name = "R",
       .threads = {[](G& g) { g.Store('x', 1); g.Store('y', 1); },
                   [](G& g) { g.Store('y', 2); g.reg[0] = g.Load('x'); }},
       .registers = 1,
       .cells = "y",
       .both = {"0 y1", "1 y1", "1 y2"},
       .tso_only = {"0 y2"}},
      // Forbidden: both first stores win.
      {.name = "TwoPlusTwoW",
       .threads = {[](G& g) { g.Store('x', 1); g.Store('y', 2); },
                   [](G& g) { g.Store('y', 1); g.Store('x', 2); }},
       .registers = 0,
       .cells = "xy",
       .both = {" x1 y2", " x2 y1", " x2 y2"}},
      // Forbidden: the two readers disagree about which store came first.
      {.name = "IRIW",
       .threads = {[](G& g) { g.Store('x', 1); }, [](G& g) { g.Store('y', 1); },
                   [](G& g) { g.reg[0] = g.Load('x'); g.reg[1] = g.Load('y'); },
                   [](G& g) { g.reg[2] = g.Load('y'); g.reg[3] = g.Load('x'); }},
       .registers = 4,
       .both = {"0000", "0001", "0010", "0011", "0100", "0101", "0110", "0111", "1000", "1001",
                "1011", "1100", "1101", "1110", "1111"}},
      {.name = "CoRR",
       .threads = {[](G& g) { g.Store('x', 1); },
                   [](G& g) { g.reg[0] = g.Load('x'); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"00", "01", "11"}},
      {.name = "CoRROfTwoStores",
       .threads = {[](G& g) { g.Store('x', 1); g.Store('x', 2); },
                   [](G& g) { g.reg[0] = g.Load('x'); g.reg[1] = g.Load('x'); }},
       .registers = 2,
       .both = {"00", "01", "02", "11", "12", "22"}},
      // r0 and r2 are a CPU's own stores, which it sees at once; r1 and r3 are the other's.
      {.name = "SbWithOwnReads",
       .threads = {[](G& g) { g.Store('x', 1); g.reg[0] = g.Load('x'); g.reg[1] = g.Load('y'); },
                   [](G& g) { g.Store('y', 1); g.reg[2] = g.Load('y'); g.reg[3] = g.Load('x'); }},
       .registers = 4,
       .both = {"1011", "1110", "1111"},
       .tso_only = {"1010"}},
      // CPU 0 reads its own store before all see it, and then loses x to it: x is 1 in the end.
      {.name = "N6",
       .threads = {[](G& g) { g.Store('x', 1); g.reg[0] = g.Load('x'); g.reg[1] = g.Load('y'); },
                   [](G& g) { g.Store('y', 1); g.Store('x', 2); }},
       .registers = 2,
       .cells = "x",
       .both = {"10 x2", "11 x1", "11 x2", "21 x2"},
       .tso_only = {"10 x1"}},
  };
  return kCases;
}

Outcomes SeenUnder(const LitmusCase& litmus, MemoryModel model) {
  GuestProgram program({.threads = litmus.threads}, {.memory_model = model});
  Outcomes seen;
  RunAll(program, [&](sim::RunEnd end) {
    EXPECT_EQ(end, sim::RunEnd::kQuiet);
    std::string outcome;
    for (int r = 0; r < litmus.registers; ++r) outcome += std::to_string(program.reg[r]);
    for (const char name : litmus.cells) {
      outcome += std::string(" ") + name + std::to_string(program.Peek(name));
    }
    seen.insert(outcome);
  });
  return seen;
}

class LitmusTest : public ::testing::TestWithParam<LitmusCase> {};

TEST_P(LitmusTest, ScShowsExactlyWhatItAllows) {
  EXPECT_EQ(SeenUnder(GetParam(), MemoryModel::kSc), GetParam().both);
}

TEST_P(LitmusTest, TsoShowsExactlyWhatItAllows) {
  Outcomes allowed = GetParam().both;
  allowed.insert(GetParam().tso_only.begin(), GetParam().tso_only.end());

  EXPECT_EQ(SeenUnder(GetParam(), MemoryModel::kTso), allowed);
}

INSTANTIATE_TEST_SUITE_P(Programs, LitmusTest, ::testing::ValuesIn(Cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace shootdown::testing
