// What a worker does next: confirm what was found, minimize it, run what another model showed
// again, repeat a share of the leases elsewhere, and else search, fairly over campaigns and
// scenarios.
//
// Nothing here is durable: after a restart the counters begin again, and the number of starts, which
// is part of every random seed, makes sure that no lease is the same as an old one.
#ifndef SHOOTDOWN_SERVER_POLICY_H_
#define SHOOTDOWN_SERVER_POLICY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/audits.h"
#include "server/leases.h"
#include "server/state.h"

namespace shootdown::server {

class Policy {
 public:
  // What a lease should take. To begin and to end one costs some 10 ms, and its first runs are slow,
  // so that a shorter one would lose more than a hundredth of an engine's time.
  static constexpr absl::Duration kLeaseWork = absl::Seconds(4);
  static constexpr std::uint64_t kFirstRunCount = 20'000;
  static constexpr std::uint64_t kRunCountMin = 1'000;
  static constexpr std::uint64_t kRunCountMax = 20'000'000;
  static constexpr std::size_t kSeedCountMax = 16;
  static constexpr std::uint32_t kAttemptCountMax = 3;
  static constexpr std::size_t kModelCountMax = 64;  // that are remembered
  // How long a worker that could confirm a finding may be away before its finder does it.
  static constexpr absl::Duration kPatience = absl::Seconds(6);
  // Engine failures in a row, with nothing done between them, before a scenario is given up.
  static constexpr std::uint32_t kScenarioFailuresMax = 10;

  // The next work of `worker`, without id; nothing if there is none for it.
  [[nodiscard]] std::optional<LeaseRecord> Next(const State& state, const Leases& leases,
                                                const Audits& audits, const WorkerRecord& worker,
                                                absl::Time now);

  // Why an open finding waits, for people; empty if `worker` may take it.
  [[nodiscard]] static std::string WhyNot(const State& state, const Leases& leases,
                                          const FindingState& finding, const WorkerRecord* worker,
                                          absl::Time now);

  // Whether nothing is left to be searched in this scenario.
  [[nodiscard]] static bool IsSpent(const State& state, const CampaignState& campaign,
                                    const ScenarioState& scenario, absl::Time now);

  // What a lease of this size took on one engine. A worker that has not run the scenario yet begins
  // with what another measured.
  void Measure(WorkerRecord& worker, const std::string& campaign_id,
               const std::string& scenario_key, std::uint64_t run_count, std::uint64_t busy_us);

  // Counts failures of the engine in a row.
  void EngineFailed(const std::string& campaign_id, const std::string& scenario_key);
  // Shall the scenario be given up if it fails once more?
  [[nodiscard]] bool IsLastAttempt(const std::string& campaign_id,
                                   const std::string& scenario_key) const;
  void EngineWorked(const std::string& campaign_id, const std::string& scenario_key);

  // Looks who is connected. To be called a few times a second.
  void LookAround(const State& state, const Leases& leases, absl::Time now);

  // Forgets campaigns that are gone. To be called now and then.
  void Tidy(const State& state);
  // Scenarios of campaigns that it remembers something of; for tests.
  [[nodiscard]] std::size_t scenario_count() const { return pace_.size(); }

 private:
  struct Pace {
    double granted_us = 0;          // of work, for fairness
    std::uint64_t lease_count = 0;  // for seeds
    std::uint32_t failure_count = 0;
    WorkerRecord::Speed speed;  // of the worker that was measured last
  };
  using ScenarioId = std::pair<std::string, std::string>;
  // What could be searched next: a scenario, and the runs that its budget leaves.
  struct Search {
    const CampaignState* campaign = nullptr;
    const ScenarioState* scenario = nullptr;  // none: nothing is left
    Pace* pace = nullptr;
    std::uint64_t runs_left = 0;
  };

  [[nodiscard]] std::optional<LeaseRecord> NextFinding(const State& state, const Leases& leases,
                                                       const WorkerRecord& worker,
                                                       absl::Time now) const;
  // Shall `model` run this settled finding?
  [[nodiscard]] bool IsJudge(const std::string& model, const FindingRow& row) const;
  // A settled finding of a scenario that is searched now, and that `model` shall run.
  std::optional<LeaseRecord> NextReplay(const State& state, const Leases& leases,
                                        const WorkerRecord& worker);
  // The scenario of `campaign` that has had least work so far.
  [[nodiscard]] Search NeediestOf(const State& state, const Leases& leases,
                                  const WorkerRecord& worker, const CampaignState& campaign,
                                  absl::Time now);
  // Of the campaign that has had least work so far, its scenario.
  std::optional<LeaseRecord> NextFuzz(const State& state, const Leases& leases,
                                      const WorkerRecord& worker, absl::Time now);

  std::map<ScenarioId, Pace> pace_;
  std::map<std::string, double> campaign_us_;  // of work that was granted, by campaign
  // By model version: State::replay_change() when it had nothing to run again.
  std::map<std::string, std::uint64_t> nothing_to_replay_;
  std::optional<absl::Time> first_look_;
  // Model versions of workers that are connected. Nothing at first: after a start all come back.
  std::optional<std::set<std::string>> models_;
};

// Up to Policy::kSeedCountMax schedules: half of those that alone have some feature, by lot; the
// youngest until it is three quarters; and the rest by lot. The same for the same inputs and
// number. It looks at a few inputs only, however many there are, since the coordinator's mutex is
// held.
[[nodiscard]] std::vector<std::string> ChooseSeeds(const ScenarioState& scenario,
                                                   std::uint64_t number);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_POLICY_H_
