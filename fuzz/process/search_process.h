// Searches one scenario with one or more processes, and hands on what they find.
//
// A search runs in child processes: libFuzzer ends its process when it is done, and a crash of ours
// must not take along what was found. Children send findings and inputs through a pipe, and count
// their runs in shared memory.
#ifndef SHOOTDOWN_FUZZ_PROCESS_SEARCH_PROCESS_H_
#define SHOOTDOWN_FUZZ_PROCESS_SEARCH_PROCESS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fuzz/engine/behaviours.h"
#include "fuzz/process/search_job.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {

struct SearchRequest {
  StrategyName strategy;
  std::uint64_t run_count_max = 0;      // of all jobs together; 0: no limit
  std::uint32_t second_count_max = 0;   // 0: no limit
  std::uint64_t seed = 1;
  int job_count = 1;
  // What every job starts from, as in SearchOptions.
  std::vector<Schedule> seeds = {};
  std::vector<std::uint32_t> known_features = {};
  bool keep_going = false;  // else each job ends at its first finding, and the first ends all
};

struct SearchCounts {
  std::uint64_t runs = 0;
  std::uint64_t features = 0;  // of the job that has most
  std::uint64_t findings_passed_over = 0;  // their jobs had told enough of their kind
  // Once the search has ended. One job counts them; of several the samples are joined, which
  // estimates above 511 (fuzz/corpus/behaviour_sample.h).
  std::uint64_t behaviours = 0;
  NewBehaviour new_behaviour;
  // How far runs have come, of whatever job (kernel::Kernel::reached).
  std::vector<std::uint32_t> reached;
};

// With the same seed and `run_count_max`, and no other limit, the same findings and inputs come in the same
// order, whatever the number of jobs; so do all counts, but that a search which ends at a finding counts
// features, behaviours and what was reached of the moment.
struct SearchHandler {
  // A confirmed finding, and the run at which its job found it.
  std::function<absl::Status(const Schedule& exact, const std::string& kind_key,
                             std::uint64_t run)> found;
  // A schedule that did something new to its job. May be null.
  std::function<absl::Status(const NewInput& input)> input;
  // Ten times a second. May be null.
  std::function<absl::Status(const SearchCounts& counts)> tick;
  // True: end the search now, and keep what was found.
  std::function<bool()> interrupted;
};

// Returns when every job is done, or with the first error of a handler. INTERNAL if a job crashed, with what
// it last said. The jobs have
// `simulation` for themselves: it is gone when the handler hears of a finding, and can make its own.
[[nodiscard]] absl::Status Search(std::unique_ptr<Simulation> simulation,
                                  const SearchRequest& request, const SearchHandler& handler,
                                  SearchCounts* counts);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_SEARCH_PROCESS_H_
