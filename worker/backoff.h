// How long to wait before the next attempt: exponential, with full jitter, so that workers that lost
// their coordinator at one time do not come back at one time.
#ifndef SHOOTDOWN_WORKER_BACKOFF_H_
#define SHOOTDOWN_WORKER_BACKOFF_H_

#include <optional>

#include "absl/time/time.h"
#include "fuzz/base/prng.h"

namespace shootdown {

class Backoff {
 public:
  struct Options {
    absl::Duration first = absl::Milliseconds(250);  // the bound of the first wait
    absl::Duration longest = absl::Seconds(10);
  };
  Backoff(const Options& options, Prng prng) : options_(options), prng_(prng) {}

  // After another failure. A server that says when to come back is obeyed, with jitter of a quarter
  // on top, and at most five minutes.
  [[nodiscard]] absl::Duration Next(std::optional<absl::Duration> retry_after);
  // After a success.
  void Reset() { bound_ = absl::ZeroDuration(); }

  // Uniform in [0, bound].
  [[nodiscard]] absl::Duration Jitter(absl::Duration bound);

 private:
  const Options options_;
  Prng prng_;
  absl::Duration bound_ = absl::ZeroDuration();
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_BACKOFF_H_
