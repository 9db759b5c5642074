// What the machine asks of the code that runs on it (Guest), and the words between the two: cross calls,
// waits, ends of runs.
#ifndef SHOOTDOWN_FUZZ_SIM_GUEST_H_
#define SHOOTDOWN_FUZZ_SIM_GUEST_H_

#include <cstdint>

#include "fuzz/sim/ids.h"
#include "fuzz/sim/log.h"

namespace shootdown::sim {

// A cross call in flight: what the target runs, at trap level 1, with interrupts off.
struct Mondo {
  void (*handler)(std::uint64_t a0, std::uint64_t a1, std::uint64_t a2) = nullptr;
  std::uint64_t a0 = 0;
  std::uint64_t a1 = 0;
  std::uint64_t a2 = 0;
  const Site* site = nullptr;  // what was sent, for traces
  Row sent = kNoRow;
};

// Interrupt levels (PIL). Linux 4.19 arch/sparc/include/asm/pil.h.
inline constexpr int kPilReschedule = 2;
inline constexpr int kPilNormalMax = 14;

// What the guest provides. `thread_main` is entered on the thread's own stack, afresh in each run;
// `switched_in` tells a thread that starts because SwitchThread chose it from one that its CPU was
// running when the snapshot was taken. When it returns, the CPU has nothing left to run.
struct Guest {
  void (*thread_main)(ActorId thread, bool switched_in) = nullptr;
  void (*softint)(int level) = nullptr;  // runs with PIL 14, interrupts of class mondo allowed
  void (*nmi)() = nullptr;
  bool sends_mondos = true;  // false: nobody ever calls SendMondo
  // Hardware that walks page tables of its own accord: whether this CPU would find something for
  // `virt` now, and the walk itself. Neither takes a step. Null: it does not. Pages are 0 .. count - 1.
  bool (*can_walk)(VirtPage virt) = nullptr;
  void (*walk)(VirtPage virt) = nullptr;
  int walk_page_count = 0;
  void (*interrupt_return)() = nullptr;  // after a softint, back in the interrupted thread
  // No CPU can go on and no store is held: either all is done, or this is a deadlock. Runs on the
  // host's stack.
  void (*quiet)() = nullptr;
};

enum class RunEnd : std::uint8_t {
  kQuiet,   // nothing left to do (or a deadlock: the guest's `quiet` tells)
  kStopped, // the guest ended the run: a judge saw a violation
  kBudget,  // too many steps: a livelock
};

enum class WaitKind : std::uint8_t {
  kIdle,     // a run may end here
  kBlocked,  // a run that ends here is a deadlock
};

// A step that cannot happen yet, or only as long as its word is ready (LoadWhen, RmwWhen).
struct Await {
  StepKind kind = StepKind::kLoad;
  WordIndex word = kNoWord;
  bool (*ready)(const void* argument, std::uint64_t value) = nullptr;
  const void* argument = nullptr;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_GUEST_H_
