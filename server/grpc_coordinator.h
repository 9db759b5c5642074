// The four services over gRPC, with health and reflection: each RPC is a call of the coordinator.
// Nothing is decided here.
#ifndef SHOOTDOWN_SERVER_GRPC_COORDINATOR_H_
#define SHOOTDOWN_SERVER_GRPC_COORDINATOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "proto/rpc/address.h"
#include "proto/rpc/client_channel.h"
#include "server/coordinator.h"
#include "server/metrics.h"
#include "server/roles.h"

namespace shootdown::server {

class GrpcServer {
 public:
  struct Options {
    Address listen;
    TlsFiles tls = {};  // empty: plain text
    Insecure insecure = Insecure::kNo;
  };
  // Listens until it is destroyed; streams end then. UNAVAILABLE: the address cannot be had.
  // INVALID_ARGUMENT: not without TLS (server/server_credentials.h).
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options,
                                                                         Coordinator& coordinator,
                                                                         Metrics& metrics);
  virtual ~GrpcServer() = default;
  [[nodiscard]] virtual int port() const = 0;
  // What grpc.health.v1.Health answers, for the server and for each service.
  virtual void SetServing(bool serving) = 0;
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_GRPC_COORDINATOR_H_
