#include "proto/rpc/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "proto/printable.h"

namespace shootdown {
namespace {

absl::Status Malformed(std::string_view text, int port_min) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "address \"%s\", wanted HOST:PORT with a port of %d to 65535", ForMessage(text), port_min));
}

// A name of DNS, or an address in numbers.
bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

absl::StatusOr<Address> Parse(std::string_view text, int port_min) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return Malformed(text, port_min);
  std::string_view host = text.substr(0, colon);
  const std::string digits(text.substr(colon + 1));
  int port = 0;
  if (digits.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(digits, &port) || port < port_min || port > 65535) {
    return Malformed(text, port_min);
  }
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    in6_addr v6{};
    if (inet_pton(AF_INET6, std::string(host).c_str(), &v6) != 1) return Malformed(text, port_min);
  } else {
    for (const char c : host) {
      if (!IsHostCharacter(c)) return Malformed(text, port_min);
    }
  }
  return Address{.host = std::string(host), .port = port};
}

}  // namespace

std::string Address::ToText() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? absl::StrFormat("[%s]:%d", host, port) : absl::StrFormat("%s:%d", host, port);
}

bool Address::IsLoopback() const {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

absl::StatusOr<Address> ParseAddress(std::string_view text) { return Parse(text, 0); }

absl::StatusOr<std::vector<Address>> ParseAddresses(std::string_view text) {
  std::vector<Address> addresses;
  for (const std::string& one : std::vector<std::string>(
           absl::StrSplit(absl::string_view(text.data(), text.size()), ','))) {
    absl::StatusOr<Address> address = Parse(one, 1);
    if (!address.ok()) return address.status();
    addresses.push_back(*std::move(address));
  }
  return addresses;
}

}  // namespace shootdown
