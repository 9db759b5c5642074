#include "server/coordinator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "proto/printable.h"
#include "proto/rpc/log.h"
#include "proto/rpc/state_names.h"
#include "server/keys.h"
#include "server/progress.h"

namespace shootdown::server {
namespace {

// The window of runs_per_second.
constexpr absl::Duration kSampleWindow = absl::Seconds(10);
constexpr absl::Duration kTellProgressEvery = absl::Minutes(10);

// The one key of `map` that begins with `prefix`.
template <class Map>
absl::StatusOr<std::string> Fitting(const Map& map, std::string_view prefix, const char* what) {
  if (prefix.empty() || prefix.size() > 16 || !keys::IsHex(prefix, prefix.size())) {
    return absl::InvalidArgumentError(
        absl::StrFormat("id: \"%s\", wanted 1 to 16 hexadecimal digits", ForMessage(prefix)));
  }
  const auto first = map.lower_bound(std::string(prefix));
  if (first == map.end() || !first->first.starts_with(prefix)) {
    return absl::NotFoundError(absl::StrFormat("no %s \"%s\"", what, std::string(prefix)));
  }
  const auto second = std::next(first);
  if (first->first != prefix && second != map.end() && second->first.starts_with(prefix)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("id: \"%s\" fits several, wanted more digits", std::string(prefix)));
  }
  return first->first;
}

// One that drained has said so; any other is missing.
void TellGone(const WorkerRecord& worker, absl::Time now) {
  const bool drained = worker.job_count == 0;
  Log(drained ? LogLevel::kInfo : LogLevel::kWarning, drained ? "worker left" : "worker lost",
      {{"worker", worker.id},
       {"name", worker.name},
       {"silent_s", std::to_string(absl::ToInt64Seconds(now - worker.last_heard))}});
}

}  // namespace

void Coordinator::Plan::Put(std::string key, const google::protobuf::Message& row) {
  batch.service.push_back({.key = std::move(key), .value = row.SerializeAsString()});
}

void Coordinator::Plan::Settle(const std::string& what, v1::Settled::Verdict verdict,
                               std::string words, std::string finding_id) {
  v1::Settled& one = settled.emplace_back();
  one.set_what(what);
  one.set_verdict(verdict);
  one.set_words(std::move(words));
  one.set_finding_id(std::move(finding_id));
}

void Coordinator::Plan::Tell(LogLevel level, std::string_view event, LogFields fields) {
  KeptLine line{.level = level, .event = std::string(event), .fields = {}};
  for (const auto& [name, value] : fields) line.fields.emplace_back(name, value);
  then.emplace_back([line = std::move(line)] { Log(line); });
}

Coordinator::Coordinator(std::unique_ptr<Store> store, Committer::WriteFn write)
    : store_(std::move(store)), committer_(std::move(write), state_, mutex_) {}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(const std::string& data,
                                                               absl::Time now) {
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(data, OpenMode::kReadWrite);
  if (!store.ok()) return store.status();
  Store* const opened = store->get();
  return Open(
      *std::move(store), [opened](const StoreBatch& batch) { return opened->Commit(batch); }, now);
}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(std::unique_ptr<Store> store,
                                                               Committer::WriteFn write,
                                                               absl::Time now) {
  std::unique_ptr<Coordinator> coordinator(new Coordinator(std::move(store), std::move(write)));
  if (absl::Status started = coordinator->Start(now); !started.ok()) return started;
  return coordinator;
}

absl::Status Coordinator::Start(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status replayed = Committer::Replay(*store_, state_); !replayed.ok()) return replayed;
  EpochRow row;
  // Not only one more than the last: a folder that was restored knows nothing of the epochs after the
  // copy was made, and what was handed out in those must not be taken for ours.
  row.set_epoch(std::max(state_.epoch() + 1, static_cast<std::uint64_t>(absl::ToUnixSeconds(now))));
  row.set_start_count(state_.start_count() + 1);
  Plan plan;
  plan.Put(keys::Key(keys::kEpoch), row);
  PlanOneProgress(plan);
  if (absl::Status begun = Commit(plan); !begun.ok()) return begun;
  leases_ = std::make_unique<Leases>(state_.epoch(), state_.start_count());
  started_ = now;
  LogInfo("started", {{"epoch", std::to_string(state_.epoch())},
                      {"campaigns", std::to_string(state_.campaigns().size())},
                      {"findings", std::to_string(state_.findings().size())},
                      {"data", store_->path()}});
  return absl::OkStatus();
}

