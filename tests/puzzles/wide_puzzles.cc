// The same bug among few threads and many.
#include "tests/puzzles/puzzles.h"

namespace shootdown::puzzles {
namespace {

using namespace program;

// Many store a and then b, one loads a and then b.
struct Pair {
  Word a;
  Word b;
};
template <int kThreads, bool kFixed>
std::unique_ptr<Program> ManyWriters() {
  ProgramOf<Pair>::Parts parts = {.name = "many_writers", .threads = {}};
  for (int i = 0; i < kThreads - 1; ++i) {
    parts.threads.push_back([](Pair& p) {
      STORE(p.a, 1);
      STORE(p.b, 1);
    });
  }
  parts.threads.push_back([](Pair& p) {
    const std::uint64_t b_first = kFixed ? LOAD(p.b) : 0;
    const std::uint64_t a = LOAD(p.a);
    const std::uint64_t b = kFixed ? b_first : LOAD(p.b);
    REQUIRE(a != 0 || b == 0, "saw the second store and not the first");
  });
  return ProgramFrom<Pair>(std::move(parts));
}

// Two values that belong together, each behind a lock of its own.
struct TwoStages {
  Mutex first_lock;
  Mutex second_lock;
  Word first;
  Word second;
};
template <int kThreads, bool kFixed>
std::unique_ptr<Program> TwoStageUpdate() {
  ProgramOf<TwoStages>::Parts parts = {.name = "two_stage_update", .threads = {}};
  for (int i = 0; i < kThreads - 1; ++i) {
    parts.threads.push_back([](TwoStages& t) {
      LOCK(t.first_lock);
      STORE(t.first, 1);
      if (!kFixed) UNLOCK(t.first_lock);
      LOCK(t.second_lock);
      STORE(t.second, 2);
      UNLOCK(t.second_lock);
      if (kFixed) UNLOCK(t.first_lock);
    });
  }
  parts.threads.push_back([](TwoStages& t) {
    LOCK(t.first_lock);
    const std::uint64_t first = LOAD(t.first);
    UNLOCK(t.first_lock);
    if (first == 0) return;
    LOCK(t.second_lock);
    const std::uint64_t second = LOAD(t.second);
    UNLOCK(t.second_lock);
    REQUIRE(second == first + 1, "one stage without the other");
  });
  return ProgramFrom<TwoStages>(std::move(parts));
}

}  // namespace

void AddWidePuzzles(std::vector<Puzzle>& puzzles) {
  puzzles.insert(
      puzzles.end(),
      {{"many_writers_3", "assertion", &ManyWriters<3, false>, &ManyWriters<3, true>},
       {"many_writers_10", "assertion", &ManyWriters<10, false>, &ManyWriters<10, true>},
       {"many_writers_64", "assertion", &ManyWriters<64, false>, &ManyWriters<64, true>},
       {"many_writers_100", "assertion", &ManyWriters<100, false>, &ManyWriters<100, true>},
       {"two_stage_update_2", "assertion", &TwoStageUpdate<2, false>, &TwoStageUpdate<2, true>},
       {"two_stage_update_10", "assertion", &TwoStageUpdate<10, false>, &TwoStageUpdate<10, true>},
       {"two_stage_update_64", "assertion", &TwoStageUpdate<64, false>, &TwoStageUpdate<64, true>},
       {"two_stage_update_100", "assertion", &TwoStageUpdate<100, false>, &TwoStageUpdate<100, true>}});
}

std::vector<Puzzle> Puzzles() {
  std::vector<Puzzle> puzzles;
  AddAtomicityPuzzles(puzzles);
  AddLockPuzzles(puzzles);
  AddOrderPuzzles(puzzles);
  AddLockFreePuzzles(puzzles);
  AddWidePuzzles(puzzles);
  return puzzles;
}

}  // namespace shootdown::puzzles
