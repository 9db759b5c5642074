// How a worker and the command line reach a coordinator: plain text on this machine, TLS elsewhere.
#ifndef SHOOTDOWN_PROTO_RPC_CLIENT_CHANNEL_H_
#define SHOOTDOWN_PROTO_RPC_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"
#include "proto/rpc/address.h"
#include "proto/rpc/tls_files.h"

namespace shootdown {

// Plain text to another machine: anybody on the way may read and change it.
enum class Insecure { kNo, kYes };

// Large enough for a failure with its trace (proto/convert.h), and its envelope.
inline constexpr int kReceiveBytesMax = 20 << 20;

// A channel, which connects when it is used. INVALID_ARGUMENT without TLS for an address that is not
// this machine's, unless kYes.
[[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const Address& address,
                                                                     const TlsFiles& tls,
                                                                     Insecure insecure);

// True as soon as there is a connection, which is waited for for so long; for whoever calls again and again.
// gRPC gets on with a connection only while somebody waits on the channel, or every five seconds. A call does
// not wait once a connection was lost, it fails at once; so between calls a TLS handshake takes 20 seconds.
// And gRPC's own pauses between attempts grow to two minutes. One that is due ends here: the caller's pause
// is the only one.
[[nodiscard]] bool AwaitConnection(grpc::Channel& channel, std::chrono::milliseconds patience);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_CLIENT_CHANNEL_H_
