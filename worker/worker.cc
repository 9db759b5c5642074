#include "worker/worker.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "fuzz/base/hash.h"
#include "fuzz/corpus/failure.h"
#include "proto/convert.h"
#include "proto/rpc/log.h"
#include "worker/lease_process.h"

namespace shootdown {
namespace {

// Limits of SyncRequest (work.proto).
constexpr int kResultCountMax = 64;
constexpr int kOfferCountMax = 1024;
constexpr std::size_t kContentBytesMax = std::size_t{3} << 20;
// What is kept in memory, whatever a coordinator sends.
constexpr std::size_t kFeatureListCountMax = 256;
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
    TakeAway(away_[running->lease.campaign_id()], harvest);
  } else if (ended) {
    const v1::LeaseResult& result = *harvest.result;
    const bool failed = result.outcome() == v1::LeaseResult::OUTCOME_ENGINE_FAILED ||
                        result.outcome() == v1::LeaseResult::OUTCOME_REFUSED;
    Log(failed ? LogLevel::kWarning : LogLevel::kDebug, EventOf(result.outcome()),
        {{"campaign", result.campaign_id()},
         {"lease", result.lease_id()},
         {"runs", std::to_string(result.run_count())},
         {"inputs", std::to_string(harvest.inputs.size())},
         {"words", result.words()}});
    if (running.has_value() && running->dropped) harvest.result.reset();
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
    LogError("the journal cannot be written, so no new lease is begun", {{"words", Words(written)}});
    unwritten_.push_back(std::move(harvest));
    next_write_ = now + kWriteAgainAfter;
    disk_fails_ = true;
    return;
  }
  disk_fails_ = false;
  has_news_ = true;
  if (const std::uint64_t dropped = journal_.dropped_input_count(); dropped != dropped_told_) {
    LogWarning("the journal is full", {{"inputs_dropped", std::to_string(dropped)}});
    dropped_told_ = dropped;
  }
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

void Worker::AddHeld(v1::SyncRequest& request) const {
  const auto add = [&request](const std::string& id, std::uint64_t epoch, std::uint64_t runs) {
    v1::LeaseHeld& held = *request.add_held();
    held.set_lease_id(id);
    held.set_epoch(epoch);
    held.set_run_count(runs);
  };
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    const std::optional<Running>& running = running_[e];
    if (!running.has_value() || running->dropped || running->lease.id().empty()) continue;
    add(running->lease.id(), running->lease.epoch(), engines_[e]->run_count());
  }
  for (const v1::Lease& lease : waiting_) add(lease.id(), lease.epoch(), 0);
  for (const Harvest& harvest : unwritten_) {
    if (!harvest.result.has_value()) continue;
    add(harvest.result->lease_id(), harvest.result->epoch(), harvest.result->run_count());
  }
}

void Worker::AddUnsettled(v1::SyncRequest& request) {
  std::size_t bytes = 0;
  // One of them goes in any case, so that nothing is too large to be sent at all.
  const auto fits = [&bytes](std::size_t more) {
    if (bytes != 0 && bytes + more > kContentBytesMax) return false;
    bytes += more;
    return true;
  };
  const std::set<std::string, std::less<>> results = journal_.results();
  for (const std::string& id : results) {
    if (request.results_size() == kResultCountMax) break;
    absl::StatusOr<v1::LeaseResult> result = journal_.ReadResult(id);
    if (!result.ok()) {
      Forget(id, result.status());
    } else if (fits(result->ByteSizeLong())) {
      *request.add_results() = *std::move(result);
    }
  }
  std::set<std::string> sent;
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
    sent.insert(hash);
  }
  for (const Journal::Contents* const contents : {&journal_.findings(), &journal_.inputs()}) {
    for (const auto& [hash, size] : *contents) {
      if (request.offers_size() == kOfferCountMax) return;
      if (!sent.contains(hash)) request.add_offers()->set_hash(hash);
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
  if (absl::Status s = journal_.Settle({settled}); !s.ok()) {
    LogError("the journal cannot be written", {{"words", Words(s)}});
  }
}

// ------------------------------------------------------------------------------------ what is heard

void Worker::TakeOutcome(const SyncOutcome& outcome, absl::Time now) {
  on_its_way_ = false;
  if (!outcome.response.ok()) {
    not_before_ = now + backoff_.Next(outcome.retry_after);
    has_news_ = true;  // whatever was in that message
    if (!failing_since_.has_value()) {  // it is named once, not at every attempt
      failing_since_ = now;
      LogWarning("the coordinator does not answer, going on without it",
                 {{"words", Words(outcome.response.status())}});
    }
    return;
  }
  if (failing_since_.has_value()) {
    LogInfo("the coordinator answers");
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
  if (!written.ok()) LogError("the journal cannot be written", {{"words", Words(written)}});
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
