// Coordinator: service Admin.
#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/printable.h"
#include "proto/rpc/log.h"
#include "server/coordinator.h"

namespace shootdown::server {

v1::GetStatsResponse Coordinator::GetStats(absl::Time now) {
  v1::GetStatsResponse response;
  const Committer::Counts counts = committer_.Peek();
  absl::MutexLock lock(&mutex_);
  response.set_epoch(leases_->epoch());
  response.set_version(SHOOTDOWN_VERSION);
  response.set_started_us(absl::ToUnixMicros(started_));
  for (const auto& [id, worker] : leases_->workers()) {
    v1::WorkerStatus& status = *response.add_workers();
    status.set_id(id);
    status.set_name(worker.name);
    status.set_model_version(worker.model_version);
    status.set_job_count(worker.job_count);
    status.set_lease_count(static_cast<std::uint32_t>(worker.leases.size()));
    status.set_silent_ms(absl::ToInt64Milliseconds(leases_->TimeOf(now) - worker.last_heard));
    const auto quarantined = state_.workers().find(id);
    if (quarantined != state_.workers().end()) {
      status.set_quarantined(quarantined->second.quarantined());
    }
  }
  response.set_campaign_count(state_.campaigns().size());
  response.set_finding_count(state_.findings().size());
  for (const auto& [id, campaign] : state_.campaigns()) {
    for (const ScenarioState& scenario : campaign.scenarios) {
      response.set_input_count(response.input_count() + scenario.inputs.size());
    }
  }
  response.set_store_bytes(store_->FileBytes());
  response.set_commit_count(counts.update_count);
  response.set_sync_count(counts.sync_count);
  return response;
}

absl::StatusOr<std::set<std::string>> Coordinator::Forget(absl::Time ended_before, DryRun dry_run,
                                                          v1::CompactResponse& response) {
  absl::MutexLock lock(&mutex_);
  std::set<std::pair<std::int64_t, std::string>> old;
  for (const auto& [id, campaign] : state_.campaigns()) {
    if (!campaign.ended.has_value()) continue;
    if (absl::FromUnixMicros(campaign.ended->ended_us()) > ended_before) continue;
    old.emplace(campaign.ended->ended_us(), id);
  }
  std::set<std::string> gone;
  for (const auto& [ended_us, id] : old) {
    const CampaignState* campaign = state_.FindCampaign(id);
    if (campaign == nullptr) continue;  // somebody else was faster
    v1::DroppedCampaign dropped;
    dropped.set_id(id);
    dropped.set_name(campaign->row.spec().name());
    dropped.set_ended_us(ended_us);
    Plan plan;
    v1::DeleteCampaignResponse held;
    if (!PlanDelete(*campaign, plan, held).ok()) continue;  // the next time
    dropped.set_input_count(held.input_count());
    dropped.set_finding_count(held.finding_count());
    gone.insert(id);
    for (const ScenarioState& scenario : campaign->scenarios) {
      for (const auto& [finding_id, found] : scenario.findings) {
        const FindingState* finding = state_.FindFinding(finding_id);
        if (finding == nullptr) continue;
        const bool held_elsewhere = std::ranges::any_of(
            finding->campaigns, [&](const std::string& of) { return !gone.contains(of); });
        if (!held_elsewhere) response.set_finding_count(response.finding_count() + 1);
      }
    }
    if (dry_run == DryRun::kNo) {
      if (absl::Status committed = Commit(plan); !committed.ok()) return committed;
    }
    LogInfo(dry_run == DryRun::kYes ? "campaign would be forgotten" : "campaign forgotten",
            {{"campaign", id},
             {"name", dropped.name()},
             {"inputs", std::to_string(dropped.input_count())},
             {"findings", std::to_string(dropped.finding_count())}});
    *response.add_campaigns() = std::move(dropped);
  }
  return gone;
}

absl::StatusOr<v1::CompactResponse> Coordinator::Compact(const v1::CompactRequest& request,
                                                         absl::Time now) {
  constexpr std::uint32_t kDaysMax = 36'500;
  if (request.ended_days_min() > kDaysMax) {
    return absl::InvalidArgumentError(absl::StrFormat("ended_days_min: %d, wanted at most %d",
                                                      request.ended_days_min(), kDaysMax));
  }
  v1::CompactResponse response;
  response.set_bytes_before(store_->FileBytes());
  std::set<std::string> gone;
  if (request.has_ended_days_min()) {
    absl::StatusOr<std::set<std::string>> forgotten =
        Forget(now - absl::Hours(24) * request.ended_days_min(),
               request.dry_run() ? DryRun::kYes : DryRun::kNo, response);
    if (!forgotten.ok()) return forgotten.status();
    gone = *std::move(forgotten);
  }
  absl::StatusOr<Store::Compacted> compacted = absl::UnknownError("not done");
  // Alone: an input that is on disk and not yet applied would look like one that nobody wants.
  committer_.RunAlone([&] {
    std::set<std::string> wanted;
    {
      absl::MutexLock lock(&mutex_);
      for (const auto& [id, campaign] : state_.campaigns()) {
        if (gone.contains(id)) continue;  // it is there still, if this is a dry run
        for (const ScenarioState& scenario : campaign.scenarios) {
          for (const auto& [hash, input] : scenario.inputs) wanted.insert(scenario.key + hash);
        }
      }
    }
    compacted = store_->Compact(
        [&](std::string_view scenario, std::string_view hash) {
          return wanted.contains(std::string(scenario) + std::string(hash));
        },
        request.dry_run() ? Store::DryRun::kYes : Store::DryRun::kNo);
  });
  if (!compacted.ok()) return compacted.status();
  response.set_input_count(compacted->input_count);
  response.set_input_bytes(compacted->input_bytes);
  response.set_bytes_after(store_->FileBytes());
  LogInfo(request.dry_run() ? "compaction foreseen" : "compacted",
          {{"campaigns_dropped", std::to_string(response.campaigns_size())},
           {"findings_dropped", std::to_string(response.finding_count())},
           {"inputs_dropped", std::to_string(compacted->input_count)},
           {"bytes_before", std::to_string(response.bytes_before())},
           {"bytes_after", std::to_string(response.bytes_after())}});
  return response;
}

absl::StatusOr<v1::BackupResponse> Coordinator::Backup(const std::string& name) {
  if (!IsName(name) || name.front() == '.') {
    return absl::InvalidArgumentError(absl::StrFormat(
        "name: \"%s\", wanted 1 to 64 of a-z A-Z 0-9 . _ -, no dot in front", ForMessage(name)));
  }
  const std::filesystem::path folder = std::filesystem::path(store_->path()) / "backups";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::UnavailableError(folder.string() + ": " + error.message());
  const std::string path = (folder / name).string();
  if (absl::Status copied = store_->Backup(path); !copied.ok()) return copied;
  v1::BackupResponse response;
  response.set_path(path);
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    response.set_bytes(response.bytes() + entry.file_size(error));
  }
  LogInfo("backup made", {{"path", path}, {"bytes", std::to_string(response.bytes())}});
  return response;
}

absl::Status Coordinator::DrainWorker(std::string_view worker_id) {
  absl::MutexLock lock(&mutex_);
  WorkerRecord* worker = leases_->FindWorker(worker_id);
  if (worker == nullptr) {
    return absl::NotFoundError(absl::StrFormat("no worker \"%s\"", ForMessage(worker_id)));
  }
  worker->draining = true;
  LogInfo("worker drained", {{"worker", worker->id}, {"name", worker->name}});
  return absl::OkStatus();
}

}  // namespace shootdown::server
