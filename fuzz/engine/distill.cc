#include "fuzz/engine/distill.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "fuzz/engine/features.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {

Distilled Distill(sim::Subject& subject, std::span<const Schedule> inputs) {
  std::vector<std::size_t> order(inputs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(
      order, {}, [&](std::size_t i) { return std::tuple(inputs[i].size(), inputs[i].Encode()); });
  Distilled distilled;
  std::set<std::uint32_t> seen;
  for (const std::size_t i : order) {
    ScheduleScheduler scheduler(inputs[i]);
    (void)subject.RunOnce(scheduler);  // one that fails is as good a start as any
    const std::size_t before = seen.size();
    const std::vector<std::uint32_t> features = FeatureSet::OfRun(subject.machine());
    seen.insert(features.begin(), features.end());
    if (seen.size() != before) distilled.kept.push_back(i);
  }
  distilled.features.assign(seen.begin(), seen.end());
  return distilled;
}

}  // namespace shootdown
