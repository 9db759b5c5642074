// Searching the schedules of a scenario, or of a user's program, for findings: strategies over one
// Target.
#ifndef SHOOTDOWN_FUZZ_ENGINE_SEARCH_H_
#define SHOOTDOWN_FUZZ_ENGINE_SEARCH_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "fuzz/engine/target.h"
#include "fuzz/strategy/strategy_name.h"

namespace shootdown {

struct SearchOptions {
  std::uint64_t seed = 1;
  std::uint64_t run_count_max = 0;  // 0: no limit
  std::uint32_t second_count_max = 0;  // 0: no limit; the only clock, and it only ends a search
  // Run first, in this order, and kept to start from. libFuzzer starts from none that is longer than
  // kDecisionCountMax (fuzz/engine/mutator.h): it could not mutate it.
  std::vector<Schedule> seeds = {};
  std::vector<std::uint32_t> known_features = {};  // no news (FeatureSet's indexes)
  Target::Feedback feedback = Target::Feedback::kYes;
};

// What a search tells while it runs. All may be null.
struct SearchListener {
  std::function<void(const Target::Found&)> found;
  // An input with new features: it belongs to the corpus.
  std::function<void(std::span<const std::uint8_t>)> input;
  // After every run.
  std::function<void(const Target&)> ran;
  // Before every run, also those that only repeat one.
  std::function<void(const Schedule&)> before_run = {};
};

// Every strategy but libfuzzer. Returns when a limit is reached. The same seed and number of runs give
// the same runs.
void SampleSearch(sim::Subject& subject, const StrategyName& strategy,
                  const SearchOptions& options, const SearchListener& listener);

// libFuzzer mutates and selects. Ends the process with status 0 when a limit is reached, as libFuzzer
// does; so it is run in a process of its own. The same seed and number of runs give the same runs.
[[noreturn]] void LibFuzzerSearch(sim::Subject& subject, const SearchOptions& options,
                                  const SearchListener& listener);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_SEARCH_H_
