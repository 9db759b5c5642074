// HOST:PORT, as people write it and as gRPC wants it.
#ifndef SHOOTDOWN_PROTO_RPC_ADDRESS_H_
#define SHOOTDOWN_PROTO_RPC_ADDRESS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shootdown {

struct Address {
  std::string host;  // a name, 127.0.0.1, ::1 (without brackets)
  int port = 0;

  // `host:port`, or `[host]:port` for an IPv6 address.
  [[nodiscard]] std::string ToText() const;
  // True for `localhost`, 127.0.0.0/8 and ::1: nobody else's machine is at the other end.
  [[nodiscard]] bool IsLoopback() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// `HOST:PORT` or `[IPv6]:PORT`; the port is 0 to 65535. INVALID_ARGUMENT says what was wanted.
[[nodiscard]] absl::StatusOr<Address> ParseAddress(std::string_view text);

// One or more of them, separated by commas, to connect to: a port is 1 to 65535, since 0 is "any" to a listener and
// nobody to a caller.
[[nodiscard]] absl::StatusOr<std::vector<Address>> ParseAddresses(std::string_view text);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_ADDRESS_H_
