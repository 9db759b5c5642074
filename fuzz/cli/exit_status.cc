#include "fuzz/cli/exit_status.h"

#include <cstdio>
#include <string>

namespace shootdown {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "shootdown: %s\n", std::string(status.message()).c_str());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAlreadyExists: return kExitBadInput;
    default: return kExitOurFault;
  }
}

}  // namespace shootdown
