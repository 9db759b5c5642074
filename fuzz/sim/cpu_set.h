// A set of CPUs of any machine. (Kernels have at most 64, and a word of guest memory for a set of them.)
#ifndef SHOOTDOWN_FUZZ_SIM_CPU_SET_H_
#define SHOOTDOWN_FUZZ_SIM_CPU_SET_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "fuzz/sim/ids.h"

namespace shootdown {

class CpuSet {
 public:
  constexpr CpuSet() = default;
  static constexpr CpuSet Of(int cpu) {
    CpuSet set;
    set.Add(cpu);
    return set;
  }
  // Also those that the machine does not have.
  static constexpr CpuSet All() {
    CpuSet set;
    set.words_.fill(~std::uint64_t{0});
    return set;
  }

  constexpr void Add(int cpu) { words_[WordOf(cpu)] |= BitOf(cpu); }
  [[nodiscard]] constexpr bool Has(int cpu) const {
    return (words_[WordOf(cpu)] & BitOf(cpu)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const { return (words_[0] | words_[1]) == 0; }
  [[nodiscard]] constexpr int size() const {
    return std::popcount(words_[0]) + std::popcount(words_[1]);
  }
  // REQUIRES: it is not empty.
  [[nodiscard]] constexpr int first() const {
    return words_[0] != 0 ? std::countr_zero(words_[0]) : kWordBits + std::countr_zero(words_[1]);
  }
  // Calls f(cpu) for each, ascending. What `f` does to this set is not seen.
  template <class F>
  constexpr void ForEach(const F& f) const {
    const std::array<std::uint64_t, 2> words = words_;
    for (int w = 0; w < 2; ++w) {
      for (std::uint64_t left = words[static_cast<std::size_t>(w)]; left != 0; left &= left - 1) {
        f(w * kWordBits + std::countr_zero(left));
      }
    }
  }
  // Of CPUs 0 to 63 and of those from 64, a bit each.
  [[nodiscard]] constexpr std::uint64_t low() const { return words_[0]; }
  [[nodiscard]] constexpr std::uint64_t high() const { return words_[1]; }

  constexpr CpuSet& operator|=(const CpuSet& other) {
    words_[0] |= other.words_[0];
    words_[1] |= other.words_[1];
    return *this;
  }
  [[nodiscard]] constexpr CpuSet Without(const CpuSet& other) const {
    CpuSet set = *this;
    set.words_[0] &= ~other.words_[0];
    set.words_[1] &= ~other.words_[1];
    return set;
  }
  friend constexpr CpuSet operator|(CpuSet a, const CpuSet& b) { return a |= b; }
  friend constexpr CpuSet operator&(const CpuSet& a, const CpuSet& b) {
    return a.Without(All().Without(b));
  }
  friend constexpr bool operator==(const CpuSet&, const CpuSet&) = default;

 private:
  static constexpr int kWordBits = 64;
  static_assert(kCpuCountMax <= 2 * kWordBits);
  static constexpr std::size_t WordOf(int cpu) { return static_cast<std::size_t>(cpu) / 64; }
  static constexpr std::uint64_t BitOf(int cpu) {
    return std::uint64_t{1} << (static_cast<unsigned>(cpu) % 64);
  }

  std::array<std::uint64_t, 2> words_{};
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SIM_CPU_SET_H_
