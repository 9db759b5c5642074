// Who is connected, and what they work on. All of it is lost with the process, and that does no
// harm: a new epoch makes every old lease void, and workers say at each Sync what they have.
//
// Always holds:
//   L1  A lease's id is never used twice: it is made of the epoch and a counter.
//   L2  A lease has one worker, and is settled or expires once.
//
// Time is an argument, and no lock is in here. Times that are kept here never go back: when the clock
// is set back, what it lacks is added from then on (TimeOf). Else the lease of a worker that has
// vanished would last as much longer.
#ifndef SHOOTDOWN_SERVER_LEASES_H_
#define SHOOTDOWN_SERVER_LEASES_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "shootdown/v1/work.pb.h"

namespace shootdown::server {

enum class TaskKind { kFuzz, kConfirm, kMinimize, kReplay, kAudit, kTrace };
[[nodiscard]] const char* Name(TaskKind kind);

struct LeaseRecord {
  std::string id = {};
  std::string worker_id = {};
  std::string campaign_id = {};
  std::string scenario_key = {};
  TaskKind kind = TaskKind::kFuzz;
  v1::FuzzWork fuzz = {};          // kFuzz, kAudit
  std::string finding_id = {};     // kConfirm, kMinimize, kReplay
  std::string model_version = {};  // kReplay: of the worker when it was given the lease
  std::string schedule_text = {};  // kTrace
  std::uint64_t audit_number = 0;  // kAudit, kTrace
  std::uint64_t number = 0;        // of all leases of all starts, this one's
  absl::Time deadline = {};
  std::uint64_t run_count = 0;  // so far, as the worker last said
  // The worker shall drop it: its work is not wanted any more. It is out until the worker has handed
  // in what it found under it, or its deadline, which nothing puts off any more.
  bool cancelled = false;
};

struct WorkerRecord {
  std::string id;
  std::string name;
  std::string model_version;
  std::uint32_t job_count = 0;
  std::uint64_t sequence = 0;
  absl::Time last_heard;
  bool in_sync = false;  // one Sync of a worker at a time
  bool draining = false;
  std::set<std::string> leases;
  std::set<std::string> sent;  // leases that were in the last answer, which may have been lost
  // Leases whose end was settled with the last answer, which may have been lost.
  std::set<std::string> settled;
  std::set<std::string> refused;         // keys of scenarios that it cannot run
  // What leases of a scenario took on one engine. Each halves what those before it count, so a long
  // one says more than a short one, which is mostly beginning.
  struct Speed {
    double run_count = 0;
    double busy_us = 0;
  };
  std::map<std::string, Speed> speeds;   // by scenario key
  double tokens = 0;                     // of the rate limit
  absl::Time tokens_at;
};

class Leases {
 public:
  // Longer than any Sync interval, and than the worker's longest pause to back off.
  static constexpr absl::Duration kTtl = absl::Seconds(30);
  // How long a silent worker is remembered.
  static constexpr absl::Duration kMemory = absl::Seconds(60);

  // `start_count`: how often the coordinator was started on this folder.
  Leases(std::uint64_t epoch, std::uint64_t start_count)
      : epoch_(epoch), start_count_(start_count) {}

  [[nodiscard]] const std::map<std::string, WorkerRecord>& workers() const { return workers_; }
  [[nodiscard]] WorkerRecord* FindWorker(std::string_view id);
  WorkerRecord& AddWorker(const std::string& id);

  [[nodiscard]] const std::map<std::string, LeaseRecord>& leases() const { return leases_; }
  // The lease, if `worker_id` has it; else nothing.
  [[nodiscard]] LeaseRecord* Find(std::string_view lease_id, std::string_view worker_id);
  // The lease about this finding, if there is one.
  [[nodiscard]] const LeaseRecord* ForFinding(const std::string& finding_id) const;

  // `now` as times are kept here.
  [[nodiscard]] absl::Time TimeOf(absl::Time now) const;

  // Gives `lease` its id, its number, its worker and its deadline.
  LeaseRecord& Grant(LeaseRecord lease, WorkerRecord& worker, absl::Time now);
  // The worker was heard of, and named these leases. They run anew, and so do those that the last
  // answer had, but for cancelled ones. One that it cannot know of runs out.
  void Touch(WorkerRecord& worker, const std::set<std::string>& named, absl::Time now);
  LeaseRecord Take(const std::string& lease_id);
  // Ends every lease that `is_over` says is over.
  template <class Predicate>
  std::vector<LeaseRecord> TakeIf(Predicate is_over) {
    std::vector<std::string> ids;
    for (const auto& [id, lease] : leases_) {
      if (is_over(lease)) ids.push_back(id);
    }
    std::vector<LeaseRecord> taken;
    taken.reserve(ids.size());
    for (const std::string& id : ids) taken.push_back(Take(id));
    return taken;
  }
  // Cancels every lease that `is_unwanted` says is not wanted any more.
  template <class Predicate>
  void CancelIf(Predicate is_unwanted) {
    for (auto& [id, lease] : leases_) {
      if (!lease.cancelled && is_unwanted(lease)) lease.cancelled = true;
    }
  }
  struct Expired {
    std::vector<LeaseRecord> leases;    // whose time is over
    std::vector<WorkerRecord> workers;  // that were silent for long, and are forgotten
  };
  // To be called a few times a second, by one caller: this is where a clock that was set back is noticed.
  Expired Expire(absl::Time now);

  // Runs that are leased out now.
  [[nodiscard]] std::uint64_t RunsOut(const std::string& campaign_id,
                                      const std::string& scenario_key) const;
  // Leases of this scenario that are out.
  [[nodiscard]] std::uint32_t LeasesOut(const std::string& campaign_id,
                                        const std::string& scenario_key) const;

  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t start_count() const { return start_count_; }

 private:
  struct Out {
    std::uint64_t run_count = 0;
    std::uint32_t lease_count = 0;
  };

  const std::uint64_t epoch_;
  const std::uint64_t start_count_;
  absl::Time latest_ = absl::InfinitePast();
  absl::Duration set_back_ = absl::ZeroDuration();  // the clock, since the start, in all
  std::uint64_t lease_count_ = 0;
  std::map<std::string, WorkerRecord> workers_;
  std::map<std::string, LeaseRecord> leases_;
  std::map<std::string, std::string> by_finding_;
  std::map<std::pair<std::string, std::string>, Out> out_;
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_LEASES_H_
