// Traces as text, compared with files that a reviewer has read. UPDATE_GOLDEN=1 rewrites them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <span>
#include <string>
#include <vector>

#include "fuzz/sim/trace.h"
#include "tests/support/guest_program.h"
#include "tests/support/script.h"

namespace shootdown::testing {
namespace {

// What the golden file of that name holds; it is rewritten with `trace` first if asked for.
std::string Golden(const std::string& name, const std::string& trace) {
  const std::string path = std::string(SHOOTDOWN_GOLDEN_DIR) + "/" + name;
  if (const char* const update = std::getenv("UPDATE_GOLDEN");
      update != nullptr && std::string(update) == "1") {
    std::ofstream(path) << trace;
  }
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void StoreThenReadBoth(GuestProgram& g) {
  const bool first = g.machine().cpu() == 0;
  const char own = first ? 'x' : 'y';
  const char other = first ? 'y' : 'x';
  g.Store(own, 1);
  (void)g.Load(own);
  (void)g.Load(other);
  g.Fence();
  (void)g.SendMondo(first ? 1 : 0, 0);
  g.WaitUntilEquals('z', 2);
  (void)g.Load('z');
}

// Both CPUs read their own store before it is visible, and neither sees the other's.
TEST(GoldenTraceTest, StoreForwarding) {
  GuestProgram program({.threads = {&StoreThenReadBoth, &StoreThenReadBoth},
                        .mondos = {[](GuestProgram& g) { g.Add('z', 1); }}});

  RunUnder(program, "T0@0~hold(0) T0@3>C1 T1@0~hold(0) T1@3>B0");

  const std::string trace = LogText(program.machine());
  EXPECT_EQ(trace, Golden("store_forwarding.trace", trace));
}

TEST(TraceTest, EveryKindHasAWordOfItsOwn) {
  std::set<std::string> words;

  for (int k = 0; k < sim::kStepKindCount; ++k) words.insert(sim::KindName(static_cast<sim::StepKind>(k)));

  EXPECT_EQ(words.size(), static_cast<std::size_t>(sim::kStepKindCount));
}

TEST(TraceTest, AChainedHashCoversAllRowsBeforeIt) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.Store('x', 1);
    g.Store('y', 3);
  }}});
  RunUnder(program, "");
  std::vector<sim::LogEntry> log(program.machine().log().begin(), program.machine().log().end());
  const std::vector<std::uint64_t> before = sim::ChainedHashes(log);

  log[0].value = 9;
  const std::vector<std::uint64_t> after = sim::ChainedHashes(log);

  EXPECT_NE(after[0], before[0]);
  EXPECT_NE(after[1], before[1]);
  EXPECT_EQ(sim::ChainedHashes(std::span(log).first(1))[0], after[0]);
}

TEST(FormatTest, WordsReadAsPeopleReadThem) {
  EXPECT_EQ(sim::FormatNumber(7), "7");
  EXPECT_EQ(sim::FormatNumber(static_cast<std::uint64_t>(-1)), "-1");
  EXPECT_EQ(sim::FormatMask(0), "{}");
  EXPECT_EQ(sim::FormatMask(0b1101), "{0,2,3}");
  EXPECT_EQ(sim::FormatObject(0), "NULL");
}

}  // namespace
}  // namespace shootdown::testing
