// The log of a run: one row for each step, and for a few events that are not steps. Rows are cheap
// enough to write always, so traces, features, races and hashes are all read from the log after the
// run, and a run is the same whether or not anybody looks.
#ifndef SHOOTDOWN_FUZZ_SIM_LOG_H_
#define SHOOTDOWN_FUZZ_SIM_LOG_H_

#include <cstdint>

#include "fuzz/sim/arena.h"
#include "fuzz/sim/ids.h"
#include "fuzz/sim/site.h"

namespace shootdown::sim {

enum class StepKind : std::uint8_t {
  kLoad,
  kStore,
  kRmw,
  kFence,
  kUserLoad,       // user memory, through the TLB
  kUserStore,
  kTlbMiss,        // a user access that found no entry: the trap begins
  kTlbInsert,
  kDemap,
  kContextWrite,   // a context register
  kMondoSend,
  kMondoNack,
  kMondoTaken,     // the handler starts on the target
  kSoftintTaken,
  kNmiTaken,
  kDrain,          // a held store reaches memory: a step of the store buffer
  kAction,         // any other visible action
  // Rows that are not steps: they move no actor's index.
  kWait,           // the CPU starts to wait
  kNote,           // something that a reader wants to know
  // Last, since traces are hashed by number.
  kLateLoad,       // a load that was put off happens: a step of the buffer
};
inline constexpr int kStepKindCount = static_cast<int>(StepKind::kLateLoad) + 1;
constexpr bool IsStep(StepKind kind) {
  return kind < StepKind::kWait || kind == StepKind::kLateLoad;
}
// A step of a store buffer: nothing can be anchored to it.
constexpr bool IsOfBuffer(StepKind kind) {
  return kind == StepKind::kDrain || kind == StepKind::kLateLoad;
}
// A step before which a decision can stand.
constexpr bool CanAnchor(StepKind kind) { return IsStep(kind) && !IsOfBuffer(kind); }
constexpr bool IsWrite(StepKind kind) {
  return kind == StepKind::kStore || kind == StepKind::kRmw || kind == StepKind::kDrain ||
         kind == StepKind::kUserStore;
}

using Row = std::uint32_t;
inline constexpr Row kNoRow = 0xffff'ffff;

struct LogEntry {
  const Site* site;
  std::uint64_t value;   // loaded, stored, or what the kind says
  WordIndex word;        // the memory word, or kNoWord
  Row link;              // kMondoTaken: the send; kDrain: the store; kLateLoad: the load; kLoad with
                         // kOld: whose value it has, if a write of this run; else kNoRow
  std::uint16_t index;   // the actor's own step number
  std::uint16_t actor;   // ActorId::code()
  StepKind kind;
  std::uint8_t cpu;
  std::uint8_t flags;    // see below
  std::uint8_t zero = 0;  // rows are compared as bytes, so none is left over

  static constexpr std::uint8_t kHeld = 1;       // the store went into the store buffer; the load was put off
  static constexpr std::uint8_t kForwarded = 2;  // the load was served by the store buffer
  // An RMW that left the word as it was, as a compare-and-swap that failed. For those who count; a run's
  // trace says as much by its values, so the flag has no part in its hash.
  static constexpr std::uint8_t kUnchanged = 4;
  static constexpr std::uint8_t kOld = 8;        // the load came early: the word holds another value now
  static constexpr std::uint8_t kUnordered = 16;  // an RMW that is no fence
};
static_assert(sizeof(LogEntry) == 32);

// Two steps of different CPUs on one word, one a write, or the last before it is freed; first came before second.
struct Conflict {
  Row first;
  Row second;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_LOG_H_
