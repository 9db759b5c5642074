#include "worker/coordinator_client.h"

#include <grpcpp/client_context.h>

#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/rpc/status.h"
#include "shootdown/v1/work.grpc.pb.h"

namespace shootdown {
namespace {

constexpr std::chrono::seconds kDeadline{10};
constexpr char kRetryAfterKey[] = "retry-after-ms";

std::optional<absl::Duration> RetryAfter(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(kRetryAfterKey);
  if (found == trailers.end()) return std::nullopt;
  std::int64_t ms = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto [stop, error] = std::from_chars(found->second.data(), end, ms);
  if (error != std::errc() || stop != end || ms < 0) return std::nullopt;
  return absl::Milliseconds(ms);
}

class GrpcCoordinatorClient : public CoordinatorClient {
 public:
  struct Peer {
    std::string address;
    std::unique_ptr<v1::Work::Stub> stub;
  };
  explicit GrpcCoordinatorClient(std::vector<Peer> peers) : peers_(std::move(peers)) {}

  SyncOutcome Sync(const v1::SyncRequest& request) override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    v1::SyncResponse response;
    const Peer& peer = peers_[current_];
    const absl::Status status = FromGrpc(peer.stub->Sync(&context, request, &response));
    if (status.ok()) return {.response = std::move(response)};
    if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
      current_ = (current_ + 1) % peers_.size();
    }
    return {.response = absl::Status(status.code(), absl::StrFormat("%s: %s", peer.address,
                                                                    std::string(status.message()))),
            .retry_after = RetryAfter(context)};
  }

 private:
  const std::vector<Peer> peers_;
  std::size_t current_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CoordinatorClient>> ConnectToCoordinator(
    const std::vector<Address>& addresses, const TlsFiles& tls, Insecure insecure) {
  std::vector<GrpcCoordinatorClient::Peer> peers;
  for (const Address& address : addresses) {
    const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = Connect(address, tls, insecure);
    if (!channel.ok()) return channel.status();
    peers.push_back({.address = address.ToText(), .stub = v1::Work::NewStub(*channel)});
  }
  return std::make_unique<GrpcCoordinatorClient>(std::move(peers));
}

}  // namespace shootdown
