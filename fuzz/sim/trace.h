// A run's log, as text that is the same on every host and from every compiler, and its hash.
#ifndef SHOOTDOWN_FUZZ_SIM_TRACE_H_
#define SHOOTDOWN_FUZZ_SIM_TRACE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/sim/log.h"

namespace shootdown::sim {

// The lower-case word for a kind: `load`, `mondo_taken`.
[[nodiscard]] const char* KindName(StepKind kind);

// One row, without its number: `T0 cpu0 smp_flush_tlb_page: mm->mm_users load mm1 1`.
// REQUIRES: the arena that the run used still lives.
[[nodiscard]] std::string RowText(const LogEntry& entry);

// For each row of `log`, a hash that covers it and all rows before it.
[[nodiscard]] std::vector<std::uint64_t> ChainedHashes(std::span<const LogEntry> log);
// The last of them: it covers the whole log. 0 for an empty one.
[[nodiscard]] std::uint64_t LogHash(std::span<const LogEntry> log);

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_TRACE_H_
