#include "worker/backoff.h"

#include <algorithm>
#include <cstdint>

namespace shootdown {
namespace {

constexpr absl::Duration kRetryAfterMax = absl::Minutes(5);

}  // namespace

absl::Duration Backoff::Next(std::optional<absl::Duration> retry_after) {
  bound_ = std::clamp(bound_ * 2, options_.first, options_.longest);
  if (!retry_after.has_value()) return Jitter(bound_);
  const absl::Duration wait = std::clamp(*retry_after, absl::ZeroDuration(), kRetryAfterMax);
  return wait + Jitter(wait / 4);
}

absl::Duration Backoff::Jitter(absl::Duration bound) {
  const std::int64_t us = std::clamp<std::int64_t>(absl::ToInt64Microseconds(bound), 0, 0xffff'fffe);
  return absl::Microseconds(prng_.Below(static_cast<std::uint32_t>(us) + 1));
}

}  // namespace shootdown
