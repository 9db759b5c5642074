// Who may call what. A client's role and name are in its certificate, as the URI
// `shootdown://ROLE/NAME` among the subject's alternative names. Without TLS everybody may do
// everything; the program sees to it that this is so on a loopback address only.
#ifndef SHOOTDOWN_SERVER_ROLES_H_
#define SHOOTDOWN_SERVER_ROLES_H_

#include <grpcpp/security/auth_context.h>

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shootdown::server {

enum class Role { kWorker, kOperator, kViewer };
enum class Security { kPlain, kTls };

// The role that is in a URI of ours. INVALID_ARGUMENT: it is none.
[[nodiscard]] absl::StatusOr<Role> ParseRole(const std::string& uri);

// The caller's identity (its URI; empty without TLS) if it has one of these roles.
// UNAUTHENTICATED: no certificate. PERMISSION_DENIED: it names another role, or none.
[[nodiscard]] absl::StatusOr<std::string> Authorize(const grpc::AuthContext& caller,
                                                    Security security,
                                                    std::initializer_list<Role> roles);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_ROLES_H_
