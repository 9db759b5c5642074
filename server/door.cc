#include "server/door.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "proto/rpc/status.h"
#include "server/limits.h"

namespace shootdown::server {

grpc::Status Door::Call(grpc::ServerContext& context, const char* method,
                        std::initializer_list<Role> roles,
                        const std::function<absl::Status(const std::string& identity)>& work) {
  const absl::Time begun = absl::Now();
  const absl::StatusOr<std::string> identity = Authorize(*context.auth_context(), security_, roles);
  const absl::Status status = identity.ok() ? work(*identity) : identity.status();
  if (const auto retry_after = RetryAfterMs(status)) {
    context.AddTrailingMetadata("retry-after-ms", *retry_after);
  }
  metrics_.Called(method, absl::StatusCodeToString(status.code()), absl::Now() - begun);
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

void Door::End() {
  absl::MutexLock lock(&mutex_);
  ended_ = true;
}

bool Door::WaitForEnd(grpc::ServerContext& context, absl::Duration interval) {
  const absl::Time until = absl::Now() + interval;
  absl::MutexLock lock(&mutex_);
  while (!ended_ && absl::Now() < until && !context.IsCancelled()) {
    const absl::Time look = std::min(until, absl::Now() + absl::Milliseconds(500));
    mutex_.AwaitWithDeadline(absl::Condition(&ended_), look);
  }
  return ended_;
}

}  // namespace shootdown::server
