// What the tests of the coordinator share: a worker's messages, and a coordinator in a scratch
// folder.
#ifndef SHOOTDOWN_TESTS_SERVER_SERVER_TESTING_H_
#define SHOOTDOWN_TESTS_SERVER_SERVER_TESTING_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fuzz/base/check.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/store/store.h"
#include "proto/convert.h"
#include "proto/scenario_text.h"
#include "server/coordinator.h"
#include "tests/support/scratch_folder.h"

namespace shootdown::server {

inline const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);
inline const std::string kTraceHash(32, 'a');

inline std::string ScenarioText(const std::string& name = "race") {
  const auto scenario =
      ParseScenario("name: \"" + name +
                        "\"\nsummary: \"s\"\nmachine { cpus: 2 }\n"
                        "task { name: \"a\" op: \"mmap A\" }\nexpect { clean: true }\n",
                    "test");
  SHOOTDOWN_CHECK(scenario.ok());
  return PrintScenario(*scenario);
}

inline std::string ScheduleBytes(const std::string& text) {
  const auto schedule = Schedule::Parse(text);
  SHOOTDOWN_CHECK(schedule.ok());
  const std::vector<std::uint8_t> bytes = schedule->Canonical().Encode();
  return {bytes.begin(), bytes.end()};
}

inline Failure FoundFailure(int n, const std::string& scenario_text) {
  Failure failure;
  failure.scenario_name = "race";
  failure.scenario_text = scenario_text;
  failure.schedule_text = "T0@" + std::to_string(n) + ">C1";
  failure.found_schedule_text = failure.schedule_text;
  failure.anchors = {{.site = "a", .occurrence = 0}};
  failure.check = "stale_tlb_use";
  failure.kind_key = "k";
  failure.signature = std::string(32, '1');
  failure.trace_hash = kTraceHash;
  failure.trace = {{.text = "T0 load", .hash = 1}, {.text = "T1 store", .hash = 2}};
  return failure;
}

inline Failure MinimizedFailure(Failure failure) {
  failure.minimized = true;
  failure.proof = {{.without = failure.schedule_text, .verdict = "clean"}};
  return failure;
}

inline v1::Input InputMessage(const std::string& campaign, const std::string& schedule,
                              const std::vector<std::uint32_t>& features) {
  v1::Input input;
  input.set_campaign_id(campaign);
  input.set_scenario_key(ScenarioKey(ScenarioText()));
  input.set_schedule(ScheduleBytes(schedule));
  for (const std::uint32_t feature : features) input.add_features(feature);
  input.set_trace_hash(kTraceHash);
  return input;
}

inline v1::FoundFailure FoundMessage(const std::string& campaign, int n) {
  v1::FoundFailure found;
  found.set_campaign_id(campaign);
  found.set_scenario_key(ScenarioKey(ScenarioText()));
  *found.mutable_failure() = ToProto(FoundFailure(n, ScenarioText()));
  return found;
}

// A worker that says what the test tells it to.
class FakeWorker {
 public:
  FakeWorker(Coordinator& coordinator, char digit, std::uint32_t job_count = 1,
             const std::string& model_version = "m1")
      : coordinator_(coordinator) {
    message_.set_worker_key(std::string(32, digit));
    message_.set_worker_name(std::string("w") + digit);
    message_.set_model_version(model_version);
    message_.set_job_count(job_count);
  }
  // The next message, for the test to fill.
  v1::SyncRequest Next() {
    v1::SyncRequest request = message_;
    request.set_sequence(++sequence_);
    request.set_epoch(epoch_);
    for (const std::string& id : held_) {
      v1::LeaseHeld& held = *request.add_held();
      held.set_lease_id(id);
      held.set_epoch(epoch_);
    }
    return request;
  }
  v1::SyncResponse Send(const v1::SyncRequest& request, absl::Time now) {
    const auto response = coordinator_.Sync(request, "", now);
    SHOOTDOWN_CHECK(response.ok());
    epoch_ = response->epoch();
    held_.clear();
    for (const v1::Lease& lease : response->leases()) held_.push_back(lease.id());
    return *response;
  }
  v1::SyncResponse Poll(absl::Time now) { return Send(Next(), now); }
  // Says that a lease is done.
  v1::SyncRequest Done(const v1::Lease& lease) {
    std::erase(held_, lease.id());
    v1::SyncRequest request = Next();
    v1::LeaseResult& result = *request.add_results();
    result.set_lease_id(lease.id());
    result.set_epoch(epoch_);
    result.set_campaign_id(lease.campaign_id());
    result.set_outcome(v1::LeaseResult::OUTCOME_DONE);
    result.set_run_count(lease.fuzz().run_count());
    result.set_busy_us(lease.fuzz().run_count() * 10);
    return request;
  }
  [[nodiscard]] std::string id() const { return PublicWorkerId(message_.worker_key(), ""); }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

