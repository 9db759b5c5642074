// How a worker and the command line reach a coordinator: plain text on this machine, TLS elsewhere.
#ifndef SHOOTDOWN_PROTO_RPC_CLIENT_CHANNEL_H_
#define SHOOTDOWN_PROTO_RPC_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/rpc/address.h"

namespace shootdown {

// Files in PEM form; all three or none. They are read again when they change, so certificates can be
// renewed under a running program.
struct TlsFiles {
  std::string ca;    // who signs the other side's certificate
  std::string cert;  // ours, with its chain
  std::string key;   // of `cert`
  [[nodiscard]] bool empty() const { return ca.empty() && cert.empty() && key.empty(); }
};

// Plain text to another machine: anybody on the way may read and change it.
enum class Insecure { kNo, kYes };

// All three are there and can be read, or none is named; else INVALID_ARGUMENT or NOT_FOUND.
[[nodiscard]] absl::Status CheckTlsFiles(const TlsFiles& tls);

// Large enough for a failure with its trace (proto/convert.h), and its envelope.
inline constexpr int kReceiveBytesMax = 20 << 20;

// A channel, which connects when it is used. INVALID_ARGUMENT without TLS for an address that is not
// this machine's, unless kYes.
[[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const Address& address,
                                                                     const TlsFiles& tls,
                                                                     Insecure insecure);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_CLIENT_CHANNEL_H_
