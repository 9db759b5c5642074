// Programs of GenMC's and Nidhugg's tests in which a thread assumes something of what it has read: only
// runs in which all assumptions hold are counted there. Written anew from what they do.
#ifndef SHOOTDOWN_TESTS_PUZZLES_ASSUMING_PROGRAMS_H_
#define SHOOTDOWN_TESTS_PUZZLES_ASSUMING_PROGRAMS_H_

#include "tests/puzzles/standard_programs.h"

namespace shootdown::program {

// Locks of two threads, each with a store and a load within: Peterson's, Dekker's entry with fences (both may
// stay out), Szymanski's.
[[nodiscard]] StandardProgram PetersonLock();
[[nodiscard]] StandardProgram DekkerFenced();
[[nodiscard]] StandardProgram SzymanskiLock();
// L. Lamport, "A fast mutual exclusion algorithm", TOCS 5(1), 1987, algorithm 2: n threads, once each.
[[nodiscard]] StandardProgram LamportLock(int n);
// Java's park() of one thread and unpark() of another, twice, with its bug 6822370; the parker looks n times at most.
[[nodiscard]] StandardProgram Parker(int n);

}  // namespace shootdown::program

#endif  // SHOOTDOWN_TESTS_PUZZLES_ASSUMING_PROGRAMS_H_
