#include "fuzz/corpus/behaviour_sample.h"

#include <algorithm>
#include <cmath>

namespace shootdown {

BehaviourCounts& BehaviourCounts::operator+=(const BehaviourCounts& more) {
  all += more.all;
  once += more.once;
  twice += more.twice;
  once_variance += more.once_variance;
  return *this;
}

NewBehaviour EstimateNewBehaviour(std::uint64_t runs, const BehaviourCounts& counts) {
  if (runs == 0) return {};
  const auto n = static_cast<double>(runs);
  // A sample may say more than there were runs.
  const double once = std::min(counts.once, n);
  const double rate = once / n;
  // All chances t with (rate - t)^2 <= z^2 (t (1 - t) / n + rest): between the zeros of a parabola.
  constexpr double kZSquared = 1.96 * 1.96;
  const double rest = (2 * counts.twice + counts.once_variance) / (n * n);
  const double a = 1 + kZSquared / n;
  const double half_b = rate + kZSquared / (2 * n);
  const double c = rate * rate - kZSquared * rest;
  const double root = std::sqrt(std::max(half_b * half_b - a * c, 0.0));
  const double esty = rate - std::sqrt(kZSquared * (rate * (1 - rate) / n + rest));
  return {.per_run = rate,
          .low = std::clamp(std::min((half_b - root) / a, esty), 0.0, rate),
          .high = std::clamp((half_b + root) / a, rate, 1.0)};
}

void BehaviourSample::Insert(std::uint64_t entry) {
  const std::uint64_t hash = entry & ~kTimesMask;
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(size_);
  const auto at = std::lower_bound(entries_.begin(), end, hash);
  if (at != end && (*at & ~kTimesMask) == hash) {
    *at = hash | std::min((*at & kTimesMask) + (entry & kTimesMask), kTimesMask);
    return;
  }
  // The last one goes if there is no room. It does not come back: the sample only gets lower.
  if (size_ < kSizeMax) ++size_;
  std::copy_backward(at, entries_.begin() + static_cast<std::ptrdiff_t>(size_ - 1),
                     entries_.begin() + static_cast<std::ptrdiff_t>(size_));
  *at = entry;
}

BehaviourCounts BehaviourSample::Counts() const {
  const bool whole = size_ < kSizeMax;
  // Of a sample that is full, the last entry says which share of all hashes lies below it, and the
  // others are a sample of that share: no estimate is off in the mean.
  const std::span<const std::uint64_t> counted = entries().first(whole ? size_ : size_ - 1);
  const double share = whole ? 1 : std::ldexp(static_cast<double>(entries_.back()), -64);
  const auto seen = [&](std::uint64_t times) {
    return static_cast<double>(std::ranges::count_if(
        counted, [&](std::uint64_t entry) { return (entry & kTimesMask) == times; }));
  };
  const double once = seen(1);
  return {.all = static_cast<double>(counted.size()) / share,
          .once = once / share,
          .twice = seen(2) / share,
          .once_variance = once * (1 - share) / (share * share)};
}

}  // namespace shootdown
