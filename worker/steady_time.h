// What time it is, for what waits: the wall clock's time when this began, and what has passed
// since. Who sets that clock while the worker runs moves nothing; if it were followed, a clock that
// is set back by an hour would silence the worker for an hour.
#ifndef SHOOTDOWN_WORKER_STEADY_TIME_H_
#define SHOOTDOWN_WORKER_STEADY_TIME_H_

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace shootdown {

class SteadyTime {
 public:
  [[nodiscard]] absl::Time Now() const {
    return begun_ + absl::FromChrono(Clock::now() - begun_by_clock_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  const absl::Time begun_ = absl::Now();
  const Clock::time_point begun_by_clock_ = Clock::now();
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_STEADY_TIME_H_
