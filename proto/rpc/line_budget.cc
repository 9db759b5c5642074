#include "proto/rpc/line_budget.h"

#include <algorithm>
#include <utility>

namespace shootdown {

std::optional<std::uint64_t> LineBudget::Take(std::string_view words, absl::Time now) {
  const auto told = told_.find(words);
  // Clocks may go back: what was told later than now is no reason to be silent until then.
  if (told != told_.end() && told->second.at <= now && now < told->second.at + kSameAfter) {
    ++told->second.left_out;
    return std::nullopt;
  }
  if (at_ != absl::InfinitePast()) {
    const double passed = std::max(0.0, absl::ToDoubleSeconds(now - at_));
    tokens_ = std::min(kBurst, tokens_ + kLinesPerSecond * passed);
  }
  at_ = now;
  if (tokens_ < 1) {
    ++left_out_;
    return std::nullopt;
  }
  tokens_ -= 1;
  std::uint64_t left_out = 0;
  if (told != told_.end()) {
    left_out = std::exchange(told->second.left_out, 0);
    told->second.at = now;
  } else {
    told_.emplace(words, Told{.at = now});
  }
  Tidy(now);
  return left_out + std::exchange(left_out_, 0);
}

void LineBudget::Tidy(absl::Time now) {
  std::erase_if(told_, [&](const auto& entry) {
    const Told& told = entry.second;
    if (told.at <= now && now < told.at + 2 * kSameAfter) return false;
    left_out_ += told.left_out;
    return true;
  });
}

}  // namespace shootdown
