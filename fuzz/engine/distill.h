// Inputs of earlier searches, made few: those that a search is worth starting from.
#ifndef SHOOTDOWN_FUZZ_ENGINE_DISTILL_H_
#define SHOOTDOWN_FUZZ_ENGINE_DISTILL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/schedule/schedule.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

struct Distilled {
  std::vector<std::size_t> kept;  // places among the inputs; the shortest first
  std::vector<std::uint32_t>
      features;  // what all of the inputs do (FeatureSet's indexes), ascending
};

// Runs the inputs, the shortest first, and keeps each that does something which none before it did.
// Among equally long ones bytes decide, so the order in which they are given changes nothing but
// their places.
[[nodiscard]] Distilled Distill(sim::Subject& subject, std::span<const Schedule> inputs);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_DISTILL_H_
