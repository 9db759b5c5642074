// What guest code touches is seen: all of it, by whomever, and nothing while nobody watches.
#include "fuzz/explore/memory_watch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/sim/watched.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {
namespace {

using ::shootdown::testing::GuestProgram;

// Of one word; nothing if it was not touched.
Touch Of(const MemoryWatch& watch, const void* address) {
  const sim::WordIndex word = sim::Arena::IndexOf(address);
  const auto found = std::ranges::find(watch.seen(), word, &Touch::word);
  return found == watch.seen().end() ? Touch{.word = word} : *found;
}

// A thread that does `code`, under watch from its first step on.
class Watched : public sim::Scheduler {
 public:
  explicit Watched(GuestProgram& program) : watch(program.machine()) {}
  void StartRun(const sim::Machine&) override { watch.Forget(); }
  sim::Move Pick(const sim::Question& question) override {
    MemoryWatch::Pause();
    sim::Move move;
    if (question.blocked) move.kind = sim::Move::Kind::kNext;
    if (question.may_wait && !held_) {
      held_ = true;
      return {.kind = sim::Move::Kind::kHold};
    }
    watch.SeeAll();
    return move;
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId, std::uint32_t index) override { return index; }
  void EndRun(const sim::Machine&) override { MemoryWatch::Pause(); }

  MemoryWatch watch;

 private:
  bool held_ = false;
};

TEST(MemoryWatchTest, ThisProgramIsBuiltForIt) { EXPECT_TRUE(sim::GuestCodeIsWatched()); }

TEST(MemoryWatchTest, StepsReadAndWriteWords) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.reg[0] = g.Load('x');
    g.Store('y', 1);
    (void)g.Add('z', 1);
  }}},
                       {.memory_model = sim::MemoryModel::kSc});
  Watched scheduler(program);

  (void)program.Run(scheduler);

  const Touch x = Of(scheduler.watch, program.cell('x').word());
  const Touch y = Of(scheduler.watch, program.cell('y').word());
  const Touch z = Of(scheduler.watch, program.cell('z').word());
  EXPECT_EQ(x.reads, 0xff);
  EXPECT_EQ(x.writes, 0);
  EXPECT_EQ(y.writes, 0xff);
  EXPECT_EQ(z.writes, 0xff);
  EXPECT_EQ(Of(scheduler.watch, program.cell('w').word()).reads, 0);
}

TEST(MemoryWatchTest, LooksWithoutAStepAreSeen) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.Act(0);
    g.reg[0] = g.Peek('w');
  }}});
  Watched scheduler(program);

  (void)program.Run(scheduler);

  EXPECT_EQ(Of(scheduler.watch, program.cell('w').word()).reads, 0xff);
  EXPECT_EQ(Of(scheduler.watch, program.reg).writes, 0xff);
}

TEST(MemoryWatchTest, ALoadThatTheBufferServesReadsItsWord) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.Store('x', 1);
    g.reg[0] = g.Load('x');
  }}});
  Watched scheduler(program);

  (void)program.Run(scheduler);

  EXPECT_EQ(program.reg[0], 1u);
  EXPECT_EQ(Of(scheduler.watch, program.cell('x').word()).reads, 0xff);
}

TEST(MemoryWatchTest, WhoPoisonsAWordWritesIt) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
    g.Act(0);
    sim::Machine::Get().Poison(g.cell('x').word(), 8);
  }}});
  Watched scheduler(program);

  (void)program.Run(scheduler);

  EXPECT_EQ(Of(scheduler.watch, program.cell('x').word()).writes, 0xff);
}

// Of a thread's stack only that it was touched is known, and by others alone.
TEST(MemoryWatchTest, WhoReadsAnotherThreadsStackTouchesThatThread) {
  static volatile std::uint64_t* shown = nullptr;
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      volatile std::uint64_t local = 7;
                                      shown = &local;
                                      g.Act(0);
                                      g.WaitUntilEquals('x', 1);
                                    },
                                    [](GuestProgram& g) {
                                      g.reg[0] = *shown;
                                      g.Store('x', 1);
                                    }}},
                       {.memory_model = sim::MemoryModel::kSc});
  Watched scheduler(program);

  (void)program.Run(scheduler);

  EXPECT_EQ(program.reg[0], 7u);
  const auto touched = [&](int task) {
    return std::ranges::find(scheduler.watch.seen(), kThreadWords + TaskActor(task).code(), &Touch::word) !=
           scheduler.watch.seen().end();
  };
  EXPECT_TRUE(touched(0));
  EXPECT_FALSE(touched(1));
}

TEST(MemoryWatchTest, AnInterruptThatIsMaskedIsNotLookedFor) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                          sim::Machine::Get().SetIe(false);
                          g.Act(0);
                        }},
                        .mondos = {[](GuestProgram&) {}}});
  MemoryWatch watch(program.machine());
  watch.AddLookForInterrupts(0);
  EXPECT_FALSE(watch.seen().empty());
  watch.Forget();
  Watched scheduler(program);
  (void)program.Run(scheduler);

  watch.AddLookForInterrupts(0);

  EXPECT_TRUE(watch.seen().empty());
}

TEST(MemoryWatchTest, OnlyBytesThatAreWrittenMakeAConflict) {
  const Footprint low = {{.word = 7, .writes = 0x0f}};
  const Footprint high = {{.word = 7, .reads = 0xf0}};
  const Footprint both = {{.word = 7, .reads = 0x18}};
  const Footprint other = {{.word = 8, .reads = 0xff, .writes = 0xff}};
  EXPECT_FALSE(InConflict(low, high));
  EXPECT_TRUE(InConflict(low, both));
  EXPECT_TRUE(InConflict(both, low));
  EXPECT_FALSE(InConflict(high, both));
  EXPECT_FALSE(InConflict(low, other));
}

}  // namespace
}  // namespace shootdown::explore
