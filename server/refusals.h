// A line in the log for each call that was refused: by whom, which, and why. Also for calls that no
// service hears of, since their bytes are no message.
#ifndef SHOOTDOWN_SERVER_REFUSALS_H_
#define SHOOTDOWN_SERVER_REFUSALS_H_

#include <grpcpp/support/server_interceptor.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"

namespace shootdown::server {

// Who calls wrongly without end shall not fill the disk with lines: so many at once after a pause, and
// so many a second.
class LineBudget {
 public:
  static constexpr double kBurst = 50;
  static constexpr double kLinesPerSecond = 5;

  // If a line may be written now: how many were left out since the last one.
  [[nodiscard]] std::optional<std::uint64_t> Take(absl::Time now);

 private:
  double tokens_ = kBurst;
  absl::Time at_ = absl::InfinitePast();
  std::uint64_t left_out_ = 0;
};

// For grpc::ServerBuilder. What an honest caller hears every day is no refusal: that something is not
// there, not in that state, or busy.
[[nodiscard]] std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakeRefusalLog();

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_REFUSALS_H_
