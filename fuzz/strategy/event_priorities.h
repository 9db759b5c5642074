// A random priority for each CPU's pending step, drawn when the CPU comes to it. What POS, SURW and
// race reversal build on.
#ifndef SHOOTDOWN_FUZZ_STRATEGY_EVENT_PRIORITIES_H_
#define SHOOTDOWN_FUZZ_STRATEGY_EVENT_PRIORITIES_H_

#include <array>
#include <cstdint>
#include <span>

#include "fuzz/base/prng.h"
#include "fuzz/sim/ids.h"

namespace shootdown {

class EventPriorities {
 public:
  explicit EventPriorities(std::uint64_t seed) : prng_(seed) {}

  void Draw(int cpu) { priority_[static_cast<std::size_t>(cpu)] = prng_.Next(); }
  // Those of the first `cpu_count` CPUs. What is drawn next does not depend on how many they are, up to kDrawnMin.
  void DrawAll(int cpu_count) {
    for (int c = 0; c < cpu_count; ++c) Draw(c);
    for (int c = cpu_count; c < kDrawnMin; ++c) (void)prng_.Next();
  }
  [[nodiscard]] std::uint64_t Of(int cpu) const { return priority_[static_cast<std::size_t>(cpu)]; }
  // REQUIRES: `cpus` is not empty. Of equal ones the first.
  [[nodiscard]] int Highest(std::span<const std::uint8_t> cpus) const {
    int best = cpus.front();
    for (const std::uint8_t c : cpus) {
      if (Of(c) > Of(best)) best = c;
    }
    return best;
  }
  [[nodiscard]] Prng& prng() { return prng_; }

 private:
  static constexpr int kDrawnMin = 64;

  Prng prng_;
  std::array<std::uint64_t, kCpuCountMax> priority_{};
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STRATEGY_EVENT_PRIORITIES_H_
