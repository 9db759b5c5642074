// From a name to the strategy.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_MAKE_STRATEGY_H_
#define SHOOTDOWN_FUZZ_STRATEGY_MAKE_STRATEGY_H_

#include <cstdint>
#include <memory>

#include "fuzz/sim/scheduler.h"
#include "fuzz/strategy/strategy_name.h"

namespace shootdown {

// One scheduler for all runs of a search: it learns from each. Null for the strategies that make
// schedules instead (libfuzzer, random): fuzz/engine/search.h.
[[nodiscard]] std::unique_ptr<sim::Scheduler> MakeStrategy(const StrategyName& name,
                                                           std::uint64_t seed);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_MAKE_STRATEGY_H_
