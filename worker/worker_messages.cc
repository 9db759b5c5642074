// Worker: what it says to the coordinator, and what it hears from it.
#include <algorithm>
#include <utility>

#include "proto/rpc/log.h"
#include "worker/worker.h"

namespace shootdown {
namespace {

// Limits of SyncRequest (work.proto).
constexpr int kResultCountMax = 64;
constexpr int kOfferCountMax = 1024;
constexpr std::size_t kContentBytesMax = std::size_t{3} << 20;
// What is kept in memory, whatever a coordinator sends.
constexpr std::size_t kFeatureListCountMax = 256;

std::string Words(const absl::Status& status) { return std::string(status.message()); }

}  // namespace

// ------------------------------------------------------------------------------------- what is said

absl::Time Worker::NextSync() const {
  if (on_its_way_) return absl::InfiniteFuture();
  const absl::Time due = has_news_ ? last_sync_ + options_.sync_interval_min : next_sync_;
  return std::max(due, not_before_);
}

v1::SyncRequest Worker::MakeRequest(absl::Time now) {
  on_its_way_ = true;
  has_news_ = false;
  last_sync_ = now;
  drain_in_request_ = drain_since_.has_value();
  sequence_ = std::max(sequence_ + 1, static_cast<std::uint64_t>(absl::ToUnixMicros(now)));
  v1::SyncRequest request;
  request.set_worker_key(journal_.worker_key());
  request.set_worker_name(options_.name);
  request.set_sequence(sequence_);
  request.set_epoch(epoch_);
  request.set_model_version(options_.model_version);
  request.set_job_count(drain_since_.has_value() ? 0 : static_cast<std::uint32_t>(engines_.size()));
  AddHeld(request);
  AddUnsettled(request);
  for (const auto& [scenario, list] : features_) {
    v1::FeaturesHeld& held = *request.add_features_held();
    held.set_campaign_id(scenario.first);
    held.set_scenario_key(scenario.second);
    held.set_count(static_cast<std::uint32_t>(list.features.size()));
  }
  return request;
}

void Worker::AddHeld(const std::string& id, std::uint64_t epoch, std::uint64_t run_count,
                     v1::SyncRequest& request) {
  v1::LeaseHeld& held = *request.add_held();
  held.set_lease_id(id);
  held.set_epoch(epoch);
  held.set_run_count(run_count);
}

void Worker::AddHeld(v1::SyncRequest& request) const {
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    const std::optional<Running>& running = running_[e];
    if (!running.has_value() || running->lease.id().empty()) continue;
    AddHeld(running->lease.id(), running->lease.epoch(), engines_[e]->run_count(), request);
  }
  for (const v1::Lease& lease : waiting_) AddHeld(lease.id(), lease.epoch(), 0, request);
  for (const Harvest& harvest : unwritten_) {
    if (!harvest.result.has_value()) continue;
    const v1::LeaseResult& result = *harvest.result;
    AddHeld(result.lease_id(), result.epoch(), result.run_count(), request);
  }
}

// Contents first: a result must not come before them (W4).
void Worker::AddUnsettled(v1::SyncRequest& request) {
  std::size_t bytes = 0;
  // One of them goes in any case, so that nothing is too large to be sent at all.
  const auto fits = [&bytes](std::size_t more) {
    if (bytes != 0 && bytes + more > kContentBytesMax) return false;
    bytes += more;
    return true;
  };
  std::set<std::string, std::less<>> told;  // of contents: sent, or offered
  const std::set<std::string> wanted = wanted_;
  for (const std::string& hash : wanted) {
    if (const auto f = journal_.findings().find(hash); f != journal_.findings().end()) {
      if (!fits(f->second)) continue;
      absl::StatusOr<v1::FoundFailure> found = journal_.ReadFinding(hash);
      if (found.ok()) {
        *request.add_findings() = *std::move(found);
      } else {
        Forget(hash, found.status());
      }
    } else if (const auto i = journal_.inputs().find(hash); i != journal_.inputs().end()) {
      if (!fits(i->second)) continue;
      absl::StatusOr<v1::Input> input = journal_.ReadInput(hash);
      if (input.ok()) {
        *request.add_inputs() = *std::move(input);
      } else {
        Forget(hash, input.status());
      }
    }
    told.insert(hash);
  }
  for (const Journal::Contents* const contents : {&journal_.findings(), &journal_.inputs()}) {
    for (const auto& [hash, size] : *contents) {
      if (request.offers_size() == kOfferCountMax) break;
      if (told.insert(hash).second) request.add_offers()->set_hash(hash);
    }
  }
  const auto untold = [&](const std::string& hash) {
    return !told.contains(hash) &&
           (journal_.findings().contains(hash) || journal_.inputs().contains(hash));
  };
  const std::set<std::string, std::less<>> results = journal_.results();
  for (const std::string& id : results) {
    if (request.results_size() == kResultCountMax) break;
    absl::StatusOr<v1::LeaseResult> result = journal_.ReadResult(id);
    if (!result.ok()) {
      Forget(id, result.status());
    } else if (std::ranges::any_of(result->content_hashes(), untold) ||
               !fits(result->ByteSizeLong())) {
      AddHeld(id, result->epoch(), result->run_count(), request);
    } else {
      *request.add_results() = *std::move(result);
    }
  }
}

// What the disk spoilt cannot be handed over.
void Worker::Forget(const std::string& what, const absl::Status& why) {
  if (!absl::IsDataLoss(why)) return;
  LogError("dropped from the journal", {{"what", what}, {"words", Words(why)}});
  v1::Settled settled;
  settled.set_what(what);
  settled.set_verdict(v1::Settled::VERDICT_REFUSED);
  if (absl::Status s = journal_.Settle({settled}); !s.ok()) TellDiskFails(s);
}

