// How subcommands reach a coordinator: flags, a connection, and calls that try each address in turn.
#ifndef SHOOTDOWN_FUZZ_CLI_COORDINATOR_H_
#define SHOOTDOWN_FUZZ_CLI_COORDINATOR_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/rpc/client_channel.h"
#include "proto/rpc/status.h"

namespace shootdown {

struct CoordinatorFlags {
  std::string addresses;  // HOST:PORT[,HOST:PORT]; empty: none was given
  TlsFiles tls;
  bool insecure = false;

  enum class Presence { kOptional, kRequired };
  // Returns --coordinator, without which the others are refused.
  CLI::Option* AddTo(CLI::App& command, Presence presence);
};

class CoordinatorConnection {
 public:
  // INVALID_ARGUMENT if an address is malformed, or needs TLS. Connects when it is first used.
  [[nodiscard]] static absl::StatusOr<CoordinatorConnection> Open(const CoordinatorFlags& flags);

  // As the .proto says of most RPCs, and of those that read or write all of a store.
  static constexpr std::chrono::seconds kDeadline{10};
  static constexpr std::chrono::seconds kLongDeadline{300};

  // One call of a unary RPC. Every address is asked once before it gives up with UNAVAILABLE.
  template <class Service, class Request, class Response>
  [[nodiscard]] absl::StatusOr<Response> Call(
      grpc::Status (Service::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, std::chrono::seconds deadline = kDeadline) {
    absl::Status status = absl::UnavailableError("no coordinator");
    FindOne([] { return false; });
    for (std::size_t tries = 0; tries < channels_.size(); ++tries) {
      Response response;
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + deadline);
      Service stub(channels_[current_]);
      status = FromGrpc((stub.*method)(&context, request, &response));
      if (status.ok()) return response;
      if (status.code() != absl::StatusCode::kUnavailable) break;
      current_ = (current_ + 1) % channels_.size();
    }
    return Named(status);
  }

  // One call of a streaming RPC: `take` hears each answer, until the coordinator has said all, or
  // `stopped` is true; it is looked at all the time, also while nothing comes. After UNAVAILABLE the
  // next call asks the next address.
  template <class Service, class Request, class Response>
  [[nodiscard]] absl::Status Stream(
      std::unique_ptr<grpc::ClientReader<Response>> (Service::*method)(grpc::ClientContext*,
                                                                       const Request&),
      const Request& request, const std::function<void(const Response&)>& take,
      const std::function<bool()>& stopped) {
    grpc::ClientContext context;
    std::atomic<bool> ended = false;
    std::thread look([&] {
      while (!ended && !stopped()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      context.TryCancel();  // of a call that has ended it does nothing
    });
    FindOne(stopped);
    Service stub(channels_[current_]);
    const auto reader = (stub.*method)(&context, request);
    Response response;
    while (reader->Read(&response)) take(response);
    const absl::Status status = FromGrpc(reader->Finish());
    ended = true;
    look.join();
    if (status.ok() || stopped()) return absl::OkStatus();
    const absl::Status named = Named(status);
    if (absl::IsUnavailable(status)) current_ = (current_ + 1) % channels_.size();
    return named;
  }
  [[nodiscard]] std::size_t address_count() const { return channels_.size(); }

  // `status` with the address in front.
  [[nodiscard]] absl::Status Named(const absl::Status& status) const;

 private:
  // Makes the first address current that takes a connection, from the current one on. Gives up after a few
  // seconds: one that was started just before this program is there by then.
  void FindOne(const std::function<bool()>& stopped);

  std::vector<std::string> names_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::size_t current_ = 0;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_COORDINATOR_H_
