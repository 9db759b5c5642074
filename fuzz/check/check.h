// Checks: judges of one invariant each, one a file. A check listens to events of the kernel and looks
// at its state without taking steps; it can end the run with a finding, and do nothing else.
//
// README.md lists the invariants; `id` is the number there.
#ifndef SHOOTDOWN_FUZZ_CHECK_CHECK_H_
#define SHOOTDOWN_FUZZ_CHECK_CHECK_H_

#include <span>
#include <string>
#include <string_view>

#include "fuzz/base/hash.h"
#include "fuzz/kernel/events.h"
#include "fuzz/sim/log.h"

namespace shootdown::check {

struct Check {
  std::string_view id;    // T1
  std::string_view name;  // stale_tlb_use
  std::string_view rule;  // the invariant, one sentence
  std::string_view why;   // why breaking it is a bug, one sentence
  bool on_by_default;
  std::string_view arch = {};  // judges this architecture alone; empty: all
  void (*listen)(kernel::Judges& judges);
};

// All checks, in the order in which they judge one event: what a user sees first comes first.
[[nodiscard]] std::span<const Check* const> AllChecks();
[[nodiscard]] const Check* FindCheck(std::string_view name);  // null if there is none

// A check that failed.
struct Finding {
  const Check* check = nullptr;  // null: none in this run
  sim::Row row = 0;              // the log row at which it was seen
  std::string message;           // what broke, with names and values
  // Judged when the run had ended, by what it left. Who took the last step, and where, says nothing of it.
  bool at_end = false;
  std::string role;  // who did it: user, kthread, idle; in an interrupt: +irq; empty if `at_end`
};

// Notes the finding, and has the run end when the judge returns; the first of a run counts. At the end
// of a run (kQuiet, kDeadlock, kLivelock) it only notes.
void Report(const Check& check, const kernel::Event& event, std::string message);

// The finding of the run before, or of this one.
[[nodiscard]] const Finding& LastFinding();
// Before each run.
void ClearFinding();

// For messages: `app`, `swapper/1`, `mm1`, `page A`.
[[nodiscard]] std::string NameOf(const kernel::Task* task);
[[nodiscard]] std::string NameOf(const kernel::Mm* mm);
[[nodiscard]] std::string PageName(int virt);
[[nodiscard]] std::string MaskText(std::uint64_t bits);

// Every check, declared once.
extern const Check kStaleTlbUse, kUseAfterFlush, kUseAfterPromise, kForeignTlbEntry,
    kContextMismatch, kContextCollision, kContextBitmap, kCpumaskLostBit, kCpumaskMissedEntry,
    kCpumaskForeignClear, kTsbFreedInUse, kRefcountRange, kRefcountConservation, kMmUseAfterFree,
    kUseMmWithoutUser, kMmputInAtomic, kPageFreedWhileMapped, kCallFunctionContext, kMmSwitchIrqsOn,
    kDeadlock, kDifferentialRead, kLivelock, kSecondaryMmMismatch, kTlbBatchLeak,
    kFlushArgumentReused, kXcallAbandoned, kFreedTableWalk, kWriteLost, kMembarrierFailed,
    kActiveCpus, kFreedOffline, kTornContext, kHypercallRefused;

}  // namespace shootdown::check

#endif  // SHOOTDOWN_FUZZ_CHECK_CHECK_H_
