// A thousand workers on one coordinator: real gRPC on sockets, engines that only pretend.
//
//   service_load ADDRESS --failure FILE [--workers N] [--seconds S]
//
// Each worker syncs as a real one does: it hands in what its leases came to, says what it holds, and
// waits as long as it is told. FILE is a failure file; the load makes new findings of it, by giving
// each another schedule. The coordinator runs a campaign of that failure's scenario.
// Prints one JSON object: how long a Sync takes, leases done and lost, findings settled.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/base/prng.h"
#include "fuzz/corpus/behaviour_sample.h"
#include "fuzz/corpus/failure.h"
#include "fuzz/schedule/schedule.h"
#include "proto/convert.h"
#include "proto/failure_file.h"
#include "proto/rpc/client_channel.h"
#include "shootdown/v1/work.grpc.pb.h"

namespace shootdown {
namespace {

using Clock = std::chrono::steady_clock;

struct Load {
  std::string address;
  int worker_count = 1000;
  int second_count = 60;
  std::string failure_file;
  std::uint32_t findings_per_thousand = 50;  // of leases done
};

// What all workers counted.
struct Totals {
  std::mutex mutex;
  std::vector<double> sync_ms;
  std::uint64_t leases_done = 0;
  std::uint64_t leases_settled = 0;
  std::uint64_t leases_refused = 0;  // settled as not needed: lost
  std::uint64_t findings_offered = 0;
  std::uint64_t findings_accepted = 0;
  // When the first and the last of them were settled.
  std::optional<Clock::time_point> first_accepted = {};
  Clock::time_point last_accepted = {};
  std::map<std::string, std::uint64_t> errors;
};

class SimulatedWorker {
 public:
  SimulatedWorker(int number, const Load& load, const Failure& failure, Totals& totals)
      : load_(load), failure_(failure), totals_(totals), prng_(static_cast<std::uint64_t>(number)) {
    key_ = absl::StrFormat("%032x", number + 1);
    name_ = absl::StrFormat("simulated-%d", number);
  }

  // When the next Sync is due.
  [[nodiscard]] Clock::time_point due() const { return due_; }
  void DueAt(Clock::time_point due) { due_ = due; }

  void Sync(v1::Work::Stub& stub, Clock::time_point now) {
    v1::SyncRequest request = Request(now);
    v1::SyncResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const Clock::time_point start = Clock::now();
    const grpc::Status status = stub.Sync(&context, request, &response);
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    const std::lock_guard lock(totals_.mutex);
    totals_.sync_ms.push_back(took.count());
    if (!status.ok()) {
      ++totals_.errors[absl::StrFormat("%d %s", static_cast<int>(status.error_code()),
                                       status.error_message())];
      due_ = Clock::now() + std::chrono::seconds(1);
      return;
    }
    Take(response, Clock::now());
  }

 private:
  struct Held {
    v1::Lease lease;
    Clock::time_point ends;
  };

  v1::SyncRequest Request(Clock::time_point now) {
    v1::SyncRequest request;
    request.set_worker_key(key_);
    request.set_worker_name(name_);
    request.set_sequence(static_cast<std::uint64_t>(
                             std::chrono::system_clock::now().time_since_epoch().count()));
    request.set_epoch(epoch_);
    request.set_model_version("simulated");
    request.set_job_count(1);
    for (auto it = held_.begin(); it != held_.end();) {
      if (it->second.ends <= now) {
        End(it->second.lease);
        it = held_.erase(it);
      } else {
        auto* const held = request.add_held();
        held->set_lease_id(it->first);
        held->set_epoch(it->second.lease.epoch());
        ++it;
      }
    }
    for (const auto& [id, result] : results_) *request.add_results() = result;
    for (const auto& [hash, found] : unsettled_) {
      if (wanted_.contains(hash)) {
        *request.add_findings() = found;
      } else {
        request.add_offers()->set_hash(hash);
      }
    }
    return request;
  }

