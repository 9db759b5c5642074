// One lease, run in a child process of the engine host.
#ifndef SHOOTDOWN_WORKER_LEASE_PROCESS_H_
#define SHOOTDOWN_WORKER_LEASE_PROCESS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/process/child_process.h"
#include "shootdown/v1/work.pb.h"
#include "worker/harvest.h"

namespace shootdown {

class LeaseProcess {
 public:
  // A lease that cannot be run ends at once, as refused.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<LeaseProcess>> Start(
      v1::Lease lease, std::vector<std::uint32_t> known, const ChildLimits& limits);

  [[nodiscard]] ChildProcess& child() { return *child_; }
  [[nodiscard]] const v1::Lease& lease() const { return lease_; }

  // What came since the last call. Findings come at once; inputs are distilled, and come with the
  // result. REQUIRES: child().fd() is readable, and the child had not ended.
  [[nodiscard]] Harvest Receive();
  // The result will say that the lease was handed back.
  void Cancel();

 private:
  LeaseProcess(v1::Lease lease, std::vector<std::uint32_t> known);
  void Take(const ChildMessage& message, Harvest& harvest);
  void End(Harvest& harvest);

  v1::Lease lease_;
  std::vector<std::uint32_t> known_;
  std::unique_ptr<ChildProcess> child_;
  v1::LeaseResult result_;
  std::vector<v1::Input> inputs_;
  std::vector<std::string> finding_hashes_;
  bool cancelled_ = false;
  ChildProcess::Clock::time_point start_ = ChildProcess::Clock::now();
};

// The result of a lease with all that does not depend on how it ended.
[[nodiscard]] v1::LeaseResult ResultOf(const v1::Lease& lease, v1::LeaseResult::Outcome outcome);

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_LEASE_PROCESS_H_
