// All that the coordinator knows and must not forget: campaigns with their progress and inputs, and
// findings. What is lost with the process (leases, who is connected) is in server/leases.h.
//
// A change is a row (server/rows.proto) under its key (server/keys.h), or the deletion of one.
// State learns from nothing else: Apply() reads the very bytes that were written to disk, at
// start-up and live, so both give the same state.
//
// Always holds:
//   V1  Apply() is deterministic, and a row that is applied again changes nothing.
//   V2  Of each feature, the input that owns it is the least by (bytes, hash) of all inputs that ever
//       had it. An input that owns none is dropped, and its row is in TakeSuperfluous(). So what is
//       kept does not depend on the order in which inputs came.
//   V3  A scenario's feature list only grows.
//
// No lock, no clock, no disk.
#ifndef SHOOTDOWN_SERVER_STATE_H_
#define SHOOTDOWN_SERVER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "fuzz/store/store.h"
#include "server/rows.pb.h"

namespace shootdown::server {

// What only the committer may do; see State::Apply.
class ApplyKey {
 private:
  friend class Committer;
  ApplyKey() = default;
};

struct Input {
  std::string hash;
  InputRow row;
  std::uint32_t owned_count = 0;
  std::uint32_t sole_count = 0;  // of features that no other input has
};

// One scenario of one campaign.
struct ScenarioState {
  struct Feature {
    const Input* owner = nullptr;
    std::uint32_t hit_count = 0;  // inputs that have it, of those that are held
  };

  std::string key;
  std::string name;
  std::string expected;
  std::string text;

  std::map<std::string, Input> inputs = {};  // by hash
  // Indexes of `inputs`, so that seeds are chosen without looking at all of them.
  std::map<std::string, const Input*> sole_inputs = {};  // whose sole_count is not 0, by hash
  std::set<std::pair<std::int64_t, std::string>> inputs_by_age = {};  // youngest first, hash
  std::vector<std::uint32_t> feature_list = {};                       // V3
  absl::flat_hash_map<std::uint32_t, Feature> features = {};
  std::map<std::string, ProgressRow> progress = {};  // by part
  std::map<std::string, FoundRow> findings = {};     // by id
  std::map<std::string, std::uint32_t> findings_by_kind = {};  // how many of them, by kind key
  std::string refused = {};
  std::uint64_t input_bytes = 0;
  std::uint64_t run_count = 0;  // the sum over `progress`

  // All parts of it in one.
  [[nodiscard]] ProgressRow ProgressInAll() const;
  [[nodiscard]] std::uint32_t FindingsOfKind(const std::string& kind_key) const;
  // Whether an input of these features would own one.
  [[nodiscard]] bool IsWanted(std::string_view hash, std::size_t bytes,
                              std::span<const std::uint32_t> of_run) const;
};

struct CampaignState {
  std::string id;
  CampaignRow row = {};
  std::optional<EndedRow> ended = {};
  bool paused = false;
  std::vector<ScenarioState> scenarios = {};  // as in the spec

  [[nodiscard]] v1::CampaignState state() const;
  [[nodiscard]] bool IsRunning() const { return state() == v1::CAMPAIGN_STATE_RUNNING; }
  // Its findings are confirmed and minimized: also those that come when it is done, from a worker
  // that was away.
  [[nodiscard]] bool SettlesFindings() const {
    return IsRunning() || state() == v1::CAMPAIGN_STATE_DONE;
  }
  [[nodiscard]] ScenarioState* Find(std::string_view scenario_key);
  [[nodiscard]] const ScenarioState* Find(std::string_view scenario_key) const;
};

struct FindingState {
  std::string id;
  FindingRow row;
  std::set<std::string> campaigns;  // that found it; it ends with the last of them
  std::uint64_t change = 0;         // grows with every change of any finding

