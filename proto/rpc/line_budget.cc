#include "proto/rpc/line_budget.h"

#include <algorithm>
#include <utility>

namespace shootdown {

std::optional<std::uint64_t> LineBudget::Take(absl::Time now) {
  if (at_ != absl::InfinitePast()) {
    // Clocks may go back.
    const double passed = std::max(0.0, absl::ToDoubleSeconds(now - at_));
    tokens_ = std::min(kBurst, tokens_ + kLinesPerSecond * passed);
  }
  at_ = now;
  if (tokens_ < 1) {
    ++left_out_;
    return std::nullopt;
  }
  tokens_ -= 1;
  return std::exchange(left_out_, 0);
}

}  // namespace shootdown
