// The coordinator: takes what workers have, gives them work, and answers people. It does set
// algebra and bookkeeping; it never runs a schedule, and is not linked with a machine that could.
//
// Every change goes one way: look at the state and make up rows, commit them, apply them, answer
// (server/committer.h). What is answered as settled is on disk, synced.
//
// Safe for use by several threads. Time is an argument.
#ifndef SHOOTDOWN_SERVER_COORDINATOR_H_
#define SHOOTDOWN_SERVER_COORDINATOR_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "fuzz/store/store.h"
#include "proto/rpc/log.h"
#include "server/audits.h"
#include "server/committer.h"
#include "server/leases.h"
#include "server/policy.h"
#include "server/state.h"
#include "server/validate.h"
#include "shootdown/v1/admin.pb.h"
#include "shootdown/v1/campaign.pb.h"
#include "shootdown/v1/finding.pb.h"
#include "shootdown/v1/work.pb.h"

namespace shootdown::server {

class Coordinator {
 public:
  // Takes the folder, replays its rows, and begins a new epoch.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Coordinator>> Open(const std::string& data,
                                                                         absl::Time now);
  // For tests: `write` stands between the coordinator and the disk.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Coordinator>> Open(
      std::unique_ptr<Store> store, Committer::WriteFn write, absl::Time now);

  // ---- service Work. `identity`: of the client's certificate; empty without TLS.
  [[nodiscard]] absl::StatusOr<v1::SyncResponse> Sync(const v1::SyncRequest& request,
                                                      std::string_view identity, absl::Time now);

  // ---- service Campaigns
  [[nodiscard]] absl::StatusOr<v1::Campaign> CreateCampaign(
      const v1::CreateCampaignRequest& request, absl::Time now);
  enum class Tasks { kNo, kYes };
  [[nodiscard]] absl::StatusOr<v1::Campaign> GetCampaign(std::string_view id_or_prefix, Tasks tasks,
                                                         absl::Time now);
  [[nodiscard]] absl::StatusOr<v1::ListCampaignsResponse> ListCampaigns(
      const v1::ListCampaignsRequest& request, absl::Time now);
  [[nodiscard]] absl::StatusOr<v1::Campaign> SetCampaignState(std::string_view id_or_prefix,
                                                              v1::CampaignState wanted,
                                                              absl::Time now);
  [[nodiscard]] absl::StatusOr<v1::DeleteCampaignResponse> DeleteCampaign(std::string_view id);

  // ---- service Findings
  [[nodiscard]] absl::StatusOr<v1::ListFindingsResponse> ListFindings(
      const v1::ListFindingsRequest& request);
  [[nodiscard]] absl::StatusOr<v1::Finding> GetFinding(std::string_view id_or_prefix);
  [[nodiscard]] absl::StatusOr<v1::ExportFindingResponse> ExportFinding(
      std::string_view id_or_prefix);
  // Findings of `campaign_id` (empty: of all) that changed after `change`, which moves on.
  [[nodiscard]] std::vector<v1::Finding> ChangedFindings(std::string_view campaign_id,
                                                         std::uint64_t& change);
  // All of them, ascending by id; later changes come after `change`.
  [[nodiscard]] absl::StatusOr<std::vector<v1::Finding>> AllFindings(std::string_view campaign_id,
                                                                     std::uint64_t& change);

  // ---- service Admin
  [[nodiscard]] v1::GetStatsResponse GetStats(absl::Time now);
  [[nodiscard]] absl::StatusOr<v1::CompactResponse> Compact(const v1::CompactRequest& request,
                                                            absl::Time now);
  [[nodiscard]] absl::StatusOr<v1::BackupResponse> Backup(const std::string& name);
  [[nodiscard]] absl::Status DrainWorker(std::string_view worker_id);

  // Leases that ran out, campaigns that are done. To be called a few times a second.
  void Tick(absl::Time now);

  // OK, or why nothing can be taken now.
  [[nodiscard]] absl::Status Readiness() const { return committer_.Health(); }
  [[nodiscard]] Committer::Counts TakeCommitCounts() { return committer_.TakeCounts(); }

  // For metrics: counters since the start, by name and label.
  struct Totals {
    std::map<std::string, std::uint64_t> lease_outcomes;
    std::map<std::string, std::uint64_t> findings_by_state;
    std::uint64_t refused_count = 0;
    std::uint64_t run_count = 0;
    std::uint64_t input_count = 0;
    std::uint64_t worker_count = 0;
    std::uint64_t lease_count = 0;
    std::uint64_t store_bytes = 0;
  };
  [[nodiscard]] Totals GetTotals();

  // For tests.
  [[nodiscard]] std::vector<std::string> DescribeState();

 private:
  // How many contents of what sort, of one campaign's scenario: `inputs`, `findings`, and those of
  // them that are of one kind, `kind ` and its key.
  using Counts = std::map<std::array<std::string, 3>, std::size_t>;
  struct KeyedProgress {
    std::string key;
    ProgressRow row;
  };
  // What one Sync changes: rows for the disk, and words for the worker.
  struct Plan {
    StoreBatch batch;
    std::vector<v1::Settled> settled;
    std::vector<std::string> wanted;
    std::set<std::string> ended_leases;  // settled now, or with an answer that was lost
    std::set<std::string> open;          // hashes of contents that it offers, and we do not have
    std::set<std::string> claimed;
    std::map<std::pair<std::string, std::string>, KeyedProgress> progress;  // by scenario
    Counts counts;  // of what it adds
    // What is done once the rows are on disk, in this order, under the mutex. What cannot be stored comes
    // again and again: what counts, votes or tells before would do so each time.
    std::vector<std::function<void()>> then;

    void Put(std::string key, const google::protobuf::Message& row);
    void Settle(const std::string& what, v1::Settled::Verdict verdict, std::string words,
                std::string finding_id = {});
    // A line in the log, then.
    void Tell(LogLevel level, std::string_view event, LogFields fields);
  };
  // What came with one Sync, checked, and what it is about.
  struct Contents {
    std::vector<CheckedInput> inputs;
    std::vector<CheckedFinding> findings;
    std::map<std::string, Failure> stored;  // that results are about, by id
  };
  // How many features of a scenario a worker holds, by campaign and scenario.
  using FeatureCounts = std::map<std::pair<std::string, std::string>, std::uint32_t>;
  struct Sample {
    absl::Time at;
    double run_count;
  };

  Coordinator(std::unique_ptr<Store> store, Committer::WriteFn write);
  absl::Status Start(absl::Time now);
  // Adds up the rows of progress of each scenario.
  void PlanOneProgress(Plan& plan) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  // sync.cc
  absl::Status Admit(const v1::SyncRequest& request, const std::string& worker_id, absl::Time now,
                     bool& stale) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ids of the findings that its results are about.
  std::set<std::string> FindingsOfResults(const v1::SyncRequest& request,
                                          const std::string& worker_id) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The slow parts, without the lock: hashing and parsing what came, reading what it is about.
  Contents ReadContents(const v1::SyncRequest& request,
                        const std::set<std::string>& finding_ids) const;
  // Writes what came to the disk, and says to `response` what became of it.
  absl::Status Take(const v1::SyncRequest& request, const Contents& contents, WorkerRecord& worker,
                    absl::Time now, v1::SyncResponse& response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeDropped(const v1::SyncRequest& request, const WorkerRecord& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // sync_answer.cc
  void GrantLeases(const v1::SyncRequest& request, WorkerRecord& worker, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Answer(const v1::SyncRequest& request, const WorkerRecord& worker,
              v1::SyncResponse& response) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // What the worker is told of a lease that it does not know; nothing if its campaign or its
  // finding is gone.
  std::optional<v1::Lease> Describe(const std::string& id, const LeaseRecord& lease) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The features that a search begins with, but for those that the worker holds; how many bytes.
  // REQUIRES: the lease's scenario is there.
  std::size_t AddFeatureTail(const LeaseRecord& lease, FeatureCounts& held,
                             v1::SyncResponse& response) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Failures to minimize, as they were found. They come from the disk, so without the lock. The leases
  // of those that cannot be read are left out; why, by lease.
  std::map<std::string, std::string> FillFailures(v1::SyncResponse& response) const;
  // Takes these leases back: of each finding that was one attempt.
  void TakeUnreadable(const std::map<std::string, std::string>& unreadable,
                      const std::string& worker_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // sync_contents.cc
  // Contents of this sort that are on their way, or in `plan`.
  std::size_t OnTheWay(const CampaignState& campaign, const ScenarioState& scenario,
                       const std::string& sort, const Plan& plan) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The row of progress to which this Sync may add; nullptr if all of them are being written.
  ProgressRow* PlanProgress(const CampaignState& campaign, const ScenarioState& scenario,
                            Plan& plan) ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void PlanInput(const v1::Input& input, const CheckedInput& checked, const WorkerRecord& worker,
                 absl::Time now, Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Two workers of one model say different traces of `input`: both run it exactly.
  void Dispute(const CampaignState& campaign, const ScenarioState& scenario, const Input& input,
               const WorkerRecord& worker, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanFinding(const v1::FoundFailure& found, const CheckedFinding& checked,
                   const WorkerRecord& worker, absl::Time now, Plan& plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The rows of a finding that is taken.
  void PutFinding(const CampaignState& campaign, const ScenarioState& scenario,
                  const CheckedFinding& checked, const WorkerRecord& worker, absl::Time now,
                  Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // sync_results.cc
  void PlanResults(const v1::SyncRequest& request, WorkerRecord& worker,
                   const std::map<std::string, Failure>& stored, absl::Time now, Plan& plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanDone(const v1::LeaseResult& result, const LeaseRecord& lease, WorkerRecord& worker,
                const std::map<std::string, Failure>& stored, absl::Time now, Plan& plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanEngineFailed(const v1::LeaseResult& result, const LeaseRecord& lease,
                        const WorkerRecord& worker, Plan& plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False if that must wait.
  bool PlanRuns(const v1::LeaseResult& result, const LeaseRecord& lease, Plan& plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeFuzzDone(const v1::LeaseResult& result, const LeaseRecord& lease, WorkerRecord& worker,
                    absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanConfirmed(const v1::LeaseResult& result, const LeaseRecord& lease,
                     const WorkerRecord& worker, const std::map<std::string, Failure>& stored,
                     Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanMinimized(const v1::LeaseResult& result, const LeaseRecord& lease,
                     const WorkerRecord& worker, const std::map<std::string, Failure>& stored,
                     absl::Time now, Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanReplayed(const v1::LeaseResult& result, const LeaseRecord& lease,
                    const WorkerRecord& worker, Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A settled finding that this model could not run keeps its state.
  void PlanNotReplayed(const LeaseRecord& lease, const WorkerRecord& worker, bool is_final,
                       const std::string& words, Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanAttemptFailed(const LeaseRecord& lease, const std::string& words, Plan& plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanRefused(const v1::LeaseResult& result, const LeaseRecord& lease, WorkerRecord& worker,
                   absl::Time now, Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // sync_audits.cc
  void PlanAudited(const v1::LeaseResult& result, const LeaseRecord& lease,
                   const WorkerRecord& worker, absl::Time now, Plan& plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanQuarantine(const std::string& worker_id, const std::string& campaign_id,
                      const std::string& words, absl::Time now, Plan& plan)
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  // campaigns.cc
  v1::Campaign ToProto(const CampaignState& campaign, absl::Time now) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Runs a second of late, and the seconds that its budget will last, -1 if nobody can know.
  void SetPace(const CampaignState& campaign, absl::Time now, v1::Campaign& message) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Findings that wait for something, leases that are out, and scenarios that nobody has: up to a limit.
  void AddTasks(const CampaignState& campaign, absl::Time now, v1::Campaign& message) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AddFindingTasks(const CampaignState& campaign, absl::Time now, v1::Campaign& message) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AddLeaseTasks(const CampaignState& campaign, absl::Time now, v1::Campaign& message) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AddIdleTasks(const CampaignState& campaign, absl::Time now, v1::Campaign& message) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // UNAVAILABLE if something of it is on its way to the disk.
  absl::Status PlanDelete(const CampaignState& campaign, Plan& plan,
                          v1::DeleteCampaignResponse& dropped) ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  // admin.cc
  // Deletes campaigns that ended that long ago; their ids. With kYes it says only which.
  enum class DryRun { kNo, kYes };
  absl::StatusOr<std::set<std::string>> Forget(absl::Time ended_before, DryRun dry_run,
                                               v1::CompactResponse& response);

  // findings.cc
  v1::Finding ToProto(const FindingState& finding, std::string_view campaign_id) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  // coordinator.cc
  absl::StatusOr<std::string> CampaignId(std::string_view id_or_prefix) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> FindingId(std::string_view id_or_prefix) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool IsDone(const CampaignState& campaign, absl::Time now) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void CancelLeases(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // While all goes well, nothing else is told for hours.
  void TellProgress(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // For runs_per_second of each campaign that has not ended. `at`: as Leases keeps times.
  void TakeSamples(absl::Time at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Commits `plan` and takes its claims back. REQUIRES: mutex_ is held; it is not meanwhile.
  absl::Status Commit(Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellHealth(const absl::Status& committed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::unique_ptr<Store> store_;
  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_);
  Committer committer_;
  std::unique_ptr<Leases> leases_ ABSL_PT_GUARDED_BY(mutex_);
  Policy policy_ ABSL_GUARDED_BY(mutex_);
  // Or when there first was a chance to; as Leases keeps times.
  std::optional<absl::Time> progress_told_ ABSL_GUARDED_BY(mutex_);
  Audits audits_ ABSL_GUARDED_BY(mutex_);
  // Keys of rows on their way to the disk. Who would write one of them too comes back later.
  std::set<std::string> claimed_ ABSL_GUARDED_BY(mutex_);
  // Contents on their way to the disk, so that workers who submit at once keep to a limit together.
  Counts on_their_way_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::deque<Sample>> samples_ ABSL_GUARDED_BY(mutex_);  // by campaign
  Totals totals_ ABSL_GUARDED_BY(mutex_);
  bool commits_succeed_ ABSL_GUARDED_BY(mutex_) = true;  // as the log said last
  absl::Time started_;
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_COORDINATOR_H_
