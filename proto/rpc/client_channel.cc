#include "proto/rpc/client_channel.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "absl/strings/str_format.h"

namespace shootdown {
namespace {

// Renewed certificates are seen within so many seconds.
constexpr unsigned kReloadSeconds = 10;
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;

std::shared_ptr<grpc::ChannelCredentials> TlsCredentials(const TlsFiles& tls) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      tls.key, tls.cert, tls.ca, kReloadSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const Address& address, const TlsFiles& tls,
                                                       Insecure insecure) {
  if (absl::Status s = CheckTlsFiles(tls); !s.ok()) return s;
  if (tls.empty() && !address.IsLoopback() && insecure == Insecure::kNo) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s is another machine, so --tls-ca, --tls-cert and --tls-key are wanted (or --insecure, "
        "for a network where everybody is trusted)",
        address.ToText()));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // A coordinator on this machine is not behind whatever proxy the environment names.
  if (address.IsLoopback()) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(
      address.ToText(), tls.empty() ? grpc::InsecureChannelCredentials() : TlsCredentials(tls),
      arguments);
}

bool AwaitConnection(grpc::Channel& channel, std::chrono::milliseconds patience) {
  if (channel.GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) return true;
  grpc::experimental::ChannelResetConnectionBackoff(&channel);
  return channel.WaitForConnected(std::chrono::system_clock::now() + patience);
}

}  // namespace shootdown
