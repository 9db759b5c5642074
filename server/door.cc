#include "server/door.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/str_format.h"
#include "proto/rpc/status.h"
#include "server/limits.h"

namespace shootdown::server {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

grpc::Status Door::Call(grpc::ServerContext& context, const char* method,
                        std::initializer_list<Role> roles,
                        const std::function<absl::Status(const std::string& identity)>& work) {
  const Clock::time_point begun = Clock::now();
  const absl::StatusOr<std::string> identity = Authorize(*context.auth_context(), security_, roles);
  const absl::Status status = identity.ok() ? work(*identity) : identity.status();
  if (const auto retry_after = RetryAfterMs(status)) {
    context.AddTrailingMetadata("retry-after-ms", *retry_after);
  }
  metrics_.Called(method, absl::StatusCodeToString(status.code()), absl::FromChrono(Clock::now() - begun));
  return ToGrpc(status);
}

absl::Status Door::Stream(grpc::ServerContext& context, absl::Duration interval,
                          const std::function<absl::StatusOr<bool>()>& step) {
  if (stream_count_.fetch_add(1) >= kStreamCountMax) {
    stream_count_.fetch_sub(1);
    return Exhausted(absl::StrFormat("streams: %d are open, the limit", kStreamCountMax),
                     absl::Seconds(10));
  }
  metrics_.StreamBegan();
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more && !context.IsCancelled()) {
    more = step();
    if (more.ok() && *more && WaitForEnd(context, interval)) {
      more = absl::UnavailableError("the server is stopping");
    }
  }
  metrics_.StreamEnded();
  stream_count_.fetch_sub(1);
  return more.status();
}

bool Door::WaitForEnd(grpc::ServerContext& context, absl::Duration interval) {
  // Neither by the wall clock nor by a wait of Abseil, which is by it: who sets that clock back by an
  // hour would make every stream silent for so long.
  constexpr Clock::duration kLookEvery = std::chrono::milliseconds(50);
  const Clock::time_point until = Clock::now() + absl::ToChronoMilliseconds(interval);
  while (!ended_ && !context.IsCancelled()) {
    const Clock::duration left = until - Clock::now();
    if (left <= Clock::duration::zero()) break;
    std::this_thread::sleep_for(std::min(left, kLookEvery));
  }
  return ended_;
}

}  // namespace shootdown::server
