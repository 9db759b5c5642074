// Whole small files in and out, with errors that name the file. Nothing is ever half written.
#ifndef SHOOTDOWN_PROTO_FILE_IO_H_
#define SHOOTDOWN_PROTO_FILE_IO_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shootdown {

// The bytes of the regular file `path`. More than `bytes_max`: INVALID_ARGUMENT, and they are not
// read. NOT_FOUND, PERMISSION_DENIED, or UNAVAILABLE for what the system refuses.
[[nodiscard]] absl::StatusOr<std::string> ReadWholeFile(const std::string& path,
                                                        std::size_t bytes_max);

// Replaces `path` by a file of `bytes` in one step: a temporary file beside it, synced, renamed,
// and the folder synced. On an error, what stood at `path` still stands there, and nothing is left
// over.
[[nodiscard]] absl::Status WriteWholeFile(const std::string& path, std::string_view bytes);

// What WriteWholeFile to `path` would say now, but for a full disk: for who has long work to do before
// there are bytes to write.
[[nodiscard]] absl::Status CanWriteWholeFile(const std::string& path);

// True if WriteWholeFile to a `file` of that folder may have left `name` there, when it was killed.
[[nodiscard]] bool IsLeftover(std::string_view name, std::string_view file);

// The names of what is in the folder, in no order. Errors as ErrnoStatus has them, of `what`.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& folder,
                                                               std::string_view what);

// `what: strerror(error)`, with the code that fits: NOT_FOUND, PERMISSION_DENIED,
// RESOURCE_EXHAUSTED (no space), or UNAVAILABLE.
[[nodiscard]] absl::Status ErrnoStatus(int error, std::string_view what);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_FILE_IO_H_
