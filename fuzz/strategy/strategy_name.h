// The strategies that there are, and how they are named on the command line and in campaigns:
// `pos`, `pct:3`.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_STRATEGY_NAME_H_
#define SHOOTDOWN_FUZZ_STRATEGY_STRATEGY_NAME_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shootdown {

struct StrategyName {
  enum class Kind : std::uint8_t {
    kLibFuzzer,     // feedback, and mutation of schedules
    kRandom,        // two or three switches at random steps of the default run
    kRandomWalk,
    kPct,
    kPos,
    kPosEager,
    kUrw,
    kSurw,
    kPreemptions,
    kDelays,
    kRaceReversal,
  };
  Kind kind = Kind::kLibFuzzer;
  std::uint32_t bound = 0;  // of pct (the depth), preemptions and delays: 1 .. kBoundMax; else 0

  static constexpr std::uint32_t kBoundMax = 64;
  friend constexpr bool operator==(const StrategyName&, const StrategyName&) = default;
};

// Errors: INVALID_ARGUMENT with what was found, and all that is there.
[[nodiscard]] absl::StatusOr<StrategyName> ParseStrategyName(std::string_view text);
[[nodiscard]] std::string ToText(const StrategyName& name);

// Each strategy once, with a usual bound.
[[nodiscard]] std::vector<StrategyName> AllStrategies();
// `libfuzzer, random, pct:DEPTH ...`: for help and messages.
[[nodiscard]] std::string StrategyUsage();

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_STRATEGY_NAME_H_
