// `shootdown coordinator`: looking after a coordinator that runs.
#include <spdlog/spdlog.h>

#include <cstdio>

#include "absl/strings/str_format.h"
#include "fuzz/cli/campaign_table.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/coordinator.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/options/whole_number.h"
#include "shootdown/v1/admin.grpc.pb.h"

namespace shootdown {
namespace {

using Stub = v1::Admin::Stub;

struct AdminFlags {
  CoordinatorFlags coordinator;
  std::string backup;
  std::string worker;
  std::optional<std::uint32_t> ended_days_min;
  bool dry_run = false;
  bool json = false;
};

double Mib(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

// ---------------------------------------------------------------------------------------------- stats

Json StatsJson(const v1::GetStatsResponse& stats) {
  Json workers = Json::array();
  for (const v1::WorkerStatus& w : stats.workers()) {
    workers.push_back({{"id", w.id()},
                       {"name", w.name()},
                       {"model", w.model_version()},
                       {"jobs", w.job_count()},
                       {"leases", w.lease_count()},
                       {"silent_ms", w.silent_ms()},
                       {"quarantined", w.quarantined()}});
  }
  return {{"epoch", stats.epoch()},
          {"version", stats.version()},
          {"started", Utc(stats.started_us())},
          {"campaigns", stats.campaign_count()},
          {"findings", stats.finding_count()},
          {"inputs", stats.input_count()},
          {"store_bytes", stats.store_bytes()},
          {"commits", stats.commit_count()},
          {"disk_syncs", stats.sync_count()},
          {"workers", std::move(workers)}};
}

std::string StatsTable(const v1::GetStatsResponse& stats) {
  std::string out = absl::StrFormat("version    %s, epoch %d\n", stats.version(), stats.epoch());
  out += absl::StrFormat("started    %s\n", Utc(stats.started_us()));
  out += absl::StrFormat("holds      %s, %s, %s; %.1f MiB on disk\n",
                         Counted(stats.campaign_count(), "campaign"),
                         Counted(stats.finding_count(), "finding"),
                         Counted(stats.input_count(), "input"), Mib(stats.store_bytes()));
  out += absl::StrFormat("commits    %d, with %s of the disk\n", stats.commit_count(),
                         Counted(stats.sync_count(), "sync"));
  if (stats.workers().empty()) return out + "workers    none\n";
  out += absl::StrFormat("\n%-16s  %-20s %5s %7s %9s  %s\n", "worker", "name", "jobs", "leases",
                         "silent", "model");
  for (const v1::WorkerStatus& w : stats.workers()) {
    out += absl::StrFormat("%-16s  %-20s %5d %7d %7.1f s  %s%s\n", w.id(), w.name(), w.job_count(),
                           w.lease_count(), static_cast<double>(w.silent_ms()) / 1000,
                           w.model_version(),
                           w.quarantined().empty() ? "" : "  quarantined: " + w.quarantined());
  }
  return out;
}

int Stats(const AdminFlags& flags, CoordinatorConnection& connection) {
  const auto stats = connection.Call(&Stub::GetStats, v1::GetStatsRequest());
  if (!stats.ok()) return Fail(stats.status());
  if (flags.json) {
    PrintJson(StatsJson(*stats));
  } else {
    std::fputs(StatsTable(*stats).c_str(), stdout);
  }
  return kExitDone;
}

// -------------------------------------------------------------------------------------------- compact

Json CompactJson(const AdminFlags& flags, const v1::CompactResponse& dropped) {
  Json campaigns = Json::array();
  for (const v1::DroppedCampaign& c : dropped.campaigns()) {
    campaigns.push_back({{"id", c.id()},
                         {"name", c.name()},
                         {"ended", Utc(c.ended_us())},
                         {"inputs", c.input_count()},
                         {"findings", c.finding_count()}});
  }
  return {{"dry_run", flags.dry_run},
          {"campaigns", std::move(campaigns)},
          {"findings", dropped.finding_count()},
          {"inputs", dropped.input_count()},
          {"input_bytes", dropped.input_bytes()},
          {"store_bytes_before", dropped.bytes_before()},
          {"store_bytes_after", dropped.bytes_after()}};
}

int Compact(const AdminFlags& flags, CoordinatorConnection& connection) {
  v1::CompactRequest request;
  request.set_dry_run(flags.dry_run);
  if (flags.ended_days_min.has_value()) request.set_ended_days_min(*flags.ended_days_min);
  const auto dropped =
      connection.Call(&Stub::Compact, request, CoordinatorConnection::kLongDeadline);
  if (!dropped.ok()) return Fail(dropped.status());
  if (flags.json) {
    PrintJson(CompactJson(flags, *dropped));
    return kExitDone;
  }
  for (const v1::DroppedCampaign& c : dropped->campaigns()) {
    std::printf("campaign %s  %s, ended %s, with %s and %s\n", c.id().c_str(), c.name().c_str(),
                Utc(c.ended_us()).c_str(), Counted(c.input_count(), "input").c_str(),
                Counted(c.finding_count(), "finding").c_str());
  }
  std::fputs(
      absl::StrFormat("%s: %s, the states of %s, %s of %.1f MiB; failures stay\n",
                      flags.dry_run ? "would be dropped" : "dropped",
                      Counted(static_cast<std::uint64_t>(dropped->campaigns_size()), "campaign"),
                      Counted(dropped->finding_count(), "finding"),
                      Counted(dropped->input_count(), "input"), Mib(dropped->input_bytes()))
          .c_str(),
      stdout);
  if (!flags.dry_run) {
    std::fputs(absl::StrFormat("on disk: %.1f MiB before, %.1f MiB after\n",
                               Mib(dropped->bytes_before()), Mib(dropped->bytes_after()))
                   .c_str(),
               stdout);
  }
  return kExitDone;
}

// -------------------------------------------------------------------------------------- backup, drain

int Backup(const AdminFlags& flags, CoordinatorConnection& connection) {
  v1::BackupRequest request;
  request.set_name(flags.backup);
  const auto made = connection.Call(&Stub::Backup, request, CoordinatorConnection::kLongDeadline);
  if (!made.ok()) return Fail(made.status());
  if (flags.json) {
    PrintJson({{"path", made->path()}, {"bytes", made->bytes()}});
  } else {
    std::printf("%s\n", made->path().c_str());
  }
  spdlog::info("{:.1f} MiB on the coordinator's machine; a server that is started on a copy of it has all "
               "that this one had", Mib(made->bytes()));
  return kExitDone;
}

// The id of the worker whose name is `word`, or whose id begins with it.
absl::StatusOr<std::string> FindWorker(CoordinatorConnection& connection, const std::string& word) {
  const auto stats = connection.Call(&Stub::GetStats, v1::GetStatsRequest());
  if (!stats.ok()) return stats.status();
  std::vector<std::string> fitting;
  for (const v1::WorkerStatus& w : stats->workers()) {
    if (w.id() == word) return word;
    if (w.name() == word || w.id().starts_with(word)) fitting.push_back(w.id());
  }
  if (fitting.empty()) {
    return absl::NotFoundError(absl::StrFormat("no worker \"%s\" is connected", word));
  }
  if (fitting.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrFormat("worker \"%s\" may be %s or %s; give an id", word, fitting[0], fitting[1]));
  }
  return fitting.front();
}

int Drain(const AdminFlags& flags, CoordinatorConnection& connection) {
  const absl::StatusOr<std::string> id = FindWorker(connection, flags.worker);
  if (!id.ok()) return Fail(id.status());
  v1::DrainWorkerRequest request;
  request.set_worker_id(*id);
  const auto drained = connection.Call(&Stub::DrainWorker, request);
  if (!drained.ok()) return Fail(drained.status());
  if (flags.json) PrintJson({{"worker", *id}});
  spdlog::info("worker {} finishes or gives back what it has, and ends", *id);
  return kExitDone;
}

}  // namespace

void AddCoordinatorCommand(CLI::App& app, int* exit_status) {
  auto* const command = app.add_subcommand("coordinator", "looks after a coordinator");
  command->require_subcommand(1);
  ExplainExitStatus(*command, {});
  const auto flags = std::make_shared<AdminFlags>();
  const auto add = [&](const char* name, const char* words,
                       int (*run)(const AdminFlags&, CoordinatorConnection&)) {
    auto* const sub = command->add_subcommand(name, words);
    flags->coordinator.AddTo(*sub, CoordinatorFlags::Presence::kRequired);
    sub->add_flag("--json", flags->json, "one JSON object on standard output");
    sub->callback([flags, exit_status, run] {
      absl::StatusOr<CoordinatorConnection> connection =
          CoordinatorConnection::Open(flags->coordinator);
      *exit_status = connection.ok() ? run(*flags, *connection) : Fail(connection.status());
    });
    return sub;
  };
  add("stats", "its workers, and how much it holds", &Stats);
  auto* const compact =
      add("compact", "drops inputs that no campaign holds, and says how many; failures stay", &Compact);
  compact
      ->add_option("--ended-days", flags->ended_days_min,
                   "first deletes campaigns that ended at least so many days ago, and says which")
      ->transform(WholeNumber(0, 36'500));
  compact->add_flag("--dry-run", flags->dry_run, "say what would be dropped, and drop nothing");
  add("backup", "copies the store, on the coordinator's machine, while all goes on", &Backup)
      ->add_option("NAME", flags->backup, "of the copy, in the folder `backups` of the data folder")
      ->required();
  add("drain", "sends a worker away when it has finished what it must", &Drain)
      ->add_option("WORKER", flags->worker, "its name, its id, or the start of its id")
      ->required();
}

}  // namespace shootdown
