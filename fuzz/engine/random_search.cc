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
  Prng prng(options.seed);
  (void)target.Run(Schedule());
  while (options.run_count_max == 0 || target.run_count() < options.run_count_max) {
    // Steps are drawn from the default run, so that schedules do not depend on each other.
    target.EnsureLastRun(Schedule());
    const Schedule schedule = RandomSchedule(target.machine(), prng);
    const std::size_t news = target.Run(schedule);
    if (news != 0 && listener.input) listener.input(schedule.Encode());
    if (listener.ran) listener.ran(target);
    // The clock is dear next to a run.
    if (options.second_count_max != 0 && target.run_count() % 1024 == 0 && Clock::now() >= end) {
      return;
    }
  }
}

}  // namespace shootdown
