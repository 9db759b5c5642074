// absl::Status <-> grpc::Status: the codes are the same, so the edge is one cast. The only place.
#ifndef SHOOTDOWN_PROTO_RPC_STATUS_H_
#define SHOOTDOWN_PROTO_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace shootdown {

[[nodiscard]] grpc::Status ToGrpc(const absl::Status& status);

// A code that gRPC does not define becomes UNKNOWN.
[[nodiscard]] absl::Status FromGrpc(const grpc::Status& status);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_STATUS_H_
