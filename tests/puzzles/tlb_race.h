// The race of the seed as a small model: Linux sparc64's smp_flush_tlb_mm(), which trims mm_cpumask to one
// CPU when mm_users is 1 (fixed by bafb056ce279), against kthread_use_mm() of an io_uring thread.
//
// CPU 0 unmaps P pages one after the other. CPU 1 takes a reference, sets its bit in the mask, fills its
// TLB and accesses every page ACC times. The flush interrupt is a word that its target polls before each
// access; a TLB is local to its thread. Further CPUs borrow the mm lazily and give it back.
#ifndef SHOOTDOWN_TESTS_PUZZLES_TLB_RACE_H_
#define SHOOTDOWN_TESTS_PUZZLES_TLB_RACE_H_

#include <cstdint>
#include <memory>

#include "fuzz/program/program.h"

namespace shootdown::puzzles {

// How a reference to the mm is taken.
enum class Mmget : std::uint8_t {
  kCompareAndSwap,  // a load and a compare-and-swap, as in C
  kOneStep,         // one read-modify-write, which counts and published figures of this model go by
};

struct TlbRaceShape {
  int cpus = 2;        // 2 .. 8
  int pages = 2;       // 1 .. 3
  int accesses = 2;    // of each page, by CPU 1
  int lazy_polls = 2;  // of CPUs 2 and up, between borrowing and giving back
  bool fixed = false;
  Mmget mmget = Mmget::kCompareAndSwap;
  program::MemoryModel memory_model = program::MemoryModel::kSc;
  int noise_cpus = 0;  // CPUs with steps of their own that touch nothing of the above
};

[[nodiscard]] std::unique_ptr<program::Program> TlbRace(const TlbRaceShape& shape);

}  // namespace shootdown::puzzles

#endif  // SHOOTDOWN_TESTS_PUZZLES_TLB_RACE_H_
