// The files of one side of a TLS connection, and whether they can be used at all.
#ifndef SHOOTDOWN_PROTO_RPC_TLS_FILES_H_
#define SHOOTDOWN_PROTO_RPC_TLS_FILES_H_

#include <string>

#include "absl/status/status.h"

namespace shootdown {

// Files in PEM form; all three or none. They are read again when they change, so certificates can be
// renewed under a running program.
struct TlsFiles {
  std::string ca;    // who signs the other side's certificate
  std::string cert;  // ours, with its chain
  std::string key;   // of `cert`
  [[nodiscard]] bool empty() const { return ca.empty() && cert.empty() && key.empty(); }
};

// OK if none is named, or all three are there, hold what they should, our certificate has not run out, and the
// key is the certificate's; else the words name the file. gRPC by itself goes on without, and refuses every
// connection with words of its own; a folder in a file's place ends the process. Whether the other side trusts
// us is not asked here.
[[nodiscard]] absl::Status CheckTlsFiles(const TlsFiles& tls);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_RPC_TLS_FILES_H_
