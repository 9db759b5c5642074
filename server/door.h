// What every RPC passes through: may this caller call it, how was it answered, when may he come
// back.
#ifndef SHOOTDOWN_SERVER_DOOR_H_
#define SHOOTDOWN_SERVER_DOOR_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/metrics.h"
#include "server/roles.h"

namespace shootdown::server {

class Door {
 public:
  Door(Security security, Metrics& metrics) : security_(security), metrics_(metrics) {}

  // `work(identity)` if the caller has one of the roles.
  grpc::Status Call(grpc::ServerContext& context, const char* method,
                    std::initializer_list<Role> roles,
                    const std::function<absl::Status(const std::string& identity)>& work);

  // Calls `step` again and again until it says false, the caller goes, or the server ends.
  absl::Status Stream(grpc::ServerContext& context, absl::Duration interval,
                      const std::function<absl::StatusOr<bool>()>& step);

  // Streams end.
  void End() { ended_ = true; }

 private:
  // True if the server ends. Looks now and then whether the caller has gone.
  bool WaitForEnd(grpc::ServerContext& context, absl::Duration interval);

  const Security security_;
  Metrics& metrics_;
  std::atomic<int> stream_count_ = 0;
  std::atomic<bool> ended_ = false;
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_DOOR_H_