  // What an engine would have made of it.
  void End(const v1::Lease& lease) {
    v1::LeaseResult result;
    result.set_lease_id(lease.id());
    result.set_epoch(lease.epoch());
    result.set_campaign_id(lease.campaign_id());
    result.set_outcome(v1::LeaseResult::OUTCOME_DONE);
    if (lease.has_fuzz()) {
      result.set_run_count(lease.fuzz().run_count());
      result.set_busy_us(3'000'000);
      // As many different behaviours as runs: a full sample, of which the coordinator keeps a part.
      BehaviourSample sample;
      for (std::uint64_t run = 0; run < lease.fuzz().run_count(); ++run) {
        sample.Add((prng_.Next() & ~BehaviourSample::kTimesMask) | 1);
        if (sample.entries().size() == BehaviourSample::kSizeMax) break;
      }
      result.mutable_behaviours()->Add(sample.entries().begin(), sample.entries().end());
      if (prng_.Below(1000) < load_.findings_per_thousand) Find(lease, result);
    } else if (lease.has_replay()) {
      *result.mutable_replayed() = ToProto(failure_);
    } else {
      *result.mutable_minimized() = lease.minimize().failure();
      result.mutable_minimized()->set_minimized(true);
    }
    results_[lease.id()] = std::move(result);
    const std::lock_guard lock(totals_.mutex);
    ++totals_.leases_done;
  }

