// A run as a table that a kernel developer reads: a column for each CPU that took part, a row for each
// step, the decisions between them, and at the end what broke and why that is a bug.
#ifndef SHOOTDOWN_FUZZ_CLI_TRACE_TABLE_H_
#define SHOOTDOWN_FUZZ_CLI_TRACE_TABLE_H_

#include <cstddef>
#include <string>

#include "fuzz/corpus/failure.h"
#include "fuzz/scenario/simulation.h"

namespace shootdown {

// The machine's last run. `message` and `why` make the last row; empty for a clean run. Lines are no longer
// than `width_max`, where that is not 0, if there are few CPUs.
[[nodiscard]] std::string TraceTable(Simulation& simulation, const std::string& message,
                                     const std::string& why, std::size_t width_max = 0);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_TRACE_TABLE_H_
