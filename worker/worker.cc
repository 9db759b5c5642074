#include "worker/worker.h"

#include <algorithm>
#include <utility>

#include "fuzz/base/hash.h"
#include "fuzz/corpus/failure.h"
#include "proto/convert.h"
#include "proto/rpc/engine_input.h"
#include "proto/rpc/log.h"
#include "worker/lease_process.h"

namespace shootdown {
namespace {

// What is kept in memory, whatever a coordinator sends.
constexpr std::size_t kAwayCampaignCountMax = 64;
constexpr std::size_t kToldKindCountMax = 4096;
constexpr int kAwayFindingsOfOneKindMax = 16;
constexpr absl::Duration kWriteAgainAfter = absl::Seconds(1);

std::string Words(const absl::Status& status) { return std::string(status.message()); }

const char* EventOf(v1::LeaseResult::Outcome outcome) {
  switch (outcome) {
    case v1::LeaseResult::OUTCOME_DONE: return "lease done";
    case v1::LeaseResult::OUTCOME_RETURNED: return "lease given back";
    case v1::LeaseResult::OUTCOME_REFUSED: return "lease cannot be run";
    default: return "engine failed";
  }
}

}  // namespace

Worker::Worker(Options options, Journal& journal, std::vector<Engine*> engines, Prng prng)
    : options_(std::move(options)),
      journal_(journal),
      engines_(std::move(engines)),
      backoff_({}, prng),
      running_(engines_.size()) {}

// ------------------------------------------------------------------------------------- the engines

void Worker::Step(absl::Time now) {
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    Harvest harvest = engines_[e]->Take(now);
    if (!harvest.empty()) TakeHarvest(e, std::move(harvest));
  }
  // Before the disk has what they brought, so that no engine waits for it.
  StartLeases(now);
  while (!unwritten_.empty() && now >= next_write_) {
    Harvest harvest = std::move(unwritten_.front());
    unwritten_.pop_front();
    Write(std::move(harvest), now);
  }
}

void Worker::TakeHarvest(std::size_t engine, Harvest harvest) {
  std::optional<Running>& running = running_[engine];
  const bool ended = harvest.result.has_value();
  for (const v1::FoundFailure& found : harvest.findings) {
    // A search finds one bug many times.
    const bool is_new = told_kinds_.insert(found.scenario_key() + found.failure().kind_key()).second;
    Log(is_new ? LogLevel::kInfo : LogLevel::kDebug, "finding",
        {{"campaign", found.campaign_id()},
         {"lease", running.has_value() ? running->lease.id() : std::string()},
         {"finding", FailureId(FromProto(found.failure()))},
         {"words", found.failure().message()}});
    if (told_kinds_.size() > kToldKindCountMax) told_kinds_.clear();
  }
  if (running.has_value() && running->lease.id().empty()) {
    const auto away = away_.find(running->lease.campaign_id());
    AwayState forgotten;  // another campaign has its place
    TakeAway(away == away_.end() ? forgotten : away->second, harvest);
  } else if (ended) {
    const v1::LeaseResult& result = *harvest.result;
    const bool failed = result.outcome() == v1::LeaseResult::OUTCOME_ENGINE_FAILED ||
                        result.outcome() == v1::LeaseResult::OUTCOME_REFUSED;
    Log(failed ? LogLevel::kWarning : LogLevel::kDebug, EventOf(result.outcome()),
        {{"campaign", result.campaign_id()},
         {"lease", result.lease_id()},
         {"runs", std::to_string(result.run_count())},
         {"inputs", std::to_string(harvest.inputs.size())},
         {"schedule", EngineInputText(result)},
         {"words", result.words()}});
  }
  if (ended) running.reset();
  if (!harvest.empty()) unwritten_.push_back(std::move(harvest));
}

// Nobody counts the runs of such a search, and nobody limits its findings but we.
void Worker::TakeAway(AwayState& away, Harvest& harvest) {
  harvest.result.reset();
  for (const v1::Input& input : harvest.inputs) {
    away.own_features.insert(away.own_features.end(), input.features().begin(),
                             input.features().end());
  }
  std::ranges::sort(away.own_features);
  const auto repeats = std::ranges::unique(away.own_features);
  away.own_features.erase(repeats.begin(), repeats.end());
  std::erase_if(harvest.findings, [&away](const v1::FoundFailure& found) {
    const std::string kind = found.scenario_key() + found.failure().kind_key();
    return ++away.findings_by_kind[kind] > kAwayFindingsOfOneKindMax;
  });
}

