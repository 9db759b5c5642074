// What a memory model allows a litmus test to show, straight from its axioms: every total order of
// the test's accesses that the model calls legal is tried, and the value of each load read off it.
// It knows nothing of the machine, which is compared with it.
//
// Source: The SPARC Architecture Manual, Version 9, appendix D: dependence order, memory order, the
// value axiom. X <p Y is program order, X <m Y memory order, L(X) X loads, S(X) X stores (an atomic
// does both).
//   RMO  X <m Y if X <p Y, and L(X) and Y depends on X; or a membar between them orders them; or
//   both are
//        of one word, and S(Y).
//   PSO  moreover if L(X).
//   TSO  moreover if S(X) and S(Y).
//   SC   always.
//   The value of a load of a word: that of the last store in memory order among the stores of the
//   word that are before the load in memory order, or in program order.
#ifndef SHOOTDOWN_TESTS_FUZZ_SIM_MEMORY_ORDER_H_
#define SHOOTDOWN_TESTS_FUZZ_SIM_MEMORY_ORDER_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fuzz/sim/machine_config.h"

namespace shootdown::testing {

// One instruction of a litmus test.
struct LitmusOp {
  enum class Kind : std::uint8_t { kLoad, kStore, kSwap, kMembar };
  Kind kind = Kind::kMembar;
  char word = 0;            // w, x, y or z
  std::uint64_t value = 0;  // that is stored
  std::uint8_t mask = 0;    // of a membar, as in fuzz/sim/machine.h
  int depends_on = -1;      // the instruction of this thread, a load, whose value it needs
};
using LitmusThread = std::vector<LitmusOp>;

struct LitmusProgram {
  std::string name;
  std::vector<LitmusThread> threads;
};

// Values that were loaded, thread by thread in program order, then those of all words that the test
// has in the end: "01 x1 y1".
using Outcomes = std::set<std::string>;

[[nodiscard]] Outcomes AllowedOutcomes(const LitmusProgram& program, sim::MemoryModel model);

// The names of the words of the program, ascending.
[[nodiscard]] std::string WordsOf(const LitmusProgram& program);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_SIM_MEMORY_ORDER_H_