  // Something is still to be done with it.
  [[nodiscard]] bool IsOpen() const;
  // It was minimized once, and says something about the model that it was last run on.
  [[nodiscard]] bool IsSettled() const;
};

class State {
 public:
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // DATA_LOSS: no row of ours.
  [[nodiscard]] absl::Status Apply(ApplyKey key, const ServiceChange& change);

  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t start_count() const { return start_count_; }
  [[nodiscard]] const std::map<std::string, CampaignState>& campaigns() const { return campaigns_; }
  [[nodiscard]] const CampaignState* FindCampaign(std::string_view id) const;
  [[nodiscard]] const std::map<std::string, FindingState>& findings() const { return findings_; }
  [[nodiscard]] const FindingState* FindFinding(std::string_view id) const;
  [[nodiscard]] const std::set<std::string>& open_findings() const { return open_; }
  // Findings that are settled, by the model version of their last run.
  [[nodiscard]] const std::map<std::string, std::set<std::string>>& settled_findings() const {
    return settled_;
  }
  [[nodiscard]] const std::map<std::string, WorkerRow>& workers() const { return workers_; }
  // Grows with every change of a finding, or of what campaigns there are and whether they run.
  [[nodiscard]] std::uint64_t replay_change() const { return replay_change_; }

  // What Offer.hash is of this campaign already. A finding's id, if it is one.
  struct Known {
    std::string finding_id;
  };
  [[nodiscard]] std::optional<Known> FindOffer(std::string_view hash) const;

  // The finding that stands for all of its scenario and signature: the first of them that was
  // minimized, of those that `campaign_id` found (empty: of all). Empty if none was.
  [[nodiscard]] std::string GroupOf(const FindingState& finding, const std::string& campaign_id) const;

  // Ids of findings by their last change, those after `change` first.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& changes() const { return changes_; }

  // Rows that mean nothing any more: of inputs that own no feature, of campaigns that are gone.
  // They are deleted with the next commit; if that is not reached, the next start drops them again.
  [[nodiscard]] std::vector<ServiceChange> TakeSuperfluous();

  // Everything in words that compare; for tests and --fsck.
  [[nodiscard]] std::vector<std::string> Describe() const;

 private:
  using Parts = std::vector<std::string>;

  absl::Status ApplyCampaign(const Parts& key, const std::string* value);
  absl::Status ApplyEnded(CampaignState& campaign, const std::string* value);
  absl::Status ApplyPaused(CampaignState& campaign, const std::string* value);
  absl::Status ApplyProgress(ScenarioState& scenario, const std::string& part,
                             const std::string* value);
  absl::Status ApplyRefused(ScenarioState& scenario, const std::string* value);
  absl::Status ApplyInput(CampaignState& campaign, ScenarioState& scenario, const std::string& hash,
                          const std::string* value);
  absl::Status ApplyFinding(const std::string& id, const std::string* value);
  absl::Status ApplyFound(CampaignState& campaign, const std::string& id, const std::string* value);
  absl::Status ApplyWorker(const std::string& id, const std::string* value);

  void RemoveCampaign(const std::string& id);
  void RemoveInput(ScenarioState& scenario, const std::string& hash);
  // Counts `finding` in every scenario that holds it, or counts it no more.
  enum class Count { kMore, kLess };
  void CountKind(const FindingState& finding, Count count);
  static void CountKind(ScenarioState& scenario, const std::string& kind_key, Count count);
  static void AddSole(ScenarioState& scenario, Input& input);
  static void TakeSole(ScenarioState& scenario, Input& input);
  void Touch(FindingState& finding);
  // Takes a finding out of the groups, and of those that are settled.
  void ForgetGroup(const FindingState& finding);

  std::uint64_t epoch_ = 0;
  std::uint64_t start_count_ = 0;
  std::map<std::string, CampaignState> campaigns_;
  std::map<std::string, FindingState> findings_;
  std::map<std::string, WorkerRow> workers_;
  std::set<std::string> open_;
  std::map<std::string, std::set<std::string>> settled_;
  std::uint64_t replay_change_ = 0;
  absl::flat_hash_map<std::string, Known> offers_;
  // By scenario and signature: when each of them was minimized, and its id.
  using GroupKey = std::pair<std::string, std::string>;
  static GroupKey GroupKeyOf(const FindingState& finding);
  std::map<GroupKey, std::set<std::pair<std::int64_t, std::string>>> groups_;
  std::map<std::uint64_t, std::string> changes_;
  std::uint64_t last_change_ = 0;
  std::vector<std::string> superfluous_;
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_STATE_H_
