#include "fuzz/strategy/bounded.h"

#include <algorithm>

namespace shootdown {

void RandomPlaces::NewRun(std::uint32_t place_count) {
  choice_count_max_ = std::max(choice_count_max_, choice_count_);
  choice_count_ = 0;
  places_.clear();
  if (choice_count_max_ == 0) return;
  for (std::uint32_t i = 0; i < place_count; ++i) {
    places_.push_back(1 + prng_.Below(choice_count_max_));
  }
}

std::uint32_t RandomPlaces::Here() {
  ++choice_count_;
  return static_cast<std::uint32_t>(std::ranges::count(places_, choice_count_));
}

int Preemptions::Choose(std::span<const std::uint8_t> enabled, int current) {
  const bool first = first_;
  first_ = false;
  if (enabled.size() == 1) return enabled.front();
  const auto any = [&](std::size_t count) {
    return enabled[places_.prng().Below(static_cast<std::uint32_t>(count))];
  };
  const auto here = std::ranges::find(enabled, static_cast<std::uint8_t>(current));
  if (first || here == enabled.end()) return any(enabled.size());
  if (places_.Here() == 0) return current;
  // Any but the current one.
  const std::uint8_t other = any(enabled.size() - 1);
  return other == current ? enabled.back() : other;
}

int DelayedOrder::Choose(std::span<const std::uint8_t> enabled, int current) {
  if (enabled.size() == 1) return enabled.front();
  // The first one at or after the current CPU, around.
  auto at = std::ranges::lower_bound(enabled, static_cast<std::uint8_t>(current));
  for (std::uint32_t delays = places_.Here(); delays != 0; --delays) {
    if (at == enabled.end()) at = enabled.begin();
    ++at;
  }
  return at == enabled.end() ? enabled.front() : *at;
}

}  // namespace shootdown
