// The way to the coordinator: one call.
#ifndef SHOOTDOWN_WORKER_COORDINATOR_CLIENT_H_
#define SHOOTDOWN_WORKER_COORDINATOR_CLIENT_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/rpc/client_channel.h"
#include "shootdown/v1/work.pb.h"

namespace shootdown {

struct SyncOutcome {
  absl::StatusOr<v1::SyncResponse> response;
  // When to come back, if the coordinator said so.
  std::optional<absl::Duration> retry_after = std::nullopt;
};

class CoordinatorClient {
 public:
  virtual ~CoordinatorClient() = default;
  // Waits for the answer, at most ten seconds.
  [[nodiscard]] virtual SyncOutcome Sync(const v1::SyncRequest& request) = 0;
};

// Over gRPC. Stays with the address that answers; after UNAVAILABLE or a deadline the next call goes to
// the next one; after PERMISSION_DENIED or UNAUTHENTICATED it takes the certificates as they are then.
[[nodiscard]] absl::StatusOr<std::unique_ptr<CoordinatorClient>> ConnectToCoordinator(
    const std::vector<Address>& addresses, const TlsFiles& tls, Insecure insecure);

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_COORDINATOR_CLIENT_H_
