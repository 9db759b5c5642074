#include <chrono>

#include "fuzz/engine/mutator.h"
#include "fuzz/engine/search.h"

namespace shootdown {

void RandomSearch(Simulation& simulation, const SearchOptions& options,
                  const SearchListener& listener) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(options.second_count_max);
  Target target(simulation);
  target.OnFound(listener.found);
  target.BeforeRun(listener.before_run);
  target.AddKnown(options.known_features);
  Prng prng(options.seed);
  const auto run = [&](const Schedule& schedule) {
    const std::size_t news = target.Run(schedule);
    if (news != 0 && listener.input) listener.input(schedule.Encode());
    if (listener.ran) listener.ran(target);
  };
  const auto spent = [&] {
    return options.run_count_max != 0 && target.run_count() >= options.run_count_max;
  };
  run(Schedule());
  for (const Schedule& seed : options.seeds) {
    if (spent()) return;
    run(seed);
  }
  while (!spent()) {
    // Steps are drawn from the default run, so that schedules do not depend on each other.
    target.EnsureLastRun(Schedule());
    run(RandomSchedule(target.machine(), prng));
    // The clock is dear next to a run.
    if (options.second_count_max != 0 && target.run_count() % 1024 == 0 && Clock::now() >= end) {
      return;
    }
  }
}

}  // namespace shootdown
