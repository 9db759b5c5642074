// The work of a lease itself: what happens in the child process. Everything that it tells depends on
// the lease alone.
#ifndef SHOOTDOWN_WORKER_LEASE_WORK_H_
#define SHOOTDOWN_WORKER_LEASE_WORK_H_

#include <cstdint>
#include <vector>

#include "fuzz/process/child_process.h"
#include "shootdown/v1/work.pb.h"

namespace shootdown {

enum LeaseMessage : std::uint8_t {
  kLeaseFinding = 1,  // FoundFailure
  kLeaseInput = 2,    // Input
  kLeaseResult = 3,   // LeaseResult: outcome, words, replayed and minimized count
};

// May end the process.
void DoLeaseWork(const v1::Lease& lease, const std::vector<std::uint32_t>& known,
                 const ChildPipe& pipe, ChildState* state);

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_LEASE_WORK_H_
