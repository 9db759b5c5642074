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
// For a connection, before a call; what is not ready by then goes on to be made in the next one's time.
constexpr std::chrono::seconds kConnectPatience{2};
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
  GrpcCoordinatorClient(TlsFiles tls, Insecure insecure)
      : tls_(std::move(tls)), insecure_(insecure) {}

  absl::Status Add(const Address& address) {
    Peer& peer = peers_.emplace_back();
    peer.address = address;
    return Open(peer);
  }

  SyncOutcome Sync(const v1::SyncRequest& request) override {
    Peer& peer = peers_[current_];
    (void)AwaitConnection(*peer.channel, kConnectPatience);  // if there is none, the call says why
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    v1::SyncResponse response;
    const absl::Status status = FromGrpc(peer.stub->Sync(&context, request, &response));
    if (status.ok()) return {.response = std::move(response)};
    if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
      current_ = (current_ + 1) % peers_.size();
    }
    // A connection keeps the certificate that it began with. The next one reads what is there now.
    // What cannot be read may be being replaced: the old connection says so again.
    if (absl::IsPermissionDenied(status) || absl::IsUnauthenticated(status)) (void)Open(peer);
    return {.response = absl::Status(status.code(),
                                     absl::StrFormat("%s: %s%s", peer.address.ToText(),
                                                     std::string(status.message()), OfOurFiles(status))),
            .retry_after = RetryAfter(context)};
  }

 private:
  struct Peer {
    Address address;
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1::Work::Stub> stub;
  };

  // A certificate that ran out while we ran: the other side ends such a connection without a word.
  [[nodiscard]] std::string OfOurFiles(const absl::Status& status) const {
    if (!absl::IsUnavailable(status)) return "";
    const absl::Status files = CheckTlsFiles(tls_);
    return files.ok() ? "" : absl::StrFormat("; %s", std::string(files.message()));
  }

  absl::Status Open(Peer& peer) const {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = Connect(peer.address, tls_, insecure_);
    if (!channel.ok()) return channel.status();
    peer.channel = *std::move(channel);
    peer.stub = v1::Work::NewStub(peer.channel);
    return absl::OkStatus();
  }

  const TlsFiles tls_;
  const Insecure insecure_;
  std::vector<Peer> peers_;
  std::size_t current_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CoordinatorClient>> ConnectToCoordinator(
    const std::vector<Address>& addresses, const TlsFiles& tls, Insecure insecure) {
  auto client = std::make_unique<GrpcCoordinatorClient>(tls, insecure);
  for (const Address& address : addresses) {
    if (absl::Status added = client->Add(address); !added.ok()) return added;
  }
  return client;
}

}  // namespace shootdown
