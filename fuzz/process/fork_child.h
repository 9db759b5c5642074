// A fork whose child goes when its parent does.
#ifndef SHOOTDOWN_FUZZ_PROCESS_FORK_CHILD_H_
#define SHOOTDOWN_FUZZ_PROCESS_FORK_CHILD_H_

#include <sys/types.h>

#include "absl/status/statusor.h"

namespace shootdown {

// The child's id; in the child, 0. The child is killed when its parent dies, and leaves SIGINT and
// SIGTERM, which a terminal sends to a whole group, to its parent. RESOURCE_EXHAUSTED: there is
// no child.
// REQUIRES: this process has one thread: a fork takes along no other, but all of their locks.
[[nodiscard]] absl::StatusOr<pid_t> ForkChild();

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_PROCESS_FORK_CHILD_H_
