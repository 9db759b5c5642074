#include "fuzz/strategy/pct.h"

#include <algorithm>

namespace shootdown {

void CpuPriorities::NewRun(int cpu_count, std::uint32_t depth) {
  depth_ = depth;
  choice_count_max_ = std::max(choice_count_max_, choice_count_);
  choice_count_ = 0;
  // A random permutation of depth .. depth + n - 1: the lower ones are for the change points.
  for (std::uint32_t c = 0; c < static_cast<std::uint32_t>(cpu_count); ++c) {
    const std::uint32_t other = prng_.Below(c + 1);
    priority_[c] = priority_[other];
    priority_[other] = depth_ + c;
  }
  change_points_.clear();
  if (choice_count_max_ == 0) return;
  for (std::uint32_t i = 1; i < depth_; ++i) {
    change_points_.push_back(1 + prng_.Below(choice_count_max_));
  }
  std::ranges::sort(change_points_);
}

int CpuPriorities::Choose(std::span<const std::uint8_t> enabled) {
  const auto highest = [&] { return *std::ranges::max_element(enabled, {}, [this](std::uint8_t c) { return priority_[c]; }); };
  if (enabled.size() == 1) return enabled.front();
  ++choice_count_;
  for (std::size_t i = 0; i < change_points_.size(); ++i) {
    // Each later point falls below the earlier ones.
    if (change_points_[i] == choice_count_) {
      priority_[highest()] = depth_ - 1 - static_cast<std::uint32_t>(i);
    }
  }
  return highest();
}

}  // namespace shootdown
