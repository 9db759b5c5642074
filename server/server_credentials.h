// Where the coordinator may listen, and with which certificates.
#ifndef SHOOTDOWN_SERVER_SERVER_CREDENTIALS_H_
#define SHOOTDOWN_SERVER_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "proto/rpc/client_channel.h"

namespace shootdown::server {

// With TLS every client must show a certificate that the CA signed. The files are read again when
// they change. INVALID_ARGUMENT without TLS for an address that other machines can reach, unless
// kYes.
[[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Address& listen, const TlsFiles& tls, Insecure insecure);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_SERVER_CREDENTIALS_H_
