// A coordinator's findings, as failures.
#ifndef SHOOTDOWN_FUZZ_CLI_REMOTE_FAILURES_H_
#define SHOOTDOWN_FUZZ_CLI_REMOTE_FAILURES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/cli/coordinator.h"
#include "fuzz/corpus/failure.h"

namespace shootdown {

struct ListedFailure {
  std::string id;
  std::string state;  // `minimized`, `quarantined` ...
  Failure failure;    // of a coordinator, in a list: without trace and proof
  std::string words = {};  // of a coordinator: why it is in its state
};

// What is not minimized yet has no signature, and is listed either way.
enum class Listing { kAll, kOneOfEachBug };

// Ascending by id.
[[nodiscard]] absl::StatusOr<std::vector<ListedFailure>> ListRemoteFailures(
    const CoordinatorFlags& flags, Listing listing);

// By id, or by a prefix that fits one finding only; with trace and proof.
[[nodiscard]] absl::StatusOr<ListedFailure> GetRemoteFailure(const CoordinatorFlags& flags,
                                                             const std::string& id);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_REMOTE_FAILURES_H_
