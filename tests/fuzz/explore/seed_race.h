// The race of tests/puzzles/tlb_race.h, access by access as an enumerator has it that counts states by
// itself: mmget_not_zero() is one step, and what a thread keeps in variables, and for how long, is part of
// a state. So its counts are witnesses for the searches (seed_race_test.cc); tlb_race is for finding and
// proving fast: it takes a reference by compare and swap, as C does, and forgets what is not read again.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_SEED_RACE_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_SEED_RACE_H_

#include <cstdint>
#include <memory>

#include "fuzz/program/program.h"

namespace shootdown::program {

struct SeedRaceShape {
  int cpus = 2;      // 2 .. 6: CPU 0 unmaps, CPU 1 is the kernel thread, the others are lazy
  int pages = 2;     // 1 .. 4
  int accesses = 2;  // of the kernel thread to each page
  bool fixed = false;
  int lazy_polls = 2;  // how often a lazy CPU looks for cross calls before it switches away
};

// What a thread has in variables. They stand in guest memory, and so are part of a state, until they are
// overwritten, read again or not: as in the enumerator whose counts seed_race_test.cc has.
struct SeedRaceVariables {
  std::uint64_t where;  // which access comes next
  std::uint64_t round;
  std::uint64_t page;
  std::uint64_t users;
  std::uint64_t mask;
  std::uint64_t tlb;
  std::uint64_t polled;
  std::uint64_t entry;
  std::uint64_t served;
};

struct SeedRace {
  Word mm_users{1};
  Word mm_cpumask{1};
  Word mm_context{1};
  Word cleared[4];     // the page's table entry
  Word page_freed[4];
  Word ipi[6];         // 0: none, or acknowledged; 1: pending; 2: no more will come
  SeedRaceVariables variables[6];  // by CPU
};

[[nodiscard]] std::unique_ptr<ProgramOf<SeedRace>> MakeSeedRace(const SeedRaceShape& shape,
                                                                MemoryModel model);

}  // namespace shootdown::program

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_SEED_RACE_H_
