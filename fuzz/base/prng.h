// Our own random numbers: the same on every host, compiler and standard library.
// The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
// OOPSLA 2014). Not for secrets.
#ifndef SHOOTDOWN_FUZZ_BASE_PRNG_H_
#define SHOOTDOWN_FUZZ_BASE_PRNG_H_

#include <cstdint>

#include "fuzz/base/hash.h"

namespace shootdown {

class Prng {
 public:
  constexpr explicit Prng(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    return Mix64(state_);
  }

  // Uniform in [0, bound). REQUIRES: bound > 0. The bias is below bound / 2^32.
  constexpr std::uint32_t Below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((Next() >> 32) * bound) >> 32);
  }

  // True once in `n` draws on average. REQUIRES: n > 0.
  constexpr bool OneIn(std::uint32_t n) { return Below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_BASE_PRNG_H_
