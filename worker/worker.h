// The worker's loop, without its waiting: what it holds, what it has to say, what it does next.
//
// Always holds:
//   W1  Everything that an engine brings in is in the journal before anybody hears of it, and is
//       offered until it is settled, and never after.
//   W2  A message states facts: all that is held, all that is not settled (up to the limits of
//       work.proto). So losing one, or sending it twice, changes nothing.
//   W3  An engine never waits for the network: while the coordinator is away, held leases are
//       finished, and then engines go on from the last lease of each campaign, under no lease.
//   W4  How a lease ended is told no earlier than all that was found under it. So the coordinator can
//       wait for it, and does not end the campaign before.
//
// Time is an argument, and the network is not here, so tests need neither.
#ifndef SHOOTDOWN_WORKER_WORKER_H_
#define SHOOTDOWN_WORKER_WORKER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fuzz/base/prng.h"
#include "shootdown/v1/work.pb.h"
#include "worker/backoff.h"
#include "worker/coordinator_client.h"
#include "worker/engine.h"
#include "worker/journal.h"

namespace shootdown {

class Worker {
 public:
  struct Options {
    std::string name;
    std::string model_version;
    // Between two messages, however much there is to say.
    absl::Duration sync_interval_min = absl::Milliseconds(100);
    // Without an answer for so long, the coordinator is away.
    absl::Duration away_after = absl::Seconds(5);
    // A drain ends after this even if not all is settled; what is left waits in the journal.
    absl::Duration drain_max = absl::Seconds(30);
  };

  // `journal` and `engines` outlive the worker.
  Worker(Options options, Journal& journal, std::vector<Engine*> engines, Prng prng);

  // Takes in what engines brought, and gives them work. To be called when an engine has something to
  // say, and a few times a second.
  void Step(absl::Time now);

  // When the next message is due; InfiniteFuture while one is on its way.
  [[nodiscard]] absl::Time NextSync() const;
  // Marks a message as being on its way. REQUIRES: none is.
  [[nodiscard]] v1::SyncRequest MakeRequest(absl::Time now);
  // What became of it.
  void TakeOutcome(const SyncOutcome& outcome, absl::Time now);

  // Finish what must be finished, hand it in, give leases back, and be done.
  void Drain(absl::Time now);
  [[nodiscard]] bool done(absl::Time now) const;

 private:
  using ScenarioId = std::pair<std::string, std::string>;  // campaign, scenario key
  struct FeatureList {
    std::vector<std::uint32_t> features;
    std::uint64_t last_use = 0;
  };
  struct Running {
    v1::Lease lease;      // of an away search: without id
    bool dropped = false; // cut short: the coordinator does not want it any more, or has other work
  };
  struct AwayState {
    v1::Lease lease;  // the last fuzz lease of the campaign
    std::uint64_t search_count = 0;
    std::vector<std::uint32_t> own_features;
    std::map<std::string, int> findings_by_kind;
  };

  void TakeHarvest(std::size_t engine, Harvest harvest);
  void Write(Harvest harvest, absl::Time now);
  void TellDiskFails(const absl::Status& why);
  static void TakeAway(AwayState& away, Harvest& harvest);
  void StartLeases(absl::Time now);
  void StartAway(std::size_t engine);
  void Run(std::size_t engine, v1::Lease lease, std::span<const std::uint32_t> known);
  [[nodiscard]] bool Startable(const v1::Lease& lease) const;
  void TakeResponse(const v1::SyncResponse& response, absl::Time now);
  void TakeSettled(const v1::SyncResponse& response);
  void TakeFeatures(const v1::FeatureTail& tail);
  void TakeLeases(const v1::SyncResponse& response, absl::Time now);
  [[nodiscard]] bool Away(absl::Time now) const;
  [[nodiscard]] bool Has(const std::string& lease_id) const;
  void GiveBack(const v1::Lease& lease, absl::Time now);
  void AddHeld(v1::SyncRequest& request) const;
  static void AddHeld(const std::string& id, std::uint64_t epoch, std::uint64_t run_count,
                      v1::SyncRequest& request);
  void AddUnsettled(v1::SyncRequest& request);
  void Forget(const std::string& what, const absl::Status& why);

  const Options options_;
  Journal& journal_;
  const std::vector<Engine*> engines_;
  Backoff backoff_;

  std::deque<v1::Lease> waiting_;
  std::vector<std::optional<Running>> running_;  // by engine
  std::deque<Harvest> unwritten_;
  bool disk_fails_ = false;  // the journal could not be written, and was not since
  bool disk_fails_told_ = false;
  absl::Time next_write_ = absl::InfinitePast();
  std::map<ScenarioId, FeatureList> features_;
  std::map<std::string, AwayState> away_;        // by campaign
  std::string last_away_;                        // the campaign that had the last away search
  std::uint64_t use_count_ = 0;

  std::uint64_t epoch_ = 0;
  std::uint64_t sequence_ = 0;
  std::set<std::string> wanted_;
  bool on_its_way_ = false;
  bool has_news_ = true;
  absl::Time last_sync_ = absl::InfinitePast();
  absl::Time next_sync_ = absl::InfinitePast();
  absl::Time not_before_ = absl::InfinitePast();  // the coordinator, or our backoff, said so
  std::optional<absl::Time> failing_since_;
  std::optional<absl::Time> drain_since_;
  bool drain_is_known_ = false;  // the coordinator has heard of it
  bool drain_in_request_ = false;
  std::set<std::string> told_kinds_;  // of findings, in the log
  std::uint64_t dropped_told_ = 0;  // of the journal's dropped inputs, how many were logged
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_WORKER_H_
