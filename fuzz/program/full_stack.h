// Words for a thread that needs more stack than it has.
#ifndef SHOOTDOWN_FUZZ_PROGRAM_FULL_STACK_H_
#define SHOOTDOWN_FUZZ_PROGRAM_FULL_STACK_H_

namespace shootdown::program {

// From now on a thread of a program that comes to the end of its stack ends the process with words, and then by
// SIGSEGV as before. Other faults go to whoever handled SIGSEGV. Called by the system's thread that runs programs.
void SayWhenAStackIsFull();

}  // namespace shootdown::program

#endif  // SHOOTDOWN_FUZZ_PROGRAM_FULL_STACK_H_
