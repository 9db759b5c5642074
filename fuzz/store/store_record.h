// Values as they lie in the store (store_keys.h): sealed with a checksum, and read back only if all
// that can be checked fits.
#ifndef SHOOTDOWN_FUZZ_STORE_STORE_RECORD_H_
#define SHOOTDOWN_FUZZ_STORE_STORE_RECORD_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"
#include "fuzz/store/store_keys.h"

namespace shootdown {

// Checksum, payload.
[[nodiscard]] std::string Seal(std::string_view payload);
// The payload, or nothing if the checksum does not fit.
[[nodiscard]] std::optional<std::string_view> Unseal(std::string_view value);

[[nodiscard]] std::string_view Name(store_keys::Family family);

// DATA_LOSS `family key: why`.
[[nodiscard]] absl::Status Damaged(store_keys::Family family, std::string_view key,
                                   std::string_view why);

// The failure under `key`. DATA_LOSS if the checksum, the encoding or the id does not fit.
[[nodiscard]] absl::StatusOr<Failure> ReadFailure(std::string_view key, std::string_view value);

struct FailureRecord {
  Failure failure;
  std::string encoded;
};

// Of two records of one id, the one that stays; `a` if they are equal. A total order, so that it
// does not matter who comes first.
[[nodiscard]] const FailureRecord& BetterRecord(const FailureRecord& a, const FailureRecord& b);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_STORE_STORE_RECORD_H_
