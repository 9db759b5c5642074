// How often a search makes a run of its sampler instead of mutating.
//
// At first always, and for a while nearly always: there is little to mutate, and samples find what
// is easily found. Then every other time, as long as samples do what no run did before. A sample
// costs as much as several mutations, so each kDryRunCount of them in a row that bring no news
// halve their share, down to one in kOneInMost; and each one that does doubles it. They come in
// bursts, since the mutation after one needs the run of its parent made again.
#ifndef SHOOTDOWN_FUZZ_ENGINE_SAMPLER_SHARE_H_
#define SHOOTDOWN_FUZZ_ENGINE_SAMPLER_SHARE_H_

#include <algorithm>
#include <cstdint>

#include "fuzz/base/prng.h"

namespace shootdown {

class SamplerShare {
 public:
  static constexpr std::uint64_t kFirstRunCount = 16;
  static constexpr std::uint64_t kEarlyRunCount = 1000;
  static constexpr std::uint32_t kMutateOneInEarly = 8;
  static constexpr std::uint32_t kOneInLeast = 2;
  static constexpr std::uint32_t kOneInMost = 16;
  static constexpr std::uint32_t kDryRunCount = 1000;
  static constexpr std::uint32_t kBurst = 4;

  // The run after the first `run_count` is one of the early ones.
  [[nodiscard]] static bool Early(std::uint64_t run_count) { return run_count < kEarlyRunCount; }
  // The run after the first `run_count` is to be the sampler's.
  [[nodiscard]] bool TakesNext(std::uint64_t run_count, Prng& prng) {
    if (run_count < kFirstRunCount) return true;
    if (Early(run_count)) return !prng.OneIn(kMutateOneInEarly);
    if (burst_left_ == 0) {
      // For each run of a burst there are one_in_ - 1 others.
      if (!prng.OneIn(1 + kBurst * (one_in_ - 1))) return false;
      burst_left_ = kBurst;
    }
    --burst_left_;
    return true;
  }

  // The sampler has made a run. `news`: it had features that no run had before.
  void HearOfSample(bool news) {
    if (news) {
      one_in_ = std::max(one_in_ / 2, kOneInLeast);
      dry_run_count_ = 0;
    } else if (++dry_run_count_ == kDryRunCount) {
      one_in_ = std::min(one_in_ * 2, kOneInMost);
      dry_run_count_ = 0;
    }
  }

  // After the early runs, one in so many is the sampler's.
  [[nodiscard]] std::uint32_t one_in() const { return one_in_; }

 private:
  std::uint32_t one_in_ = kOneInLeast;
  std::uint32_t dry_run_count_ = 0;
  std::uint32_t burst_left_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_SAMPLER_SHARE_H_
