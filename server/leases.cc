#include "server/leases.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"

namespace shootdown::server {
namespace {

// Less than this is what passes while a call waits for its turn.
constexpr absl::Duration kSetBackMin = absl::Seconds(1);

}  // namespace

const char* Name(TaskKind kind) {
  switch (kind) {
    case TaskKind::kFuzz:
      return "fuzz";
    case TaskKind::kConfirm:
      return "confirm";
    case TaskKind::kMinimize:
      return "minimize";
    case TaskKind::kReplay:
      return "replay";
    case TaskKind::kAudit:
      return "audit";
    case TaskKind::kTrace:
      return "trace";
  }
  SHOOTDOWN_UNREACHABLE("a task of no kind");
}

WorkerRecord* Leases::FindWorker(std::string_view id) {
  const auto found = workers_.find(std::string(id));
  return found == workers_.end() ? nullptr : &found->second;
}

WorkerRecord& Leases::AddWorker(const std::string& id) {
  WorkerRecord& worker = workers_[id];
  worker.id = id;
  return worker;
}

LeaseRecord* Leases::Find(std::string_view lease_id, std::string_view worker_id) {
  const auto found = leases_.find(std::string(lease_id));
  if (found == leases_.end() || found->second.worker_id != worker_id) return nullptr;
  return &found->second;
}

const LeaseRecord* Leases::ForFinding(const std::string& finding_id) const {
  const auto found = by_finding_.find(finding_id);
  return found == by_finding_.end() ? nullptr : &leases_.at(found->second);
}

absl::Time Leases::TimeOf(absl::Time now) const { return std::max(now + set_back_, latest_); }

LeaseRecord& Leases::Grant(LeaseRecord lease, WorkerRecord& worker, absl::Time now) {
  // L1: epochs are seconds, which come again after 8 years; and 2^36 leases of each.
  ++lease_count_;
  lease.id = absl::StrFormat("%07x%09x", epoch_ & 0xfffffff, lease_count_);
  lease.number = start_count_ << 40 | lease_count_;
  lease.worker_id = worker.id;
  lease.deadline = TimeOf(now) + kTtl;
  worker.leases.insert(lease.id);
  if (!lease.finding_id.empty()) by_finding_[lease.finding_id] = lease.id;
  Out& out = out_[{lease.campaign_id, lease.scenario_key}];
  ++out.lease_count;
  if (lease.kind == TaskKind::kFuzz) out.run_count += lease.fuzz.run_count();
  std::string id = lease.id;
  return leases_.emplace(std::move(id), std::move(lease)).first->second;
}

void Leases::Touch(WorkerRecord& worker, const std::set<std::string>& named, absl::Time now) {
  worker.last_heard = TimeOf(now);
  for (const std::string& id : worker.leases) {
    LeaseRecord& lease = leases_.at(id);
    const bool known = named.contains(id) || worker.sent.contains(id);
    if (known && !lease.cancelled) lease.deadline = TimeOf(now) + kTtl;
  }
}

LeaseRecord Leases::Take(const std::string& lease_id) {
  const auto found = leases_.find(lease_id);
  SHOOTDOWN_CHECK(found != leases_.end());
  LeaseRecord lease = std::move(found->second);
  leases_.erase(found);
  if (WorkerRecord* worker = FindWorker(lease.worker_id)) worker->leases.erase(lease_id);
  if (!lease.finding_id.empty()) by_finding_.erase(lease.finding_id);
  const auto out = out_.find({lease.campaign_id, lease.scenario_key});
  if (lease.kind == TaskKind::kFuzz) out->second.run_count -= lease.fuzz.run_count();
  if (--out->second.lease_count == 0) out_.erase(out);
  return lease;
}

Leases::Expired Leases::Expire(absl::Time now) {
  if (now + set_back_ + kSetBackMin < latest_) set_back_ = latest_ - now;
  latest_ = TimeOf(now);
  Expired expired{
      .leases = TakeIf([&](const LeaseRecord& lease) { return lease.deadline <= latest_; }),
      .workers = {}};
  std::erase_if(workers_, [&](const auto& entry) {
    const WorkerRecord& worker = entry.second;
    const bool gone =
        !worker.in_sync && worker.leases.empty() && worker.last_heard + kMemory <= latest_;
    if (gone) expired.workers.push_back(worker);
    return gone;
  });
  return expired;
}

std::uint64_t Leases::RunsOut(const std::string& campaign_id,
                              const std::string& scenario_key) const {
  const auto found = out_.find({campaign_id, scenario_key});
  return found == out_.end() ? 0 : found->second.run_count;
}

std::uint32_t Leases::LeasesOut(const std::string& campaign_id,
                                const std::string& scenario_key) const {
  const auto found = out_.find({campaign_id, scenario_key});
  return found == out_.end() ? 0 : found->second.lease_count;
}

}  // namespace shootdown::server
