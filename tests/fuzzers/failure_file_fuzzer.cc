// Any bytes as a failure file, as the body of one with a true checksum, and as a stored record: a
// failure that survives being written and read again, or one line that says what is wrong.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/base/check.h"
#include "fuzz/base/content_hash.h"
#include "proto/convert.h"
#include "proto/failure_file.h"

namespace shootdown {
namespace {

void CheckFile(std::string_view text) {
  const auto parsed = ParseFailureFile(text, "file");
  if (!parsed.ok()) {
    SHOOTDOWN_CHECK(parsed.status().message().find('\n') == std::string::npos);
    return;
  }
  const auto written = SerializeFailureFile(*parsed);
  SHOOTDOWN_CHECK(written.ok());
  const auto again = ParseFailureFile(*written, "file");
  SHOOTDOWN_CHECK(again.ok());
  SHOOTDOWN_CHECK(*again == *parsed);
}

void CheckRecord(std::string_view bytes) {
  const auto decoded = DecodeFailure(bytes);
  if (!decoded.ok()) return;
  const auto encoded = EncodeFailure(*decoded);
  SHOOTDOWN_CHECK(encoded.ok());
  const auto again = DecodeFailure(*encoded);
  SHOOTDOWN_CHECK(again.ok());
  SHOOTDOWN_CHECK(*again == *decoded);
  SHOOTDOWN_CHECK(FailureId(*again) == FailureId(*decoded));
}

void Test(std::string_view bytes) {
  CheckFile(bytes);
  const std::string body(bytes.substr(bytes.find('\n') + 1));
  CheckFile("shootdown-failure 1 " + ToHex(HashBytes(body)) + '\n' + body);
  CheckRecord(bytes);
}

}  // namespace
}  // namespace shootdown

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shootdown::Test({reinterpret_cast<const char*>(data), size});
  return 0;
}
