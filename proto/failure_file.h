// One failure in one portable file, which a person can read and mail.
//
//   shootdown-failure 1 <XXH3-128 of the rest, 32 hexadecimal digits>\n
//   <shootdown.v1.Failure in protobuf text format>
//
// The number is the version of the format. A version that is newer than ours is refused; a file
// whose checksum is wrong is refused as well, so nobody replays a mutilated schedule.
#ifndef SHOOTDOWN_PROTO_FAILURE_FILE_H_
#define SHOOTDOWN_PROTO_FAILURE_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"

namespace shootdown {

inline constexpr int kFailureFileVersion = 1;

// INVALID_ARGUMENT if a text is not UTF-8; RESOURCE_EXHAUSTED above kFailureBytesMax.
[[nodiscard]] absl::StatusOr<std::string> SerializeFailureFile(const Failure& failure);

// `name` is for messages only. INVALID_ARGUMENT: no failure file, a damaged or edited one, or above
// kFailureBytesMax; FAILED_PRECONDITION: a newer version.
[[nodiscard]] absl::StatusOr<Failure> ParseFailureFile(std::string_view text,
                                                       std::string_view name);

// Also NOT_FOUND, PERMISSION_DENIED or UNAVAILABLE when the file cannot be read.
[[nodiscard]] absl::StatusOr<Failure> ReadFailureFile(const std::string& path);

// Replaces `path` in one step; on an error what stood there still does (proto/file_io.h).
[[nodiscard]] absl::Status WriteFailureFile(const std::string& path, const Failure& failure);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_FAILURE_FILE_H_
