#include "tests/worker/fake_coordinator.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "worker/harvest.h"

namespace shootdown::testing {

void FakeCoordinator::Settle(v1::SyncResponse& response, const std::string& what,
                             v1::Settled::Verdict verdict) {
  v1::Settled& settled = *response.add_settled();
  settled.set_what(what);
  settled.set_verdict(verdict);
  if (findings_.contains(what)) settled.set_finding_id(what.substr(0, 16));
}

v1::SyncResponse FakeCoordinator::Sync(const v1::SyncRequest& request) {
  v1::SyncResponse response;
  response.set_epoch(epoch_);
  response.set_next_sync_ms(1000);
  response.set_drain(drain_);
  for (const v1::LeaseResult& result : request.results()) {
    const bool ours = outstanding_.erase(result.lease_id()) != 0;
    if (ours) {
      run_count_ += result.run_count();
      results_[result.lease_id()] = result;
    }
    Settle(response, result.lease_id(),
           ours ? v1::Settled::VERDICT_ACCEPTED : v1::Settled::VERDICT_NOT_NEEDED);
  }
  for (const v1::Input& input : request.inputs()) {
    const std::string hash = ContentHash(input.SerializeAsString());
    inputs_.emplace(hash, input);
    for (const std::uint32_t f : input.features()) {
      if (feature_set_.insert(f).second) features_.push_back(f);
    }
    Settle(response, hash, v1::Settled::VERDICT_ACCEPTED);
  }
  for (const v1::FoundFailure& found : request.findings()) {
    const std::string hash = ContentHash(found.SerializeAsString());
    findings_.emplace(hash, found);
    Settle(response, hash, v1::Settled::VERDICT_ACCEPTED);
  }
  for (const v1::Offer& offer : request.offers()) {
    if (inputs_.contains(offer.hash()) || findings_.contains(offer.hash())) {
      Settle(response, offer.hash(), v1::Settled::VERDICT_KNOWN);
    } else {
      response.add_wanted(offer.hash());
    }
  }
  const std::size_t lease_count_max = request.job_count() == 0 ? 0 : request.job_count() + 1;
  while (leasing_ && outstanding_.size() < lease_count_max) {
    v1::Lease lease = pattern_;
    lease.set_id(absl::StrFormat("%016x", epoch_ << 32 | ++lease_count_));
    lease.set_epoch(epoch_);
    lease.mutable_fuzz()->set_random_seed(lease_count_);
    lease.mutable_fuzz()->set_known_feature_count(static_cast<std::uint32_t>(features_.size()));
    for (const auto& [hash, input] : inputs_) {
      if (lease.fuzz().seeds_size() == 32) break;
      lease.mutable_fuzz()->add_seeds(input.schedule());
    }
    outstanding_[lease.id()] = lease;
  }
  for (const auto& [id, lease] : outstanding_) {
    const bool held = std::ranges::any_of(
        request.held(), [&wanted = id](const v1::LeaseHeld& h) { return h.lease_id() == wanted; });
    // A draining worker gets nothing new.
    if (!held && request.job_count() == 0) continue;
    v1::Lease& out = *response.add_leases();
    if (held) {
      out.set_id(id);
    } else {
      out = lease;
    }
  }
  std::uint32_t first = 0;
  if (request.epoch() == epoch_) {
    for (const v1::FeaturesHeld& list : request.features_held()) {
      if (list.campaign_id() == pattern_.campaign_id()) first = list.count();
    }
  }
  if (first < features_.size()) {
    v1::FeatureTail& tail = *response.add_features();
    tail.set_campaign_id(pattern_.campaign_id());
    tail.set_scenario_key(pattern_.scenario_key());
    tail.set_first(first);
    tail.mutable_features()->Add(features_.begin() + first, features_.end());
  }
  return response;
}

void FakeCoordinator::Restart() {
  ++epoch_;
  outstanding_.clear();
  // Another order: a list of the last epoch is of no use.
  std::ranges::reverse(features_);
}

}  // namespace shootdown::testing
