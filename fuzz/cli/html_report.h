// A run as one file for a browser: lanes of CPUs with arrows from cross calls to their handlers and from
// stores to their drains, and beside them what each CPU's TLB and store buffer held at the chosen step.
// The file loads nothing from anywhere, and reads without scripts as the table of `replay --trace`.
#ifndef SHOOTDOWN_FUZZ_CLI_HTML_REPORT_H_
#define SHOOTDOWN_FUZZ_CLI_HTML_REPORT_H_

#include <string>

#include "fuzz/corpus/failure.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {

// Runs `schedule` twice. `failure` gives the id and the scenario's text.
[[nodiscard]] std::string HtmlReport(Simulation& simulation, const Failure& failure,
                                     const Schedule& schedule);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_HTML_REPORT_H_
