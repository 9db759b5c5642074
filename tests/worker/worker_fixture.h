// A worker with engines and a coordinator that do what the test says.
#ifndef SHOOTDOWN_TESTS_WORKER_WORKER_FIXTURE_H_
#define SHOOTDOWN_TESTS_WORKER_WORKER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/base/prng.h"
#include "tests/support/scratch_folder.h"
#include "tests/worker/fake_coordinator.h"
#include "worker/lease_process.h"
#include "worker/worker.h"

namespace shootdown::testing {

inline const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);
inline constexpr char kCampaign[] = "00000000000000c1";
inline constexpr char kScenario[] = "0123456789abcdef0123456789abcdef";

// Ends its lease when the test says so.
class FakeEngine : public Engine {
 public:
  bool Ready(absl::Time /*now*/) override { return !lease_.has_value(); }
  void Start(const v1::Lease& lease, std::span<const std::uint32_t> known) override {
    lease_ = lease;
    known_.assign(known.begin(), known.end());
    started_.push_back(lease);
  }
  void Cancel() override {
    if (lease_.has_value()) End(v1::LeaseResult::OUTCOME_RETURNED);
  }
  Harvest Take(absl::Time /*now*/) override { return std::exchange(harvest_, Harvest()); }
  std::uint64_t run_count() const override { return 0; }

  // Its hash.
  std::string Find(std::string_view what) {
    v1::FoundFailure found;
    found.set_campaign_id(kCampaign);
    found.set_scenario_key(kScenario);
    found.mutable_failure()->set_found_schedule_text(std::string(what));
    found.mutable_failure()->set_kind_key("kind");
    harvest_.findings.push_back(found);
    return ContentHash(found.SerializeAsString());
  }
  void Learn(std::uint32_t feature) {
    v1::Input input;
    input.set_campaign_id(kCampaign);
    input.set_scenario_key(kScenario);
    input.set_schedule(std::to_string(feature));
    input.add_features(feature);
    harvest_.inputs.push_back(input);
  }
  void End(v1::LeaseResult::Outcome outcome = v1::LeaseResult::OUTCOME_DONE) {
    harvest_.result = ResultOf(*lease_, outcome);
    harvest_.result->set_run_count(lease_->fuzz().run_count());
    lease_.reset();
  }
  // In the result of the lease that has just ended.
  void NameContents(const std::vector<std::string>& hashes) {
    harvest_.result->mutable_content_hashes()->Add(hashes.begin(), hashes.end());
  }

  [[nodiscard]] const std::optional<v1::Lease>& lease() const { return lease_; }
  [[nodiscard]] const std::vector<std::uint32_t>& known() const { return known_; }
  [[nodiscard]] const std::vector<v1::Lease>& started() const { return started_; }

 private:
  std::optional<v1::Lease> lease_;
  std::vector<std::uint32_t> known_;
  std::vector<v1::Lease> started_;
  Harvest harvest_;
};

inline v1::Lease Pattern() {
  v1::Lease lease;
  lease.set_campaign_id(kCampaign);
  lease.set_scenario_key(kScenario);
  lease.mutable_fuzz()->set_run_count(100);
  return lease;
}

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() { Begin(); }

  // Also after a worker's death: all that is left of it is its folder.
  void Begin() {
    worker_.reset();
    journal_.reset();
    engines_ = {FakeEngine(), FakeEngine()};
    absl::StatusOr<std::unique_ptr<Journal>> journal = Journal::Open(folder_ / "state", {});
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    journal_ = *std::move(journal);
    worker_ = std::make_unique<Worker>(
        Worker::Options{.name = "w", .model_version = "m"}, *journal_,
        std::vector<Engine*>{&engines_[0], &engines_[1]}, Prng(1));
  }

  // One exchange, if one is due.
  void SyncIfDue() {
    worker_->Step(now_);
    if (worker_->NextSync() > now_) return;
    last_request_ = worker_->MakeRequest(now_);
    worker_->TakeOutcome({.response = coordinator_.Sync(last_request_)}, now_);
  }
  void FailSync() {
    worker_->Step(now_);
    (void)worker_->MakeRequest(now_);
    worker_->TakeOutcome({.response = absl::UnavailableError("gone")}, now_);
  }
  void Pass(absl::Duration time) {
    for (absl::Time end = now_ + time; now_ < end; now_ += absl::Milliseconds(50)) SyncIfDue();
  }

  ScratchFolder folder_;
  absl::Time now_ = kStart;
  FakeCoordinator coordinator_{Pattern()};
  std::vector<FakeEngine> engines_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Worker> worker_;
  v1::SyncRequest last_request_;
};

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_WORKER_WORKER_FIXTURE_H_