void Coordinator::PlanOneProgress(Plan& plan) const {
  for (const auto& [id, campaign] : state_.campaigns()) {
    for (const ScenarioState& scenario : campaign.scenarios) {
      if (scenario.progress.size() <= 1) continue;
      for (const auto& [part, row] : scenario.progress) {
        plan.batch.service.push_back(
            {.key = keys::Key(keys::kProgress, id, scenario.key, part), .value = std::nullopt});
      }
      plan.Put(keys::Key(keys::kProgress, id, scenario.key, ProgressPart(0)),
               scenario.ProgressInAll());
    }
  }
}

absl::StatusOr<std::string> Coordinator::CampaignId(std::string_view id_or_prefix) const {
  return Fitting(state_.campaigns(), id_or_prefix, "campaign");
}

absl::StatusOr<std::string> Coordinator::FindingId(std::string_view id_or_prefix) const {
  return Fitting(state_.findings(), id_or_prefix, "finding");
}

absl::Status Coordinator::Commit(Plan& plan) {
  for (ServiceChange& change : state_.TakeSuperfluous()) {
    plan.batch.service.push_back(std::move(change));
  }
  if (plan.batch.empty()) {
    for (const auto& then : plan.then) then();
    return absl::OkStatus();
  }
  const std::shared_ptr<Committer::Ticket> ticket = committer_.Enqueue(std::move(plan.batch));
  claimed_.insert(plan.claimed.begin(), plan.claimed.end());
  for (const auto& [what, count] : plan.counts) on_their_way_[what] += count;
  mutex_.Unlock();
  const absl::Status committed = committer_.Wait(*ticket);
  mutex_.Lock();
  for (const std::string& key : plan.claimed) claimed_.erase(key);
  for (const auto& [what, count] : plan.counts) {
    const auto of = on_their_way_.find(what);
    of->second -= count;
    if (of->second == 0) on_their_way_.erase(of);
  }
  TellHealth(committed);
  if (committed.ok()) {
    for (const auto& then : plan.then) then();
  }
  return committed;
}

// When it changes: with a full disk a thousand workers come again and again.
void Coordinator::TellHealth(const absl::Status& committed) {
  if (committed.ok() == commits_succeed_) return;
  commits_succeed_ = committed.ok();
  if (commits_succeed_) {
    LogInfo("commits succeed again");
  } else {
    LogError("commit failed: nothing is taken until one succeeds",
             {{"words", std::string(committed.message())}});
  }
}

bool Coordinator::IsDone(const CampaignState& campaign, absl::Time now) const {
  return std::ranges::all_of(campaign.scenarios, [&](const ScenarioState& scenario) {
    mutex_.AssertReaderHeld();
    return Policy::IsSpent(state_, campaign, scenario, now) &&
           leases_->LeasesOut(campaign.id, scenario.key) == 0 &&
           std::ranges::none_of(scenario.findings, [&](const auto& entry) {
             mutex_.AssertReaderHeld();
             return state_.open_findings().contains(entry.first);
           });
  });
}

// Leases whose campaign or scenario wants no more of them. The worker drops what is not listed.
void Coordinator::CancelLeases(absl::Time now) {
  const auto in_sync = [&](const LeaseRecord& lease) {
    mutex_.AssertHeld();
    const WorkerRecord* worker = leases_->FindWorker(lease.worker_id);
    return worker != nullptr && worker->in_sync;
  };
  (void)leases_->TakeIf([&](const LeaseRecord& lease) {
    mutex_.AssertHeld();
    const CampaignState* campaign = state_.FindCampaign(lease.campaign_id);
    if (in_sync(lease)) return false;
    return campaign == nullptr || campaign->state() == v1::CAMPAIGN_STATE_STOPPED;
  });
  // A budget that is spent is no reason to lose what was found with it.
  leases_->CancelIf([&](const LeaseRecord& lease) {
    mutex_.AssertHeld();
    if (lease.kind != TaskKind::kFuzz || in_sync(lease)) return false;
    const CampaignState* campaign = state_.FindCampaign(lease.campaign_id);
    return Policy::IsSpent(state_, *campaign, *campaign->Find(lease.scenario_key), now);
  });
}

