#include "server/server_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "absl/strings/str_format.h"

namespace shootdown::server {
namespace {

// Renewed certificates are seen within so many seconds.
constexpr unsigned kReloadSeconds = 10;

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Address& listen, const TlsFiles& tls, Insecure insecure) {
  if (absl::Status s = CheckTlsFiles(tls); !s.ok()) return s;
  if (tls.empty()) {
    if (!listen.IsLoopback() && insecure == Insecure::kNo) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "other machines can reach %s, so --tls-ca, --tls-cert and --tls-key are wanted (or "
          "--insecure, for a network where everybody is trusted)",
          listen.ToText()));
    }
    return grpc::InsecureServerCredentials();
  }
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(tls.key, tls.cert,
                                                                           tls.ca, kReloadSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace shootdown::server
