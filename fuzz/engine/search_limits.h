// When a search is over: after so many runs, or so many seconds.
#ifndef SHOOTDOWN_FUZZ_ENGINE_SEARCH_LIMITS_H_
#define SHOOTDOWN_FUZZ_ENGINE_SEARCH_LIMITS_H_

#include <chrono>
#include <cstdint>

#include "fuzz/engine/search.h"

namespace shootdown {

class SearchLimits {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = Clock::time_point (*)();

  // The seconds begin now.
  explicit SearchLimits(const SearchOptions& options, Now now = &Clock::now)
      : run_count_max_(options.run_count_max),
        has_end_(options.second_count_max != 0),
        now_(now),
        end_(now() + std::chrono::seconds(options.second_count_max)) {}

  // REQUIRES: it is asked after each run, for the clock is looked at after some of them only: it is dear
  // next to a run.
  [[nodiscard]] bool Reached(std::uint64_t run_count) const {
    if (run_count_max_ != 0 && run_count >= run_count_max_) return true;
    return has_end_ && run_count % 64 == 0 && now_() >= end_;
  }

 private:
  std::uint64_t run_count_max_;
  bool has_end_;
  Now now_;
  Clock::time_point end_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_SEARCH_LIMITS_H_
