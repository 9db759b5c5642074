#include "proto/rpc/tls_files.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <ctime>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "proto/file_io.h"

namespace shootdown {
namespace {

constexpr std::size_t kPemBytesMax = 1 << 20;

absl::Status Unusable(const std::string& file, const std::string& words) {
  ERR_clear_error();  // OpenSSL's own queue, which gRPC would find
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", file, words));
}

// A key with a passphrase is refused; nobody is asked for it.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return 0; }

// When it ran out; empty if it has not.
std::string EndOf(const X509* certificate) {
  const ASN1_TIME* const end = X509_get0_notAfter(certificate);
  std::tm parts{};
  if (X509_cmp_current_time(end) >= 0 || ASN1_TIME_to_tm(end, &parts) != 1) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromTM(parts, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& tls) {
  if (tls.empty()) return absl::OkStatus();
  if (tls.ca.empty() || tls.cert.empty() || tls.key.empty()) {
    return absl::InvalidArgumentError("TLS needs all three of --tls-ca, --tls-cert and --tls-key");
  }
  for (const std::string* const file : {&tls.ca, &tls.cert, &tls.key}) {
    if (auto bytes = ReadWholeFile(*file, kPemBytesMax); !bytes.ok()) return bytes.status();
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()), &SSL_CTX_free);
  if (context == nullptr) return absl::InternalError("TLS: OpenSSL cannot be used");
  SSL_CTX_set_default_passwd_cb(context.get(), &NoPassphrase);
  if (SSL_CTX_load_verify_locations(context.get(), tls.ca.c_str(), nullptr) != 1) {
    return Unusable(tls.ca, "found no certificate, wanted those of who signs the other side's, as PEM");
  }
  if (SSL_CTX_use_certificate_chain_file(context.get(), tls.cert.c_str()) != 1) {
    return Unusable(tls.cert, "found no certificate, wanted ours with its chain, as PEM");
  }
  if (const std::string ended = EndOf(SSL_CTX_get0_certificate(context.get())); !ended.empty()) {
    return Unusable(tls.cert, absl::StrFormat("ran out at %s, wanted a certificate that holds", ended));
  }
  const bool read = SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM) == 1;
  // A key of the certificate's kind is compared when it is read, one of another kind only when that is asked.
  const bool is_anothers = read ? SSL_CTX_check_private_key(context.get()) != 1
                                : ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
  if (is_anothers) return Unusable(tls.key, absl::StrFormat("is not the key of %s", tls.cert));
  if (!read) return Unusable(tls.key, "found no key without a passphrase, wanted that of our certificate, as PEM");
  return absl::OkStatus();
}

}  // namespace shootdown
