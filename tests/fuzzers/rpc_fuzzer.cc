// Every RPC of the four services, in any order, as the gRPC skin hands it on: any bytes as its
// message, and messages that are almost right, from workers that lie, repeat themselves and change
// their model. Whatever comes: one line of words, no budget exceeded, no answer that is too large,
// and what is on disk gives the state that was in memory.
#include <fuzzer/FuzzedDataProvider.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "server/limits.h"
#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

// A store is opened for so many inputs, and once more to compare it with what was in memory.
constexpr int kInputsOfAWorld = 16;
constexpr std::uint64_t kBudget = 100'000;
constexpr int kCallCountMax = 64;  // of one input

void CheckWords(const absl::Status& status) {
  if (status.ok()) return;
  SHOOTDOWN_CHECK(!status.message().empty());
  SHOOTDOWN_CHECK(status.message().find('\n') == std::string::npos);
  SHOOTDOWN_CHECK(status.code() != absl::StatusCode::kInternal);
  SHOOTDOWN_CHECK(status.code() != absl::StatusCode::kUnknown);
}

// As it was, with some bytes changed, or any bytes at all. False if these are no such message.
template <class Message>
bool Mutate(FuzzedDataProvider& data, Message& message) {
  const auto how = data.ConsumeIntegralInRange<int>(0, 15);
  if (how >= 3) return true;
  std::string bytes = message.SerializeAsString();
  if (how == 0 || bytes.empty()) {
    bytes = data.ConsumeRandomLengthString(512);
  } else {
    for (int i = 0; i <= how; ++i) {
      bytes[data.ConsumeIntegralInRange<std::size_t>(0, bytes.size() - 1)] =
          data.ConsumeIntegral<char>();
    }
  }
  return message.ParseFromString(bytes);
}

