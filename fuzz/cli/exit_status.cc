#include "fuzz/cli/exit_status.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace shootdown {

int Fail(const absl::Status& status, std::string_view program) {
  std::string words(status.message());
  // Names of files are the user's and may hold line breaks; only a fault of ours takes more lines.
  if (status.code() != absl::StatusCode::kInternal) {
    std::ranges::replace_if(words, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  }
  std::fprintf(stderr, "%s: %s\n", std::string(program).c_str(), words.c_str());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAlreadyExists: return kExitBadInput;
    case absl::StatusCode::kCancelled: return kExitLimit;
    default: return kExitOurFault;
  }
}

}  // namespace shootdown
