// The port for machines that look after machines: /metrics, /healthz, /readyz.
#ifndef SHOOTDOWN_SERVER_HTTP_H_
#define SHOOTDOWN_SERVER_HTTP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "proto/rpc/address.h"
#include "server/coordinator.h"
#include "server/metrics.h"

namespace shootdown::server {

class HttpServer {
 public:
  // Listens until it is destroyed. Port 0 takes any that is free.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Address& address,
                                                                         Coordinator& coordinator,
                                                                         Metrics& metrics);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual int port() const = 0;
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_HTTP_H_
