// A run as a Chrome trace (JSON), for ui.perfetto.dev and chrome://tracing: a track for each CPU, a
// slice for each step, arrows from a cross call to where it is taken and from a held store to its
// drain. One step is one microsecond.
// Format: "Trace Event Format", the Chromium project.
#ifndef SHOOTDOWN_FUZZ_CLI_PERFETTO_H_
#define SHOOTDOWN_FUZZ_CLI_PERFETTO_H_

#include <string>

#include "fuzz/scenario/simulation.h"

namespace shootdown {

// The machine's last run. `message` marks its last step; may be empty.
[[nodiscard]] std::string PerfettoTrace(Simulation& simulation, const std::string& message);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_PERFETTO_H_
