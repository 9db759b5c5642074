// What a thread forgets. Two states of a run in which memory is the same and each thread stands at
// the same place are one state only if no thread remembers a difference. A search over states
// (fuzz/explore) takes it that a thread remembers all that its steps told it, until it is said
// otherwise: here.
//
//   sim::Forgetting scope(SHOOTDOWN_SITE("op"));
//   for (…) { scope.Again(); … }
//
// And of what it was told by no step nothing is known, until that is said as well. PeekOwn says it;
// for anything else that is read without a step, and kept beyond the next one (ghosts above all):
//
//   sim::Learn(mm->pte_change[va]);
//
// REQUIRES: what steps inside the scope told the thread is not in any variable that is read after
// the scope (after Again: that is read without being set again). What was written to guest memory
// does not matter. Interrupt handlers need no such words: they tell the code that they interrupt
// nothing.
#ifndef SHOOTDOWN_FUZZ_SIM_FORGET_H_
#define SHOOTDOWN_FUZZ_SIM_FORGET_H_

#include "fuzz/base/hash.h"
#include "fuzz/sim/machine.h"
#include "fuzz/sim/site.h"

namespace shootdown::sim {

// `what` was read without a step, and stays in a variable while steps are taken.
inline void Learn(std::uint64_t what) { Machine::Get().MarkMemory(MemoryMark::Kind::kLearn, what); }
inline void Learn(const TlbGhost& ghost) {
  Learn(std::uint64_t{ghost.owner} << 32 | ghost.incarnation);
  Learn(ghost.pte_change);
}

class Forgetting {
 public:
  explicit Forgetting(const Site& site) : place_(site.hash) {
    Machine::Get().MarkMemory(MemoryMark::Kind::kEnter, place_);
  }
  ~Forgetting() { Machine::Get().MarkMemory(MemoryMark::Kind::kLeave, place_); }
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;

  // All that is still known after the scope: what a function returns, say.
  void Keep(std::uint64_t value) { place_ = Combine(place_, value); }
  // A loop that stands where it stood when the scope began, but for `still_known`: a hash of what
  // it has in variables, and of how often it went round if that matters.
  void Again(std::uint64_t still_known = 0) {
    Machine::Get().MarkMemory(MemoryMark::Kind::kAgain, Combine(place_, still_known));
  }

 private:
  std::uint64_t place_;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_FORGET_H_
