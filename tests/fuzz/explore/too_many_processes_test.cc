// A systematic search has at most 64 processes. Who asks for more is told so in words; and the tree of
// schedules, which has no such bound, comes to all CPUs of a wider program.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "fuzz/explore/enumerate.h"
#include "fuzz/explore/schedule_tree.h"
#include "fuzz/explore/source_dpor.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"

namespace shootdown::explore {
namespace {

struct Memory {
  program::Word x;
};

using Body = std::function<void(Memory&)>;

std::unique_ptr<program::Program> Of(std::vector<Body> threads, program::MemoryModel model) {
  return std::make_unique<program::ProgramOf<Memory>>(program::ProgramOf<Memory>::Parts{
      .name = "wide", .threads = std::move(threads), .machine = {.memory_model = model}});
}

std::unique_ptr<program::Program> Wide(std::size_t threads, program::MemoryModel model) {
  return Of(std::vector<Body>(threads, [](Memory& m) { STORE(m.x, 1); }), model);
}

using TooManyProcessesDeathTest = ::testing::Test;

TEST(TooManyProcessesDeathTest, AreRefusedInWords) {
  const auto sc = Wide(65, program::MemoryModel::kSc);
  EXPECT_DEATH(
      (void)Enumerate(*sc, {}, {}),
      "search of all schedules: found 65 processes .65 CPUs under SC, .*wanted at most 64");
  EXPECT_DEATH(StateSearch(*sc, {}), "found 65 processes .*wanted at most 64");
  EXPECT_DEATH(SourceDpor(*sc, {}), "found 65 processes .*wanted at most 64");
}

TEST(TooManyProcessesDeathTest, WaysOutOfStoreBuffersCount) {
  const auto tso = Wide(33, program::MemoryModel::kTso);
  EXPECT_DEATH((void)Enumerate(*tso, {}, {}), "found 66 processes .33 CPUs under TSO");
  EXPECT_DEATH(StateSearch(*tso, {}), "found 66 processes .33 CPUs under TSO");
  EXPECT_DEATH(SourceDpor(*tso, {}), "found 66 processes .33 CPUs under TSO");
}

TEST(TooManyProcessesDeathTest, MoreCpusThanWaysCanBeToldApartAreRefusedToo) {
  const auto pso = Wide(100, program::MemoryModel::kPso);
  EXPECT_DEATH(SourceDpor(*pso, {}), "found [0-9]+ processes .100 CPUs under PSO");
}

// Without one each, they would be taken for CPUs under SC, and a search would prove too much.
TEST(TooManyProcessesDeathTest, EachBufferHasAWayOut) {
  const auto pso = Wide(33, program::MemoryModel::kPso);
  EXPECT_DEATH(SourceDpor(*pso, {}), "found 66 processes .33 CPUs under PSO");
}

// Only the last two have something to do.
TEST(TooManyProcessesTest, SixtyFourAreNot) {
  struct Case {
    program::MemoryModel model;
    std::size_t threads;
  };
  for (const Case& c :
       {Case{program::MemoryModel::kSc, 64}, Case{program::MemoryModel::kTso, 32}}) {
    std::vector<Body> threads(c.threads, [](Memory& /*m*/) {});
    threads[c.threads - 2] = [](Memory& m) { STORE(m.x, 1); };
    threads[c.threads - 1] = [](Memory& m) { REQUIRE(LOAD(m.x) == 0, "seen"); };
    const auto program = Of(std::move(threads), c.model);

    EXPECT_TRUE(Enumerate(*program, {}, {}).violation.has_value());
    EXPECT_TRUE(StateSearch(*program, {}).Explore().violation.has_value());
    EXPECT_TRUE(SourceDpor(*program, {}).Explore().violation.has_value());
  }
}

TEST(TooManyProcessesTest, TheTreeOfSchedulesGoesOnWithAllCpus) {
  const auto program = Wide(100, program::MemoryModel::kSc);
  std::set<int> gone_on_with;
  ScheduleTree tree(*program, {});

  const TreeReport report = tree.Explore([&](const Schedule& schedule, const sim::Violation*) {
    for (const Decision& d : schedule.decisions()) gone_on_with.insert(d.to.number());
    return Visit::kGoOn;
  });

  EXPECT_TRUE(report.complete);
  EXPECT_EQ(gone_on_with.size(), 99u);  // CPU 0 comes first in any case
  EXPECT_EQ(*gone_on_with.rbegin(), 99);
}

}  // namespace
}  // namespace shootdown::explore
