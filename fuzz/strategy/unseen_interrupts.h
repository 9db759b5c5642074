// Whether it matters where an interrupt comes among steps that no other CPU sees.
//
// Such steps are no choices as a rule (Pos::EagerInvisible): among the steps of other CPUs they may come anywhere.
// But a handler, or a task that preempts, comes between two of them. That makes a difference if it has something in
// common with the interrupted task that no other CPU has a hand in: a per-CPU word, as a rule.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_UNSEEN_INTERRUPTS_H_
#define SHOOTDOWN_FUZZ_STRATEGY_UNSEEN_INTERRUPTS_H_

#include "fuzz/sim/machine.h"

namespace shootdown {

// In the machine's last run a CPU took a mondo or a softint, and two of its agents (tasks, the idle task, the
// handlers) accessed a word that one of them wrote and no other CPU accessed.
[[nodiscard]] bool UnseenInterrupts(const sim::Machine& machine);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_UNSEEN_INTERRUPTS_H_
