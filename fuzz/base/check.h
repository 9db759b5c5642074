// SHOOTDOWN_CHECK: our own invariants. Always on; a failure is our bug and aborts the process.
// What the *simulated kernel* does wrong is never checked this way: it becomes a Finding.
#ifndef SHOOTDOWN_FUZZ_BASE_CHECK_H_
#define SHOOTDOWN_FUZZ_BASE_CHECK_H_

namespace shootdown {

// Prints `file:line: check failed: what`, and what the process-wide context printer adds (while a
// Simulation lives: its scenario, step and schedule); then aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* what);

// `printer` runs once before the abort, to say what was being run. May be null.
void SetCheckContext(void (*printer)());

}  // namespace shootdown

#define SHOOTDOWN_CHECK(cond) \
  ((cond) ? (void)0 : ::shootdown::CheckFailed(__FILE__, __LINE__, #cond))
#define SHOOTDOWN_UNREACHABLE(why) ::shootdown::CheckFailed(__FILE__, __LINE__, why)

#endif  // SHOOTDOWN_FUZZ_BASE_CHECK_H_