  void Find(const v1::Lease& lease, v1::LeaseResult& result) {
    v1::FoundFailure found;
    found.set_campaign_id(lease.campaign_id());
    found.set_scenario_key(lease.scenario_key());
    Failure failure = failure_;
    // A step that no other finding names: another schedule, so another id.
    failure.found_schedule_text =
        absl::StrFormat("T%d@%d>C%d %s", prng_.Below(60), prng_.Below(60'000), prng_.Below(2),
                        failure.found_schedule_text);
    failure.schedule_text = failure.found_schedule_text;
    // As a search finds it, not as it was minimized.
    failure.scenario_text = FoundScenarioText(failure);
    failure.found_scenario_text.clear();
    failure.scenario_proof.clear();
    failure.minimality = Minimality::kUnknown;
    failure.minimality_runs = 0;
    failure.minimized = false;
    failure.anchors.resize(Schedule::Parse(failure.schedule_text)->size(), failure.anchors.front());
    // Of many kinds, of which the coordinator keeps a few each.
    failure.kind_key += absl::StrFormat("|%d", prng_.Below(100'000));
    failure.proof.clear();
    *found.mutable_failure() = ToProto(failure);
    const std::string hash = ToHex(HashBytes(found.SerializeAsString()));
    result.add_content_hashes(hash);
    unsettled_[hash] = std::move(found);
    const std::lock_guard lock(totals_.mutex);
    ++totals_.findings_offered;
  }

  // REQUIRES: totals_.mutex is held.
  void Take(const v1::SyncResponse& response, Clock::time_point now) {
    if (epoch_ != response.epoch()) held_.clear();
    epoch_ = response.epoch();
    wanted_ = {response.wanted().begin(), response.wanted().end()};
    for (const v1::Settled& settled : response.settled()) {
      const bool good = settled.verdict() == v1::Settled::VERDICT_ACCEPTED ||
                        settled.verdict() == v1::Settled::VERDICT_KNOWN;
      if (results_.erase(settled.what()) != 0) {
        ++(good ? totals_.leases_settled : totals_.leases_refused);
        if (!good) ++totals_.errors["lease: " + settled.words()];
      } else if (unsettled_.erase(settled.what()) != 0) {
        if (good) {
          ++totals_.findings_accepted;
          if (!totals_.first_accepted.has_value()) totals_.first_accepted = now;
          totals_.last_accepted = std::max(totals_.last_accepted, now);
        }
        if (!good) ++totals_.errors["finding: " + settled.words()];
      }
    }
    for (const v1::Lease& lease : response.leases()) {
      if (held_.contains(lease.id()) || results_.contains(lease.id())) continue;
      // A little shorter than leases are, so there are more of them.
      const auto work = std::chrono::milliseconds(
          lease.has_fuzz() ? 2500 + prng_.Below(1000) : 20 + prng_.Below(50));
      held_[lease.id()] = {.lease = lease, .ends = now + work};
    }
    due_ = now + std::chrono::milliseconds(response.next_sync_ms() * 3 / 4 +
                                           prng_.Below(response.next_sync_ms() / 2 + 1));
    for (const auto& [id, held] : held_) due_ = std::min(due_, held.ends);
    if (!wanted_.empty()) due_ = now;
  }

  const Load& load_;
  const Failure& failure_;
  Totals& totals_;
  Prng prng_;
  std::string key_;
  std::string name_;
  std::uint64_t epoch_ = 0;
  Clock::time_point due_;
  std::map<std::string, Held> held_;
  std::map<std::string, v1::LeaseResult> results_;
  std::map<std::string, v1::FoundFailure> unsettled_;
  std::set<std::string> wanted_;
};

// Workers by when they are due; threads take the next one, as many Syncs may be on their way.
class Crowd {
 public:
  Crowd(std::vector<SimulatedWorker>& workers, Clock::time_point end) : end_(end) {
    for (SimulatedWorker& w : workers) due_.push(&w);
  }

  void Serve(v1::Work::Stub& stub) {
    for (;;) {
      SimulatedWorker* worker = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (!due_.empty() && due_.top()->due() <= Clock::now()) {
          worker = due_.top();
          due_.pop();
        }
      }
      if (Clock::now() >= end_) return;
      if (worker == nullptr) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      worker->Sync(stub, Clock::now());
      const std::lock_guard lock(mutex_);
      due_.push(worker);
    }
  }

 private:
  struct Later {
    bool operator()(const SimulatedWorker* a, const SimulatedWorker* b) const {
      return a->due() > b->due();
    }
  };
  std::mutex mutex_;
  std::priority_queue<SimulatedWorker*, std::vector<SimulatedWorker*>, Later> due_;
  Clock::time_point end_;
};

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

int Run(const Load& load) {
  const absl::StatusOr<Failure> failure = ReadFailureFile(load.failure_file);
  const absl::StatusOr<Address> address = ParseAddress(load.address);
  for (const absl::Status& status : {failure.status(), address.status()}) {
    if (status.ok()) continue;
    std::fprintf(stderr, "service_load: %s\n", std::string(status.message()).c_str());
    return 2;
  }
  Totals totals;
  std::vector<SimulatedWorker> workers;
  workers.reserve(static_cast<std::size_t>(load.worker_count));
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < load.worker_count; ++i) {
    workers.emplace_back(i, load, *failure, totals);
    // They come over two seconds, as a cluster is started.
    workers.back().DueAt(start + std::chrono::milliseconds(2000 * i / load.worker_count));
  }
  Crowd crowd(workers, start + std::chrono::seconds(load.second_count));
  std::vector<std::thread> threads;
  constexpr int kThreadCount = 16;
  for (int i = 0; i < kThreadCount; ++i) {
    threads.emplace_back([&] {
      // A channel of its own is a connection of its own.
      const auto channel = Connect(*address, {}, Insecure::kNo);
      v1::Work::Stub stub(*channel);
      crowd.Serve(stub);
    });
  }
  for (std::thread& t : threads) t.join();
  const std::chrono::duration<double> accepting =
      totals.last_accepted - totals.first_accepted.value_or(totals.last_accepted);
  const nlohmann::ordered_json report = {
      {"workers", load.worker_count},
      {"seconds", load.second_count},
      {"syncs", totals.sync_ms.size()},
      {"sync_ms_median", Percentile(totals.sync_ms, 0.5)},
      {"sync_ms_p99", Percentile(totals.sync_ms, 0.99)},
      {"sync_ms_max", Percentile(totals.sync_ms, 1)},
      {"leases_done", totals.leases_done},
      {"leases_settled", totals.leases_settled},
      {"leases_lost", totals.leases_refused},
      {"findings_offered", totals.findings_offered},
      {"findings_accepted", totals.findings_accepted},
      {"findings_seconds", accepting.count()},
      {"errors", totals.errors}};
  std::printf("%s\n", report.dump(2).c_str());
  return 0;
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  shootdown::Load load;
  CLI::App app("A thousand simulated workers on one coordinator.");
  app.add_option("ADDRESS", load.address)->required();
  app.add_option("--workers", load.worker_count)->check(CLI::Range(1, 100'000));
  app.add_option("--seconds", load.second_count)->check(CLI::Range(1, 100'000));
  app.add_option("--failure", load.failure_file, "a failure file")->required();
  app.add_option("--findings-per-thousand", load.findings_per_thousand, "of leases done");
  CLI11_PARSE(app, argc, argv);
  return shootdown::Run(load);
}
