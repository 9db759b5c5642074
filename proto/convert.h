// Failures as protobuf messages, and as the bytes of those messages.
#ifndef SHOOTDOWN_PROTO_CONVERT_H_
#define SHOOTDOWN_PROTO_CONVERT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"

namespace shootdown {

namespace v1 {
class Failure;
}  // namespace v1

// Of an encoded failure, and of a failure file.
inline constexpr std::size_t kFailureBytesMax = 16 << 20;

// FromProto(ToProto(f)) == f. Fields of a newer version go through both ways (proto/newer_fields.h).
[[nodiscard]] v1::Failure ToProto(const Failure& failure);
[[nodiscard]] Failure FromProto(const v1::Failure& message);

// The binary form. Equal failures have equal bytes.
// INVALID_ARGUMENT if a text is not UTF-8, which protobuf would not read back;
// RESOURCE_EXHAUSTED above kFailureBytesMax.
[[nodiscard]] absl::StatusOr<std::string> EncodeFailure(const Failure& failure);

// DATA_LOSS if `bytes` are not such a form.
[[nodiscard]] absl::StatusOr<Failure> DecodeFailure(std::string_view bytes);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_CONVERT_H_
