// How subcommands reach a coordinator: flags, a connection, and calls that try each address in turn.
#ifndef SHOOTDOWN_FUZZ_CLI_COORDINATOR_H_
#define SHOOTDOWN_FUZZ_CLI_COORDINATOR_H_

#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/rpc/client_channel.h"
#include "proto/rpc/status.h"

namespace shootdown {

struct CoordinatorFlags {
  std::string addresses;  // HOST:PORT[,HOST:PORT]; empty: none was given
  TlsFiles tls;
  bool insecure = false;

  void AddTo(CLI::App& command, bool required);
};

class CoordinatorConnection {
 public:
  // INVALID_ARGUMENT if an address is malformed, or needs TLS. Connects when it is first used.
  [[nodiscard]] static absl::StatusOr<CoordinatorConnection> Open(const CoordinatorFlags& flags);

  // One call of a unary RPC. Every address is asked once before it gives up with UNAVAILABLE.
  template <class Service, class Request, class Response>
  [[nodiscard]] absl::StatusOr<Response> Call(
      grpc::Status (Service::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request) {
    absl::Status status = absl::UnavailableError("no coordinator");
    for (std::size_t tries = 0; tries < channels_.size(); ++tries) {
      Response response;
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kDeadline);
      Service stub(channels_[current_]);
      status = FromGrpc((stub.*method)(&context, request, &response));
      if (status.ok()) return response;
      if (status.code() != absl::StatusCode::kUnavailable) break;
      current_ = (current_ + 1) % channels_.size();
    }
    return Named(status);
  }

  // For streams: the channel that answered last.
  [[nodiscard]] const std::shared_ptr<grpc::Channel>& channel() const {
    return channels_[current_];
  }
  // `status` with the address in front.
  [[nodiscard]] absl::Status Named(const absl::Status& status) const;

 private:
  static constexpr std::chrono::seconds kDeadline{10};  // as the .proto says of each RPC

  std::vector<std::string> names_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::size_t current_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_COORDINATOR_H_