// ------------------------------------------------------------------------------------ what is heard

void Worker::TakeOutcome(const SyncOutcome& outcome, absl::Time now) {
  on_its_way_ = false;
  if (!outcome.response.ok()) {
    not_before_ = now + backoff_.Next(outcome.retry_after);
    has_news_ = true;  // whatever was in that message
    if (!failing_since_.has_value()) {  // it is named once, not at every attempt
      failing_since_ = now;
      const absl::Status& why = outcome.response.status();
      const bool silent = absl::IsUnavailable(why) || absl::IsDeadlineExceeded(why);
      LogWarning(silent ? "the coordinator does not answer, going on without it"
                        : "the coordinator takes nothing, going on without it",
                 {{"words", Words(why)}});
    }
    return;
  }
  if (failing_since_.has_value()) {
    LogInfo("the coordinator answers again");
    for (auto& [campaign, away] : away_) {
      away.own_features.clear();
      away.findings_by_kind.clear();
    }
  }
  failing_since_.reset();
  not_before_ = absl::InfinitePast();
  backoff_.Reset();
  TakeResponse(*outcome.response, now);
}

void Worker::TakeResponse(const v1::SyncResponse& response, absl::Time now) {
  if (response.epoch() != epoch_) {
    if (epoch_ != 0) {
      LogInfo("the coordinator has started anew", {{"epoch", std::to_string(response.epoch())}});
    }
    epoch_ = response.epoch();
    features_.clear();
  }
  drain_is_known_ = drain_is_known_ || drain_in_request_;
  const absl::Duration interval = absl::Milliseconds(std::max(response.next_sync_ms(), 1u));
  next_sync_ = now + interval - interval / 4 + backoff_.Jitter(interval / 2);
  TakeSettled(response);
  wanted_ = {response.wanted().begin(), response.wanted().end()};
  if (!wanted_.empty()) has_news_ = true;
  for (const v1::FeatureTail& tail : response.features()) TakeFeatures(tail);
  TakeLeases(response, now);
  if (response.drain() && !drain_since_.has_value()) {
    LogInfo("the coordinator drains this worker", {{"words", response.words()}});
    Drain(now);
  }
  StartLeases(now);
}

void Worker::TakeSettled(const v1::SyncResponse& response) {
  for (const v1::Settled& settled : response.settled()) {
    if (settled.verdict() == v1::Settled::VERDICT_REFUSED) {
      LogWarning("the coordinator refuses it",
                 {{"what", settled.what()}, {"words", settled.words()}});
    } else if (!settled.finding_id().empty()) {
      LogDebug("on the coordinator's disk", {{"finding", settled.finding_id()}});
    }
  }
  // If it fails, they are offered again, and settled again.
  const absl::Status written =
      journal_.Settle({response.settled().begin(), response.settled().end()});
  if (!written.ok()) TellDiskFails(written);
  // What did not fit into the last message.
  const std::size_t left = journal_.findings().size() + journal_.inputs().size();
  if (written.ok() && response.settled_size() != 0 && left != 0) has_news_ = true;
}

void Worker::TakeFeatures(const v1::FeatureTail& tail) {
  FeatureList& list = features_[{tail.campaign_id(), tail.scenario_key()}];
  list.last_use = ++use_count_;
  // One that comes twice adds nothing, and one that leaves a gap is of no use.
  const std::size_t have = list.features.size();
  if (tail.first() <= have && tail.first() + static_cast<std::size_t>(tail.features_size()) > have) {
    list.features.insert(list.features.end(),
                         tail.features().begin() + static_cast<int>(have - tail.first()),
                         tail.features().end());
  }
  if (features_.size() <= kFeatureListCountMax) return;
  features_.erase(std::ranges::min_element(
      features_, {}, [](const auto& entry) { return entry.second.last_use; }));
}

bool Worker::Has(const std::string& lease_id) const {
  const auto is_it = [&lease_id](const v1::Lease& lease) { return lease.id() == lease_id; };
  return journal_.results().contains(lease_id) || std::ranges::any_of(waiting_, is_it) ||
         std::ranges::any_of(running_,
                             [&](const auto& r) { return r.has_value() && is_it(r->lease); }) ||
         std::ranges::any_of(unwritten_, [&lease_id](const Harvest& harvest) {
           return harvest.result.has_value() && harvest.result->lease_id() == lease_id;
         });
}

void Worker::TakeLeases(const v1::SyncResponse& response, absl::Time now) {
  std::set<std::string> ours;
  for (const v1::Lease& lease : response.leases()) {
    ours.insert(lease.id());
    if (lease.id().empty() || lease.work_case() == v1::Lease::WORK_NOT_SET || Has(lease.id())) {
      continue;
    }
    LogDebug("lease taken", {{"campaign", lease.campaign_id()}, {"lease", lease.id()}});
    if (drain_since_.has_value()) {
      GiveBack(lease, now);
    } else {
      waiting_.push_back(lease);
    }
  }
  std::erase_if(waiting_, [&ours](const v1::Lease& lease) { return !ours.contains(lease.id()); });
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    std::optional<Running>& running = running_[e];
    if (!running.has_value() || running->dropped || running->lease.id().empty()) continue;
    if (ours.contains(running->lease.id())) continue;
    LogInfo("lease is not wanted any more",
            {{"campaign", running->lease.campaign_id()}, {"lease", running->lease.id()}});
    running->dropped = true;
    engines_[e]->Cancel();
  }
}

}  // namespace shootdown
