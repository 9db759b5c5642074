// The one seam through which all choices flow. The machine asks; whoever answers decides the run.
// Replay, search and exploring are schedulers.
#ifndef SHOOTDOWN_FUZZ_SIM_SCHEDULER_H_
#define SHOOTDOWN_FUZZ_SIM_SCHEDULER_H_

#include <cstdint>

#include "fuzz/sim/ids.h"
#include "fuzz/sim/log.h"
#include "fuzz/sim/membar.h"

namespace shootdown::sim {

class Machine;

struct Move {
  enum class Kind : std::uint8_t {
    kStep,     // the current actor takes its step (not a choice when it is blocked)
    kNext,     // blocked only: the next runnable CPU in the default order
    kRun,      // CPU `cpu` goes on
    kDrain,    // the store at place `arg` of CPU `cpu`'s buffer (the oldest: 0) reaches memory
    kHold,     // this step may wait: it stays in the buffer for at most `arg` further steps (0: no limit)
    kDefer,    // the CPU's interrupts wait for `arg` further steps of the actor
    kResched,  // a reschedule interrupt arrives at this CPU
    kEvict,    // this CPU's TLB drops entry `arg`
    kNmi,      // a non-maskable interrupt arrives at this CPU
    kWalk,     // this CPU's walker fetches page `arg` through what is loaded now
    kOld,      // this load gives what its word held before its last `arg` stores (RMO)
  };
  Kind kind = Kind::kStep;
  std::uint8_t cpu = 0;
  std::uint8_t arg = 0;
  // kRun: and that CPU takes the step that it was last asked about, without being asked again.
  // REQUIRES: it was asked about one, and has nothing in its store buffer, and no interrupt that is
  // due or deferred.
  bool and_step = false;
  // kDrain where a CPU waits: it waits on though its wait may be over by that, until it is chosen (kRun).
  bool and_wait = false;
};

struct Question {
  const Machine& machine;
  CpuId cpu;
  ActorId actor;
  std::uint32_t index;  // of the step that `actor` takes next
  const Site& site;     // of that step, or of the wait
  StepKind kind;        // of that step; kWait when blocked
  WordIndex word;       // that the step accesses, if that is known before it; else kNoWord
  bool blocked;         // the CPU cannot go on
  bool may_wait = false;      // a hold applies: a store, or a load whose value is needed later only
  bool empties_buffer = false;  // the step comes after all that the CPU's buffer holds
  MembarMask membar = 0;      // of a membar which does not
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // A new run begins.
  virtual void StartRun(const Machine& machine) = 0;

  // What happens before the step in question. Asked again, with the same question, until the answer
  // is kStep (blocked: until another CPU runs). Moves that cannot be made are ignored, and the
  // question comes again: so an answer must not be repeated for ever.
  [[nodiscard]] virtual Move Pick(const Question& question) = 0;

  // The next of `actor`'s steps, `index` or later, at which the machine must ask. Steps before that
  // one are taken without asking, at full speed.
  [[nodiscard]] virtual std::uint32_t NextQuestion(ActorId actor, std::uint32_t index) = 0;

  // The run is over: its log and its conflicts stand until the next one.
  virtual void EndRun(const Machine& /*machine*/) {}
};

// A move that was made, and where: before `actor`'s step `index`, when the log had `row` rows.
struct MoveMade {
  Move move;
  ActorId actor;
  std::uint32_t index;
  Row row;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_SCHEDULER_H_
