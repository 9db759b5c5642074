// Who calls wrongly without end shall not fill the disk with lines: so many at once after a pause, and
// so many a second. Time is an argument.
#ifndef SHOOTDOWN_PROTO_RPC_LINE_BUDGET_H_
#define SHOOTDOWN_PROTO_RPC_LINE_BUDGET_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace shootdown {

class LineBudget {
 public:
  static constexpr double kBurst = 50;
  static constexpr double kLinesPerSecond = 5;

  // If a line may be written now: how many were left out since the last one.
  [[nodiscard]] std::optional<std::uint64_t> Take(absl::Time now);

 private:
  double tokens_ = kBurst;
  absl::Time at_ = absl::InfinitePast();
  std::uint64_t left_out_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_LINE_BUDGET_H_
