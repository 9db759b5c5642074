// Small programs whose numbers of classes are known from elsewhere: litmus tests, and the programs that
// stateless model checkers count with (tests of GenMC and Nidhugg). Written anew from what they do.
#ifndef SHOOTDOWN_TESTS_PUZZLES_STANDARD_PROGRAMS_H_
#define SHOOTDOWN_TESTS_PUZZLES_STANDARD_PROGRAMS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/program/program.h"

namespace shootdown::program {

struct Standard {
  static constexpr std::size_t kWords = 160;
  Word x[kWords];
  Mutex mutex;
  Mutex inner;
  std::uint64_t r[64] = {};  // registers, for outcomes
  bool given_up = false;     // a thread's assumption did not hold
};

using Body = std::function<void(Standard&)>;

struct StandardProgram {
  std::string name;
  std::vector<Body> threads;
  std::uint64_t start[2] = {0, 0};  // of x[0] and x[1]
  std::function<void(Standard&)> at_end = nullptr;
};

[[nodiscard]] std::unique_ptr<ProgramOf<Standard>> Make(const StandardProgram& program,
                                                        MemoryModel model);

// Litmus tests, by the names of "Herding Cats" (Alglave, Maranget, Tautschnig, TOPLAS 36(2), 2014).
[[nodiscard]] std::vector<StandardProgram> LitmusPrograms();

[[nodiscard]] StandardProgram Readers(int n);     // one store, n threads that load it
[[nodiscard]] StandardProgram LastZero(int n);    // n threads count up along an array, one looks for a zero
[[nodiscard]] StandardProgram Indexer(int n);     // n threads put four messages each into a hash table
[[nodiscard]] StandardProgram Fib(int n);         // i += j against j += i, n times
[[nodiscard]] StandardProgram FibWithMain(int n); // and a third thread loads both
[[nodiscard]] StandardProgram AtomicInc(int n, int words);  // n threads add one to each of the words
[[nodiscard]] StandardProgram LockInc(int n);     // n threads add one under a lock
[[nodiscard]] StandardProgram TwoLocksInc(int n); // n threads add one under a lock that they take under another
[[nodiscard]] StandardProgram Inc(int n);         // n threads add one without
[[nodiscard]] StandardProgram CasRot(int n);      // thread i swaps i-1 for i
[[nodiscard]] StandardProgram WriteCas(int n);    // one stores 1, n threads swap 1 for 2
[[nodiscard]] StandardProgram CasWrite(int n);    // n threads swap 0 for 1, and store 2
[[nodiscard]] StandardProgram Wrw(int n);         // one stores, n threads load and store
[[nodiscard]] StandardProgram CoA(int n);         // n - 1 threads store to two words, two load one of them each
[[nodiscard]] StandardProgram RedundantCo(int n); // two threads store n times, one loads twice
[[nodiscard]] StandardProgram OptLock(int n);     // two threads try an optimistic lock, n times at most
[[nodiscard]] StandardProgram Sigma(int n);       // n threads, started one by one, mark the place of an index
[[nodiscard]] StandardProgram Big0();             // two threads store six times, two load three and seven times
[[nodiscard]] StandardProgram Big1();             // two threads store six times, two load six and eight times
[[nodiscard]] StandardProgram Big2();             // the same three words are stored to twice by two, and loaded by two

}  // namespace shootdown::program

#endif  // SHOOTDOWN_TESTS_PUZZLES_STANDARD_PROGRAMS_H_
