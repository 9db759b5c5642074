// Coordinator: service Admin.
#include <filesystem>
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/printable.h"
#include "server/coordinator.h"
#include "server/log.h"

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
    status.set_silent_ms(absl::ToInt64Milliseconds(now - worker.last_heard));
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

absl::StatusOr<v1::CompactResponse> Coordinator::Compact(bool dry_run) {
  v1::CompactResponse response;
  response.set_bytes_before(store_->FileBytes());
  absl::StatusOr<Store::Compacted> compacted = absl::UnknownError("not done");
  // Alone: an input that is on disk and not yet applied would look like one that nobody wants.
  committer_.RunAlone([&] {
    std::set<std::string> wanted;
    {
      absl::MutexLock lock(&mutex_);
      for (const auto& [id, campaign] : state_.campaigns()) {
        for (const ScenarioState& scenario : campaign.scenarios) {
          for (const auto& [hash, input] : scenario.inputs) wanted.insert(scenario.key + hash);
        }
      }
    }
    compacted = store_->Compact(
        [&](std::string_view scenario, std::string_view hash) {
          return wanted.contains(std::string(scenario) + std::string(hash));
        },
        dry_run ? Store::DryRun::kYes : Store::DryRun::kNo);
  });
  if (!compacted.ok()) return compacted.status();
  response.set_input_count(compacted->input_count);
  response.set_input_bytes(compacted->input_bytes);
  response.set_bytes_after(store_->FileBytes());
  LogInfo(dry_run ? "compaction foreseen" : "compacted",
          {{"inputs_dropped", std::to_string(compacted->input_count)},
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

absl::Status Coordinator::DrainWorker(std::string_view worker_id, absl::Time /*now*/) {
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
