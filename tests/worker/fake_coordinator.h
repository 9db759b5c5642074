// A coordinator without a disk: the rules of work.proto, and nothing else. Searches one scenario.
#ifndef SHOOTDOWN_TESTS_WORKER_FAKE_COORDINATOR_H_
#define SHOOTDOWN_TESTS_WORKER_FAKE_COORDINATOR_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "shootdown/v1/work.pb.h"

namespace shootdown::testing {

class FakeCoordinator {
 public:
  // Leases are copies of `pattern`, with ids and random seeds of their own.
  explicit FakeCoordinator(v1::Lease pattern) : pattern_(std::move(pattern)) {}

  [[nodiscard]] v1::SyncResponse Sync(const v1::SyncRequest& request);

  // As a coordinator that starts anew: leases are gone, what was accepted is on disk.
  void Restart();
  void StopLeasing() { leasing_ = false; }
  void DrainWorkers() { drain_ = true; }
  // Every lease is taken back.
  void CancelLeases() { outstanding_.clear(); }

  // Hashes of what was taken.
  [[nodiscard]] const std::map<std::string, v1::Input>& inputs() const { return inputs_; }
  [[nodiscard]] const std::map<std::string, v1::FoundFailure>& findings() const { return findings_; }
  // Of leases that were handed back, whole or not; each counts once.
  [[nodiscard]] std::uint64_t run_count() const { return run_count_; }
  [[nodiscard]] const std::map<std::string, v1::LeaseResult>& results() const { return results_; }
  [[nodiscard]] std::size_t outstanding_count() const { return outstanding_.size(); }

 private:
  void Settle(v1::SyncResponse& response, const std::string& what, v1::Settled::Verdict verdict);

  v1::Lease pattern_;
  bool leasing_ = true;
  bool drain_ = false;
  std::uint64_t epoch_ = 1;
  std::uint64_t lease_count_ = 0;
  std::map<std::string, v1::Lease> outstanding_;
  std::map<std::string, v1::LeaseResult> results_;
  std::map<std::string, v1::Input> inputs_;
  std::map<std::string, v1::FoundFailure> findings_;
  std::vector<std::uint32_t> features_;
  std::set<std::uint32_t> feature_set_;
  std::uint64_t run_count_ = 0;
};

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_WORKER_FAKE_COORDINATOR_H_