class World {
 public:
  World() { Start(); }
  ~World() { Compare(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void Run(FuzzedDataProvider& data) {
    for (int i = 0; i < kCallCountMax && data.remaining_bytes() > 0; ++i) {
      now_ += absl::Milliseconds(data.ConsumeIntegralInRange<int>(0, 2000));
      const auto which = data.ConsumeIntegralInRange<int>(0, 31);
      if (which < 16) Sync(data);
      if (which >= 16 && which < 19) CreateCampaign(data);
      if (which >= 19 && which < 22) AskForCampaigns(data);
      if (which >= 22 && which < 25) AskForFindings(data);
      if (which >= 25 && which < 28) ChangeCampaign(data);
      if (which == 28) Administer(data);
      if (which >= 29) {
        if (which == 31) now_ += absl::Seconds(35);  // leases run out
        coordinator_->Tick(now_);
      }
    }
    const auto listed = coordinator_->ListCampaigns({}, now_);
    SHOOTDOWN_CHECK(listed.ok());
    for (const v1::Campaign& campaign : listed->campaigns()) {
      for (const v1::ScenarioProgress& scenario : campaign.scenarios()) {
        const std::uint64_t budget = campaign.spec().budget().run_count();
        SHOOTDOWN_CHECK(budget == 0 || scenario.run_count() <= budget);
      }
    }
  }

 private:
  struct Client {
    std::uint64_t sequence = 0;
    std::uint64_t epoch = 0;
    std::map<std::string, v1::Lease> leases = {};  // in full, by id
  };

  void Start() {
    coordinator_.reset();
    auto opened = Coordinator::Open(folder_ / "data", now_);
    SHOOTDOWN_CHECK(opened.ok());
    coordinator_ = *std::move(opened);
  }

  void Compare() {
    std::vector<std::string> before = coordinator_->DescribeState();
    Start();
    std::vector<std::string> after = coordinator_->DescribeState();
    before.erase(before.begin());  // the epoch
    after.erase(after.begin());
    SHOOTDOWN_CHECK(before == after);
  }

  std::string SomeScenario(FuzzedDataProvider& data) {
    return ScenarioText(data.PickValueInArray({"race", "other"}));
  }
  std::string SomeId(FuzzedDataProvider& data, const std::set<std::string>& known) {
    if (known.empty() || data.ConsumeIntegralInRange<int>(0, 7) == 0) {
      return data.ConsumeRandomLengthString(20);
    }
    const std::string& id =
        *std::next(known.begin(), data.ConsumeIntegralInRange<std::ptrdiff_t>(
                                      0, static_cast<std::ptrdiff_t>(known.size()) - 1));
    return data.ConsumeBool() ? id : id.substr(0, data.ConsumeIntegralInRange<std::size_t>(0, 16));
  }
  Failure SomeFailure(FuzzedDataProvider& data) {
    Failure failure = FoundFailure(data.ConsumeIntegralInRange<int>(0, 9), SomeScenario(data));
    if (data.ConsumeBool()) return failure;
    failure.trace_hash = std::string(32, data.PickValueInArray({'a', 'b'}));
    failure.check = data.PickValueInArray({"stale_tlb_use", "use_after_free", ""});
    failure.trace.resize(data.ConsumeIntegralInRange<std::size_t>(0, 3));
    return failure;
  }

  v1::LeaseResult SomeResult(FuzzedDataProvider& data, const v1::Lease& lease) {
    v1::LeaseResult result;
    result.set_lease_id(lease.id());
    result.set_epoch(lease.epoch());
    result.set_campaign_id(lease.campaign_id());
    const auto outcome = data.ConsumeIntegralInRange<int>(0, 9);
    result.set_outcome(outcome <= v1::LeaseResult::Outcome_MAX
                           ? static_cast<v1::LeaseResult::Outcome>(outcome)
                           : v1::LeaseResult::OUTCOME_DONE);
    result.set_run_count(data.ConsumeBool() ? lease.fuzz().run_count()
                                            : data.ConsumeIntegral<std::uint64_t>());
    result.set_busy_us(data.ConsumeIntegralInRange<std::uint64_t>(0, 1'000'000));
    for (int i = data.ConsumeIntegralInRange<int>(0, 2); i > 0; --i) {
      result.add_checkpoints(data.ConsumeIntegralInRange<std::uint64_t>(0, 1));
      result.add_content_hashes(std::string(32, data.PickValueInArray({'a', 'b'})));
    }
    if (lease.has_replay() && data.ConsumeIntegralInRange<int>(0, 7) > 0) {
      *result.mutable_replayed() = ToProto(SomeFailure(data));
    }
    if (lease.has_minimize()) {
      Failure found =
          data.ConsumeBool() ? FromProto(lease.minimize().failure()) : SomeFailure(data);
      *result.mutable_minimized() = ToProto(MinimizedFailure(std::move(found)));
    }
    return result;
  }

  void Sync(FuzzedDataProvider& data) {
    const auto number = data.ConsumeIntegralInRange<std::size_t>(0, clients_.size() - 1);
    Client& client = clients_[number];
    v1::SyncRequest request;
    request.set_worker_key(std::string(32, static_cast<char>('1' + number)));
    request.set_worker_name("w");
    request.set_sequence(data.ConsumeIntegralInRange<int>(0, 15) == 0 ? client.sequence
                                                                      : ++client.sequence);
    request.set_epoch(client.epoch);
    request.set_model_version(data.ConsumeIntegralInRange<int>(0, 7) == 0 ? "m2" : "m1");
    request.set_job_count(data.ConsumeIntegralInRange<std::uint32_t>(0, 3));
    for (const auto& [id, lease] : client.leases) {
      const auto fate = data.ConsumeIntegralInRange<int>(0, 3);
      if (fate == 1) {
        v1::LeaseHeld& held = *request.add_held();
        held.set_lease_id(id);
        held.set_epoch(lease.epoch());
        held.set_run_count(data.ConsumeIntegral<std::uint64_t>());
      }
      if (fate >= 2 && request.results_size() < kResultCountMax) {
        *request.add_results() = SomeResult(data, lease);
      }
    }
    for (int i = data.ConsumeIntegralInRange<int>(0, 2); i > 0; --i) {
      std::vector<std::uint32_t> features;
      std::uint32_t feature = 0;
      for (int j = data.ConsumeIntegralInRange<int>(0, 5); j > 0; --j) {
        feature += data.ConsumeIntegralInRange<std::uint32_t>(1, 9);
        features.push_back(feature);
      }
      const std::string schedule =
          "T0@" + std::to_string(data.ConsumeIntegralInRange<int>(1, 30)) + ">C1";
      v1::Input& input = *request.add_inputs();
      input = InputMessage(SomeId(data, campaigns_), schedule, features);
      input.set_scenario_key(ScenarioKey(SomeScenario(data)));
      input.set_trace_hash(std::string(32, data.PickValueInArray({'a', 'b'})));
      request.add_offers()->set_hash(OfferHash(input));
    }
    if (data.ConsumeBool()) {
      v1::FoundFailure& found = *request.add_findings();
      found.set_campaign_id(SomeId(data, campaigns_));
      const Failure failure = SomeFailure(data);
      found.set_scenario_key(ScenarioKey(failure.scenario_text));
      *found.mutable_failure() = ToProto(failure);
    }
    if (!Mutate(data, request)) return;

    const auto response = coordinator_->Sync(
        request, data.ConsumeIntegralInRange<int>(0, 15) == 0 ? "other" : "", now_);
    CheckWords(response.status());
    if (!response.ok()) return;
    SHOOTDOWN_CHECK(response->ByteSizeLong() <= kMessageBytesMax);
    client.epoch = response->epoch();
    std::map<std::string, v1::Lease> leases;
    for (const v1::Lease& lease : response->leases()) {
      const auto known = client.leases.find(lease.id());
      const bool brief = lease.work_case() == v1::Lease::WORK_NOT_SET;
      const v1::Lease& full = brief && known != client.leases.end() ? known->second : lease;
      SHOOTDOWN_CHECK(leases.emplace(lease.id(), full).second);
    }
    client.leases = std::move(leases);
    for (const v1::Settled& settled : response->settled()) {
      if (!settled.finding_id().empty()) findings_.insert(settled.finding_id());
    }
  }

  void CreateCampaign(FuzzedDataProvider& data) {
    v1::CreateCampaignRequest request;
    request.set_request_id(data.ConsumeRandomLengthString(1));
    v1::CampaignSpec& spec = *request.mutable_spec();
    spec.set_name("test");
    spec.set_seed(7);
    spec.add_scenarios()->set_text(SomeScenario(data));
    if (data.ConsumeBool()) spec.add_scenarios()->set_text(SomeScenario(data));
    spec.mutable_budget()->set_run_count(kBudget);
    spec.mutable_budget()->set_finding_count_max(data.ConsumeIntegralInRange<std::uint32_t>(0, 3));
    spec.mutable_budget()->set_second_count(data.ConsumeBool() ? 0 : 60);
    spec.set_stop_at_first_finding(data.ConsumeBool());
    if (!Mutate(data, request)) return;
    const auto campaign = coordinator_->CreateCampaign(request, now_);
    CheckWords(campaign.status());
    if (campaign.ok()) campaigns_.insert(campaign->id());
  }

  void AskForCampaigns(FuzzedDataProvider& data) {
    v1::GetCampaignRequest request;
    request.set_id(SomeId(data, campaigns_));
    if (!Mutate(data, request)) return;
    const auto tasks = data.ConsumeBool() ? Coordinator::Tasks::kYes : Coordinator::Tasks::kNo;
    CheckWords(coordinator_->GetCampaign(request.id(), tasks, now_).status());
    v1::ListCampaignsRequest list;
    list.set_page_size(data.ConsumeIntegral<std::uint32_t>());
    if (data.ConsumeBool()) list.set_page_token(data.ConsumeRandomLengthString(40));
    const auto page = coordinator_->ListCampaigns(list, now_);
    CheckWords(page.status());
    if (page.ok()) SHOOTDOWN_CHECK(page->ByteSizeLong() <= kMessageBytesMax);
  }

  void AskForFindings(FuzzedDataProvider& data) {
    v1::ListFindingsRequest list;
    if (data.ConsumeBool()) list.set_campaign_id(SomeId(data, campaigns_));
    list.set_grouped(data.ConsumeBool());
    list.set_page_size(data.ConsumeIntegralInRange<std::uint32_t>(0, 3));
    if (data.ConsumeBool()) list.set_page_token(SomeId(data, findings_));
    if (Mutate(data, list)) CheckWords(coordinator_->ListFindings(list).status());
    v1::GetFindingRequest get;
    get.set_id(SomeId(data, findings_));
    if (Mutate(data, get)) {
      CheckWords(coordinator_->GetFinding(get.id()).status());
      CheckWords(coordinator_->ExportFinding(get.id()).status());
    }
    v1::WatchFindingsRequest watch;
    if (data.ConsumeBool()) watch.set_campaign_id(SomeId(data, campaigns_));
    if (!Mutate(data, watch)) return;
    auto change = data.ConsumeIntegral<std::uint64_t>();
    const auto all = coordinator_->AllFindings(watch.campaign_id(), change);
    CheckWords(all.status());
    if (!all.ok()) return;
    SHOOTDOWN_CHECK(coordinator_->ChangedFindings(watch.campaign_id(), change).empty());
    change = 0;
    (void)coordinator_->ChangedFindings(watch.campaign_id(), change);
  }

  void ChangeCampaign(FuzzedDataProvider& data) {
    v1::StopCampaignRequest request;
    request.set_id(SomeId(data, campaigns_));
    if (!Mutate(data, request)) return;
    switch (data.ConsumeIntegralInRange<int>(0, 5)) {
      case 0:
        CheckWords(coordinator_->SetCampaignState(request.id(), v1::CAMPAIGN_STATE_STOPPED, now_)
                       .status());
        break;
      case 1:
        CheckWords(coordinator_->DeleteCampaign(request.id()).status());
        break;
      case 2:
        CheckWords(
            coordinator_->SetCampaignState(request.id(), v1::CAMPAIGN_STATE_PAUSED, now_).status());
        break;
      default:
        CheckWords(coordinator_->SetCampaignState(request.id(), v1::CAMPAIGN_STATE_RUNNING, now_)
                       .status());
    }
  }

  void Administer(FuzzedDataProvider& data) {
    const v1::GetStatsResponse stats = coordinator_->GetStats(now_);
    SHOOTDOWN_CHECK(stats.ByteSizeLong() <= kMessageBytesMax);
    (void)coordinator_->GetTotals();
    v1::CompactRequest compact;
    v1::DrainWorkerRequest drain;
    const std::set<std::string> workers = {PublicWorkerId(std::string(32, '1'), "")};
    drain.set_worker_id(SomeId(data, workers));
    switch (data.ConsumeIntegralInRange<int>(0, 7)) {
      case 0:
        compact.set_dry_run(data.ConsumeBool());
        if (data.ConsumeBool()) compact.set_ended_days_min(data.ConsumeIntegralInRange(0, 1));
        if (Mutate(data, compact)) CheckWords(coordinator_->Compact(compact, now_).status());
        break;
      case 1:
        CheckWords(coordinator_->Backup(data.ConsumeRandomLengthString(8)).status());
        break;
      default:
        if (Mutate(data, drain)) CheckWords(coordinator_->DrainWorker(drain.worker_id()));
    }
  }

  ScratchFolder folder_;
  absl::Time now_ = kNoon;
  std::unique_ptr<Coordinator> coordinator_;
  std::array<Client, 3> clients_;
  std::set<std::string> campaigns_;
  std::set<std::string> findings_;
};

void Test(const std::uint8_t* bytes, std::size_t size) {
  // Never destroyed: RocksDB's own statics are gone by then.
  static auto& world = *new std::unique_ptr<World>();
  static int input_count = 0;
  if (input_count++ % kInputsOfAWorld == 0) {
    world.reset();
    world = std::make_unique<World>();
  }
  FuzzedDataProvider data(bytes, size);
  world->Run(data);
}

}  // namespace
}  // namespace shootdown::server

// glibc keeps a list of what a thread destroys at its end, in memory that only that thread knows. While one
// of RocksDB's threads comes or goes, the leak check does not see it.
extern "C" const char* __lsan_default_suppressions() { return "leak:__cxa_thread_atexit_impl\n"; }

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  // A store that is synced to a real disk would be all that takes time.
  if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", /*replace=*/0);
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shootdown::server::Test(data, size);
  return 0;
}
