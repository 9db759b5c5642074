// Which inputs of a lease are worth sending.
#ifndef SHOOTDOWN_WORKER_DISTILL_H_
#define SHOOTDOWN_WORKER_DISTILL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shootdown/v1/work.pb.h"

namespace shootdown {

// The indexes of inputs that together have every feature that any of `inputs` has and that is not
// known; ascending. Greedy: the input with most features that are still missing comes first, of equal
// ones the one with the shortest schedule, then the one that was found first. So it is small, and the
// same everywhere, and not proven to be the smallest.
// REQUIRES: every feature is one of FeatureSet's indexes.
[[nodiscard]] std::vector<std::size_t> Distill(std::span<const v1::Input> inputs,
                                               std::span<const std::uint32_t> known);

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_DISTILL_H_
