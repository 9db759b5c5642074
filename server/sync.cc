// Coordinator::Sync: what a worker says becomes rows, and what is on disk becomes an answer.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/rpc/log.h"
#include "server/coordinator.h"
#include "server/limits.h"

namespace shootdown::server {
namespace {

// Leases of which a worker says something: that it has them, or how they ended.
std::set<std::string> Named(const v1::SyncRequest& request) {
  std::set<std::string> named;
  for (const v1::LeaseHeld& held : request.held()) named.insert(held.lease_id());
  for (const v1::LeaseResult& result : request.results()) named.insert(result.lease_id());
  return named;
}

}  // namespace

absl::StatusOr<v1::SyncResponse> Coordinator::Sync(const v1::SyncRequest& request,
                                                   std::string_view identity, absl::Time now) {
  if (absl::Status well_formed = CheckEnvelope(request); !well_formed.ok()) {
    absl::MutexLock lock(&mutex_);
    ++totals_.refused_count;
    return well_formed;
  }
  const std::string worker_id = PublicWorkerId(request.worker_key(), identity);
  v1::SyncResponse response;
  bool stale = false;
  std::set<std::string> finding_ids;
  {
    absl::MutexLock lock(&mutex_);
    if (absl::Status admitted = Admit(request, worker_id, now, stale); !admitted.ok()) {
      ++totals_.refused_count;
      return admitted;
    }
    if (stale) {
      Answer(request, *leases_->FindWorker(worker_id), response);
      response.set_words("an older message than the last one: nothing was done");
    }
    finding_ids = FindingsOfResults(request, worker_id);
  }
  if (!stale) {
    const Contents contents = ReadContents(request, finding_ids);
    absl::MutexLock lock(&mutex_);
    WorkerRecord& worker = *leases_->FindWorker(worker_id);  // stays while in_sync is set
    if (absl::Status taken = Take(request, contents, worker, now, response); !taken.ok()) {
      return taken;
    }
    GrantLeases(request, worker, now);
    Answer(request, worker, response);
  }
  const std::map<std::string, std::string> unreadable = FillFailures(response);
  absl::MutexLock lock(&mutex_);
  if (WorkerRecord* worker = leases_->FindWorker(worker_id)) {
    worker->sent.clear();
    for (const v1::Lease& lease : response.leases()) worker->sent.insert(lease.id());
  }
  TakeUnreadable(unreadable, worker_id);
  return response;
}

std::set<std::string> Coordinator::FindingsOfResults(const v1::SyncRequest& request,
                                                     const std::string& worker_id) const {
  std::set<std::string> ids;
  for (const v1::LeaseResult& result : request.results()) {
    const LeaseRecord* lease = leases_->Find(result.lease_id(), worker_id);
    if (lease != nullptr && !lease->finding_id.empty()) ids.insert(lease->finding_id);
  }
  return ids;
}

Coordinator::Contents Coordinator::ReadContents(const v1::SyncRequest& request,
                                                const std::set<std::string>& finding_ids) const {
  Contents contents;
  for (const v1::Input& input : request.inputs()) contents.inputs.push_back(CheckInput(input));
  for (const v1::FoundFailure& found : request.findings()) {
    contents.findings.push_back(CheckFinding(found));
  }
  for (const std::string& id : finding_ids) {
    absl::StatusOr<Failure> failure = store_->GetFailure(id);
    if (failure.ok()) contents.stored.emplace(id, *std::move(failure));
  }
  return contents;
}

absl::Status Coordinator::Take(const v1::SyncRequest& request, const Contents& contents,
                               WorkerRecord& worker, absl::Time now, v1::SyncResponse& response) {
  Plan plan;
  for (std::size_t i = 0; i < contents.inputs.size(); ++i) {
    PlanInput(request.inputs(static_cast<int>(i)), contents.inputs[i], worker, now, plan);
  }
  for (std::size_t i = 0; i < contents.findings.size(); ++i) {
    PlanFinding(request.findings(static_cast<int>(i)), contents.findings[i], worker, now, plan);
  }
  for (const v1::Offer& offer : request.offers()) {
    if (const std::optional<State::Known> known = state_.FindOffer(offer.hash())) {
      plan.Settle(offer.hash(), v1::Settled::VERDICT_KNOWN, "", known->finding_id);
    } else {
      plan.wanted.push_back(offer.hash());
    }
  }
  plan.open.insert(plan.wanted.begin(), plan.wanted.end());
  PlanResults(request, worker, contents.stored, now, plan);
  for (const auto& [scenario, progress] : plan.progress) plan.Put(progress.key, progress.row);

  absl::Status committed = Commit(plan);
  worker.in_sync = false;
  if (!committed.ok()) return committed;
  for (const std::string& lease_id : plan.ended_leases) {
    if (leases_->Find(lease_id, worker.id) != nullptr) (void)leases_->Take(lease_id);
  }
  worker.settled = std::move(plan.ended_leases);
  TakeDropped(request, worker);
  for (v1::Settled& settled : plan.settled) {
    if (settled.verdict() == v1::Settled::VERDICT_REFUSED) ++totals_.refused_count;
    *response.add_settled() = std::move(settled);
  }
  for (std::string& hash : plan.wanted) response.add_wanted(std::move(hash));
  return absl::OkStatus();
}

absl::Status Coordinator::Admit(const v1::SyncRequest& request, const std::string& worker_id,
                                absl::Time now, bool& stale) {
  WorkerRecord* worker = leases_->FindWorker(worker_id);
  if (worker == nullptr) {
    if (leases_->workers().size() >= kWorkerCountMax) {
      return Exhausted(absl::StrFormat("workers: %d are connected, the limit", kWorkerCountMax),
                       absl::Seconds(30));
    }
    worker = &leases_->AddWorker(worker_id);
    worker->tokens = kSyncBurst;
    worker->tokens_at = now;
    LogInfo("worker connected", {{"worker", worker_id},
                                 {"name", request.worker_name()},
                                 {"model", request.model_version()},
                                 {"jobs", std::to_string(request.job_count())}});
  }
  const double passed =
      std::max(0.0, absl::ToDoubleSeconds(now - worker->tokens_at));  // clocks may go back
  worker->tokens = std::min(kSyncBurst, worker->tokens + kSyncsPerSecond * passed);
  worker->tokens_at = now;
  if (worker->tokens < 1) {
    return Exhausted(
        absl::StrFormat("worker %s: more than %g Syncs a second", worker_id, kSyncsPerSecond),
        absl::Milliseconds(250));
  }
  worker->tokens -= 1;
  if (worker->in_sync) {
    return absl::UnavailableError("another Sync of this worker is being answered");
  }
  stale = worker->sequence != 0 && request.sequence() <= worker->sequence;
  if (stale) return absl::OkStatus();
  worker->in_sync = true;
  worker->sequence = request.sequence();
  worker->name = request.worker_name();
  worker->model_version = request.model_version();
  worker->job_count = request.job_count();
  leases_->Touch(*worker, Named(request), now);
  for (const v1::LeaseHeld& held : request.held()) {
    LeaseRecord* lease = leases_->Find(held.lease_id(), worker_id);
    if (lease != nullptr) lease->run_count = std::min(held.run_count(), lease->fuzz.run_count());
  }
  return absl::OkStatus();
}

// Of what was cancelled, the worker has handed in all, once it does not name it any more.
void Coordinator::TakeDropped(const v1::SyncRequest& request, const WorkerRecord& worker) {
  const std::set<std::string> named = Named(request);
  const std::set<std::string> ids = worker.leases;
  for (const std::string& id : ids) {
    if (leases_->leases().at(id).cancelled && !named.contains(id)) (void)leases_->Take(id);
  }
}

}  // namespace shootdown::server
