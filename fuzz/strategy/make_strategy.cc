#include "fuzz/strategy/make_strategy.h"

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/strategy/bounded.h"
#include "fuzz/strategy/pct.h"
#include "fuzz/strategy/pos.h"
#include "fuzz/strategy/race_reversal.h"
#include "fuzz/strategy/surw.h"
#include "fuzz/strategy/urw.h"

namespace shootdown {

std::unique_ptr<sim::Scheduler> MakeStrategy(const StrategyName& name, std::uint64_t seed) {
  switch (name.kind) {
    case StrategyName::Kind::kLibFuzzer:
    case StrategyName::Kind::kRandom: return nullptr;
    case StrategyName::Kind::kRandomWalk: return std::make_unique<RandomWalk>(seed, /*hold_one_in=*/0);
    case StrategyName::Kind::kPct: return std::make_unique<Pct>(seed, name.bound);
    case StrategyName::Kind::kPos: return std::make_unique<Pos>(seed, Pos::EagerInvisible::kNo);
    case StrategyName::Kind::kPosEager:
      return std::make_unique<Pos>(seed, Pos::EagerInvisible::kYes);
    case StrategyName::Kind::kUrw: return std::make_unique<Urw>(seed);
    case StrategyName::Kind::kSurw: return std::make_unique<Surw>(seed);
    case StrategyName::Kind::kPreemptions: return std::make_unique<Preemptions>(seed, name.bound);
    case StrategyName::Kind::kDelays: return std::make_unique<Delays>(seed, name.bound);
    case StrategyName::Kind::kRaceReversal: return std::make_unique<RaceReversal>(seed);
  }
  return nullptr;
}

}  // namespace shootdown
