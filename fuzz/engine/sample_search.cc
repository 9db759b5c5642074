#include "fuzz/engine/mutator.h"
#include "fuzz/engine/search.h"
#include "fuzz/engine/search_limits.h"
#include "fuzz/strategy/make_strategy.h"

namespace shootdown {
namespace {

// One search: what all strategies do before, between and after their runs.
class SampleLoop {
 public:
  SampleLoop(sim::Subject& subject, const SearchOptions& options, const SearchListener& listener)
      : options_(options),
        listener_(listener),
        target_(subject, options.feedback),
        limits_(options) {
    target_.OnFound(listener.found);
    target_.BeforeRun(listener.before_run);
    target_.AddKnown(options.known_features);
  }

  // The default run and the seeds, and then whatever `run_next` does with the target, until a limit
  // is reached. `run_next` makes one run and returns its news.
  template <class RunNext>
  void Run(const RunNext& run_next) {
    After(target_.Run(Schedule()));
    for (const Schedule& seed : options_.seeds) {
      if (Spent()) return;
      After(target_.Run(seed));
    }
    while (!Spent()) After(run_next(target_));
  }

 private:
  [[nodiscard]] bool Spent() const { return limits_.Reached(target_.run_count()); }

  void After(std::size_t news) {
    if (news != 0 && listener_.input) {
      listener_.input(ExactSchedule(target_.machine().moves_made()).Encode());
    }
    if (listener_.ran) listener_.ran(target_);
  }

  const SearchOptions& options_;
  const SearchListener& listener_;
  Target target_;
  SearchLimits limits_;
};

}  // namespace

void SampleSearch(sim::Subject& subject, const StrategyName& strategy,
                  const SearchOptions& options, const SearchListener& listener) {
  SampleLoop loop(subject, options, listener);
  if (const auto scheduler = MakeStrategy(strategy, options.seed); scheduler != nullptr) {
    loop.Run([&](Target& target) { return target.Run(*scheduler); });
    return;
  }
  SHOOTDOWN_CHECK(strategy.kind == StrategyName::Kind::kRandom);
  Prng prng(options.seed);
  loop.Run([&](Target& target) {
    // Steps are drawn from the default run, so that schedules do not depend on each other.
    target.EnsureLastRun(Schedule());
    return target.Run(RandomSchedule(target.machine(), prng));
  });
}

}  // namespace shootdown
