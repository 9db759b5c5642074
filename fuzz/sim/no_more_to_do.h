// Where a CPU waits whose thread has come to its end (its thread_main has returned). It is idle, and takes
// interrupts; the wait itself never ends, whatever stands in memory.
#ifndef SHOOTDOWN_FUZZ_SIM_NO_MORE_TO_DO_H_
#define SHOOTDOWN_FUZZ_SIM_NO_MORE_TO_DO_H_

#include "fuzz/sim/site.h"

namespace shootdown::sim {

inline constexpr Site kNoMoreToDo{"ThreadEntry", "no more to do", &FormatNumber};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_NO_MORE_TO_DO_H_
