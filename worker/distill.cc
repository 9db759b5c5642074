#include "worker/distill.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "fuzz/engine/features.h"

namespace shootdown {

std::vector<std::size_t> Distill(std::span<const v1::Input> inputs,
                                 std::span<const std::uint32_t> known) {
  std::vector<bool> covered(FeatureSet::kBits);
  for (const std::uint32_t feature : known) covered[feature] = true;
  const auto missing = [&](std::size_t i) {
    return std::ranges::count_if(inputs[i].features(), [&](std::uint32_t f) { return !covered[f]; });
  };
  // What an input adds only shrinks. So whoever stands first with a count that is still right is best.
  // A tuple's order: most features, then the shortest schedule, then the first.
  using Entry = std::tuple<std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t>;
  std::priority_queue<Entry> queue;
  const auto push = [&](std::size_t i, std::ptrdiff_t count) {
    queue.emplace(count, -static_cast<std::ptrdiff_t>(inputs[i].schedule().size()),
                  -static_cast<std::ptrdiff_t>(i));
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) push(i, missing(i));
  std::vector<std::size_t> chosen;
  while (!queue.empty() && std::get<0>(queue.top()) != 0) {
    const std::ptrdiff_t promised = std::get<0>(queue.top());
    const auto i = static_cast<std::size_t>(-std::get<2>(queue.top()));
    queue.pop();
    if (const std::ptrdiff_t now = missing(i); now != promised) {
      push(i, now);
      continue;
    }
    for (const std::uint32_t feature : inputs[i].features()) covered[feature] = true;
    chosen.push_back(i);
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace shootdown