void Coordinator::Tick(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const Leases::Expired expired = leases_->Expire(now);
  for (const LeaseRecord& lease : expired.leases) {
    ++totals_.lease_outcomes["expired"];
    LogWarning("lease expired", {{"lease", lease.id},
                                 {"kind", Name(lease.kind)},
                                 {"worker", lease.worker_id},
                                 {"campaign", lease.campaign_id},
                                 {"finding", lease.finding_id}});
  }
  for (const WorkerRecord& worker : expired.workers) TellGone(worker, leases_->TimeOf(now));
  audits_.Expire(leases_->TimeOf(now));
  policy_.LookAround(state_, *leases_, now);
  policy_.Tidy(state_);
  CancelLeases(now);

  TakeSamples(leases_->TimeOf(now));
  TellProgress(now);

  Plan plan;
  for (const auto& [id, campaign] : state_.campaigns()) {
    const std::string key = keys::Key(keys::kEnded, id);
    if (campaign.ended.has_value() || campaign.paused || claimed_.contains(key)) continue;
    if (!IsDone(campaign, now)) continue;
    EndedRow row;
    row.set_state(v1::CAMPAIGN_STATE_DONE);
    row.set_ended_us(absl::ToUnixMicros(now));
    plan.Put(key, row);
    plan.claimed.insert(key);
    plan.Tell(LogLevel::kInfo, "campaign done",
              {{"campaign", id}, {"name", campaign.row.spec().name()}});
  }
  (void)Commit(plan);  // it is logged, and the next tick tries again
}

void Coordinator::TellProgress(absl::Time now) {
  const absl::Time at = leases_->TimeOf(now);
  if (!progress_told_.has_value()) progress_told_ = at;
  if (at < *progress_told_ + kTellProgressEvery) return;
  progress_told_ = at;
  for (const auto& [id, campaign] : state_.campaigns()) {
    if (!campaign.IsRunning()) continue;
    const v1::Campaign shown = ToProto(campaign, now);
    std::uint64_t run_count = 0;
    std::uint64_t input_count = 0;
    std::uint64_t finding_count = 0;
    for (const v1::ScenarioProgress& scenario : shown.scenarios()) {
      run_count += scenario.run_count();
      input_count += scenario.input_count();
      finding_count += scenario.finding_count();
    }
    LogInfo("campaign running", {{"campaign", id},
                                 {"name", shown.spec().name()},
                                 {"workers", std::to_string(shown.worker_count())},
                                 {"runs", std::to_string(run_count)},
                                 {"runs_per_second", absl::StrFormat("%.0f", shown.runs_per_second())},
                                 {"inputs", std::to_string(input_count)},
                                 {"findings", std::to_string(finding_count)}});
  }
}

// A coordinator keeps thousands of campaigns that ended, and has thousands of leases out: it looks at
// each once.
void Coordinator::TakeSamples(absl::Time at) {
  std::map<std::string, double> runs_out;  // by campaign
  for (const auto& [id, lease] : leases_->leases()) {
    if (lease.kind == TaskKind::kFuzz) {
      runs_out[lease.campaign_id] += static_cast<double>(lease.run_count);
    }
  }
  for (const auto& [id, campaign] : state_.campaigns()) {
    if (campaign.ended.has_value()) continue;
    std::deque<Sample>& samples = samples_[id];
    if (!samples.empty() && samples.back().at + absl::Seconds(1) > at) continue;
    double run_count = runs_out[id];
    for (const ScenarioState& scenario : campaign.scenarios) {
      run_count += static_cast<double>(scenario.run_count);
    }
    samples.push_back({at, run_count});
    while (samples.size() > 2 && samples.front().at + kSampleWindow < at) samples.pop_front();
  }
  std::erase_if(samples_, [&](const auto& entry) {
    mutex_.AssertHeld();
    const CampaignState* const campaign = state_.FindCampaign(entry.first);
    return campaign == nullptr || campaign->ended.has_value();
  });
}

Coordinator::Totals Coordinator::GetTotals() {
  absl::MutexLock lock(&mutex_);
  Totals totals = totals_;
  for (const auto& [id, campaign] : state_.campaigns()) {
    for (const ScenarioState& scenario : campaign.scenarios) {
      totals.input_count += scenario.inputs.size();
    }
  }
  for (const auto& [id, finding] : state_.findings()) {
    ++totals.findings_by_state[StateName(finding.row.state())];
  }
  totals.worker_count = leases_->workers().size();
  totals.lease_count = leases_->leases().size();
  totals.store_bytes = store_->FileBytes();
  return totals;
}

std::vector<std::string> Coordinator::DescribeState() {
  absl::MutexLock lock(&mutex_);
  return state_.Describe();
}

}  // namespace shootdown::server
