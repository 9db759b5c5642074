// A line in the log for each call that was refused: by whom, which, and why. Also for calls that no
// service hears of, since their bytes are no message.
#ifndef SHOOTDOWN_SERVER_REFUSALS_H_
#define SHOOTDOWN_SERVER_REFUSALS_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace shootdown::server {

// For grpc::ServerBuilder. What an honest caller hears every day is no refusal: that something is not
// there, not in that state, or busy.
[[nodiscard]] std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakeRefusalLog();

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_REFUSALS_H_
