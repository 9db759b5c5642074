// Whether a failure that came from elsewhere says what a failure says: a file, another store, the
// wire. Records of one id are ranked by what they say of themselves (Better in
// fuzz/corpus/failure.h), so nonsense must not come in: it would take the place of a good record.
#ifndef SHOOTDOWN_PROTO_FAILURE_CHECK_H_
#define SHOOTDOWN_PROTO_FAILURE_CHECK_H_

#include "absl/status/status.h"
#include "fuzz/corpus/failure.h"

namespace shootdown {

// INVALID_ARGUMENT names the failure and the field, what was found and what was wanted. OK means:
//   - Both scenarios and both schedules parse, and it has an anchor for each decision.
//   - If it is minimized, it has a proof for each decision.
//   - If it is not, it is as it was found, and nothing is said of what minimizing tells.
//   - Its check has a name, its hashes are 32 hexadecimal digits, and it can be encoded.
// Whether it is true, only a run can tell.
[[nodiscard]] absl::Status CheckFailure(const Failure& failure);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_FAILURE_CHECK_H_