 private:
  Coordinator& coordinator_;
  v1::SyncRequest message_;
  std::uint64_t sequence_ = 0;
  std::uint64_t epoch_ = 0;
  std::vector<std::string> held_;
};

// A coordinator whose disk can be told to fail, and which can be started again.
class CoordinatorFixture {
 public:
  CoordinatorFixture() { Start(); }

  void Start(absl::Time now = kNoon) {
    coordinator_.reset();
    auto store = Store::Open(folder_ / "data", OpenMode::kReadWrite);
    SHOOTDOWN_CHECK(store.ok());
    Store* const disk = store->get();
    auto opened = Coordinator::Open(
        *std::move(store),
        [this, disk](const StoreBatch& batch) {
          if (before_write_) before_write_();
          return full_.ok() ? disk->Commit(batch) : full_;
        },
        now);
    SHOOTDOWN_CHECK(opened.ok());
    coordinator_ = *std::move(opened);
  }
  // The folder is free for others then.
  void Stop() { coordinator_.reset(); }
  [[nodiscard]] std::string data() const { return folder_ / "data"; }
  void FillDisk(absl::Status status) { full_ = std::move(status); }
  // Called by whoever writes. REQUIRES: nobody writes now.
  void BeforeWrite(std::function<void()> before_write) { before_write_ = std::move(before_write); }
  Coordinator& operator*() { return *coordinator_; }
  Coordinator* operator->() { return coordinator_.get(); }

  // A campaign of one scenario; its id.
  std::string Create(std::uint64_t run_count = 100'000, const std::string& request_id = "r",
                     bool stop_at_first = false) {
    v1::CreateCampaignRequest request;
    request.set_request_id(request_id);
    request.mutable_spec()->set_name("test");
    request.mutable_spec()->add_scenarios()->set_text(ScenarioText());
    request.mutable_spec()->mutable_budget()->set_run_count(run_count);
    request.mutable_spec()->set_seed(7);
    request.mutable_spec()->set_stop_at_first_finding(stop_at_first);
    const auto campaign = coordinator_->CreateCampaign(request, kNoon);
    SHOOTDOWN_CHECK(campaign.ok());
    return campaign->id();
  }

 private:
  ScratchFolder folder_;
  absl::Status full_;
  std::function<void()> before_write_;
  std::unique_ptr<Coordinator> coordinator_;
};

inline v1::Campaign Show(CoordinatorFixture& coordinator, const std::string& campaign) {
  const auto shown = coordinator->GetCampaign(campaign, Coordinator::Tasks::kNo, kNoon);
  SHOOTDOWN_CHECK(shown.ok());
  return *shown;
}

inline v1::FindingState StateOf(Coordinator& coordinator, const std::string& id) {
  const auto finding = coordinator.GetFinding(id);
  SHOOTDOWN_CHECK(finding.ok());
  return finding->state();
}

// A worker reports failure number `n`; the finding's id.
inline std::string Report(FakeWorker& worker, const std::string& campaign, int n, absl::Time now) {
  v1::SyncRequest request = worker.Next();
  *request.add_findings() = FoundMessage(campaign, n);
  const v1::SyncResponse response = worker.Send(request, now);
  SHOOTDOWN_CHECK(response.settled_size() == 1);
  SHOOTDOWN_CHECK(response.settled(0).verdict() == v1::Settled::VERDICT_ACCEPTED);
  return response.settled(0).finding_id();
}

// While what the first one says is on its way to the disk, what the second one says is looked at. The answer
// to that. REQUIRES: the second one hands a lease back, whose end tells that it was if nothing of it waits.
inline v1::SyncResponse SendAtOnce(CoordinatorFixture& coordinator, FakeWorker& first,
                                   const v1::SyncRequest& of_first, FakeWorker& second,
                                   const v1::SyncRequest& of_second) {
  std::thread late;
  std::atomic<bool> is_first = true;
  v1::SyncResponse answer;
  coordinator.BeforeWrite([&] {
    if (!is_first.exchange(false)) return;
    late = std::thread([&] { answer = second.Send(of_second, kNoon); });
    while (coordinator->GetTotals().lease_outcomes["returned"] == 0 &&
           coordinator->TakeCommitCounts().waiting_count == 0) {
      std::this_thread::yield();
    }
  });
  (void)first.Send(of_first, kNoon);
  late.join();
  coordinator.BeforeWrite(nullptr);  // what it holds is gone
  return answer;
}

// The answer's lease of that kind; null if there is none.
inline const v1::Lease* Wanted(const v1::SyncResponse& response, v1::Lease::WorkCase work) {
  for (const v1::Lease& lease : response.leases()) {
    if (lease.work_case() == work) return &lease;
  }
  return nullptr;
}

}  // namespace shootdown::server

#endif  // SHOOTDOWN_TESTS_SERVER_SERVER_TESTING_H_