void Worker::Write(Harvest harvest, absl::Time now) {
  const absl::Status written = journal_.Add(harvest);
  if (!written.ok()) {
    TellDiskFails(written);
    unwritten_.push_back(std::move(harvest));
    next_write_ = now + kWriteAgainAfter;
    disk_fails_ = true;
    return;
  }
  disk_fails_ = false;
  if (disk_fails_told_) LogInfo("the journal can be written again");
  disk_fails_told_ = false;
  has_news_ = true;
  if (const std::uint64_t dropped = journal_.dropped_input_count(); dropped != dropped_told_) {
    LogWarning("the journal is full", {{"inputs_dropped", std::to_string(dropped)}});
    dropped_told_ = dropped;
  }
}

// Once, although it is tried again every second: the log may be on the very disk that is full.
void Worker::TellDiskFails(const absl::Status& why) {
  if (disk_fails_told_) return;
  disk_fails_told_ = true;
  LogError("the journal cannot be written, so no new lease is begun", {{"words", Words(why)}});
}

bool Worker::Startable(const v1::Lease& lease) const {
  if (!lease.has_fuzz() || lease.fuzz().known_feature_count() == 0) return true;
  const auto list = features_.find({lease.campaign_id(), lease.scenario_key()});
  return list != features_.end() &&
         list->second.features.size() >= lease.fuzz().known_feature_count();
}

void Worker::StartLeases(absl::Time now) {
  if (disk_fails_ || drain_since_.has_value()) return;
  const auto next_lease = [this] {
    return std::ranges::find_if(waiting_, [this](const v1::Lease& l) { return Startable(l); });
  };
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    if (running_[e].has_value() || !engines_[e]->Ready(now)) continue;
    const auto next = next_lease();
    if (next == waiting_.end()) {
      if (Away(now)) StartAway(e);
      continue;
    }
    v1::Lease lease = std::move(*next);
    waiting_.erase(next);
    std::span<const std::uint32_t> known;
    if (lease.has_fuzz()) {
      FeatureList& list = features_[{lease.campaign_id(), lease.scenario_key()}];
      list.last_use = ++use_count_;
      known = std::span(list.features).first(lease.fuzz().known_feature_count());
      AwayState& away = away_[lease.campaign_id()];
      away.lease = lease;
      if (away_.size() > kAwayCampaignCountMax) {
        away_.erase(away_.begin()->first == lease.campaign_id() ? std::next(away_.begin())
                                                                : away_.begin());
      }
    }
    Run(e, std::move(lease), known);
  }
  // Real work first.
  if (next_lease() == waiting_.end()) return;
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    auto& running = running_[e];
    if (running.has_value() && running->lease.id().empty() && !running->dropped) {
      running->dropped = true;
      engines_[e]->Cancel();
    }
  }
}

void Worker::StartAway(std::size_t engine) {
  if (away_.empty()) return;
  auto next = away_.upper_bound(last_away_);
  if (next == away_.end()) next = away_.begin();
  last_away_ = next->first;
  AwayState& away = next->second;
  v1::Lease lease = away.lease;
  lease.clear_id();
  v1::FuzzWork& work = *lease.mutable_fuzz();
  work.set_random_seed(Combine(work.random_seed(), ++away.search_count));
  std::vector<std::uint32_t> known = away.own_features;
  const auto list = features_.find({lease.campaign_id(), lease.scenario_key()});
  if (list != features_.end()) {
    known.insert(known.end(), list->second.features.begin(), list->second.features.end());
  }
  Run(engine, std::move(lease), known);
}

void Worker::Run(std::size_t engine, v1::Lease lease, std::span<const std::uint32_t> known) {
  engines_[engine]->Start(lease, known);
  running_[engine] = Running{.lease = std::move(lease)};
}

bool Worker::Away(absl::Time now) const {
  return failing_since_.has_value() && now - *failing_since_ >= options_.away_after;
}

// ------------------------------------------------------------------------------------------ the end

void Worker::GiveBack(const v1::Lease& lease, absl::Time now) {
  Harvest harvest;
  harvest.result = ResultOf(lease, v1::LeaseResult::OUTCOME_RETURNED);
  Write(std::move(harvest), now);
}

void Worker::Drain(absl::Time now) {
  if (drain_since_.has_value()) return;
  drain_since_ = now;
  has_news_ = true;
  for (const v1::Lease& lease : waiting_) GiveBack(lease, now);
  waiting_.clear();
  // Confirming and minimizing are short, and somebody waits for them.
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    const auto& running = running_[e];
    if (running.has_value() && running->lease.has_fuzz()) engines_[e]->Cancel();
  }
}

bool Worker::done(absl::Time now) const {
  if (!drain_since_.has_value()) return false;
  const absl::Duration draining = now - *drain_since_;
  if (draining >= options_.drain_max) return true;
  const bool idle = unwritten_.empty() && std::ranges::none_of(running_, [](const auto& running) {
    return running.has_value();
  });
  if (!idle) return false;
  if (failing_since_.has_value() && draining >= options_.away_after) return true;
  return drain_is_known_ && !on_its_way_ && journal_.results().empty() &&
         journal_.findings().empty() && journal_.inputs().empty();
}

}  // namespace shootdown
