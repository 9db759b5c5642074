// One job of a search, as it runs in a child process: counts, checkpoints, and what it runs at the
// moment go to shared memory; what it finds goes to the listener.
#ifndef SHOOTDOWN_FUZZ_PROCESS_SEARCH_JOB_H_
#define SHOOTDOWN_FUZZ_PROCESS_SEARCH_JOB_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fuzz/engine/search.h"
#include "fuzz/process/child_process.h"
#include "fuzz/scenario/simulation.h"

namespace shootdown {

// A schedule that did something new.
struct NewInput {
  std::vector<std::uint8_t> schedule;
  std::vector<std::uint32_t> features;  // all of its run (FeatureSet::OfRun)
  std::string trace_hash;
};

struct SearchJobListener {
  // A confirmed finding. May use the simulation.
  std::function<void(const Target::Found&)> found;
  // A new input; only if it is wanted.
  std::function<void(const NewInput&)> input;
};

// Ends the process. Everything that is told depends on the arguments alone, unless options have a
// limit in seconds. Checkpoints are made if there is a limit of runs: after each 64th part of them, a
// chained hash of how each run so far went.
[[noreturn]] void RunSearchJob(Simulation& simulation, const StrategyName& strategy,
                               const SearchOptions& options, const SearchJobListener& listener,
                               ChildState* state);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_SEARCH_JOB_H_
