#include "server/roles.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "absl/strings/str_format.h"
#include "proto/printable.h"
#include "server/validate.h"

namespace shootdown::server {
namespace {

constexpr std::string_view kScheme = "shootdown://";

}  // namespace

absl::StatusOr<Role> ParseRole(const std::string& uri) {
  const std::string_view text = uri;
  const std::size_t slash = text.find('/', kScheme.size());
  if (text.starts_with(kScheme) && slash != std::string_view::npos &&
      IsName(text.substr(slash + 1))) {
    const std::string_view role = text.substr(kScheme.size(), slash - kScheme.size());
    if (role == "worker") return Role::kWorker;
    if (role == "operator") return Role::kOperator;
    if (role == "viewer") return Role::kViewer;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("\"%s\", wanted shootdown://worker|operator|viewer/NAME", ForMessage(uri)));
}

absl::StatusOr<std::string> Authorize(const grpc::AuthContext& caller, Security security,
                                      std::initializer_list<Role> roles) {
  if (security == Security::kPlain) return std::string();
  if (!caller.IsPeerAuthenticated()) {
    return absl::UnauthenticatedError("a client certificate is wanted");
  }
  std::optional<std::string> ours;
  for (const grpc::string_ref& value : caller.FindPropertyValues("peer_uri")) {
    const std::string uri(value.data(), value.size());
    const absl::StatusOr<Role> role = ParseRole(uri);
    if (!role.ok()) continue;
    if (ours.has_value()) {
      return absl::UnauthenticatedError("the client certificate names several roles");
    }
    ours = uri;
    if (std::ranges::find(roles, *role) == roles.end()) {
      return absl::PermissionDeniedError(absl::StrFormat("%s may not call this", ForMessage(uri)));
    }
  }
  if (!ours.has_value()) {
    return absl::PermissionDeniedError(
        "the client certificate names no role: wanted a URI shootdown://ROLE/NAME among its "
        "alternative names");
  }
  return *ours;
}

}  // namespace shootdown::server
