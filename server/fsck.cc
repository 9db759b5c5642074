#include "server/fsck.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/store/store.h"
#include "proto/file_io.h"
#include "proto/printable.h"
#include "proto/receipt.h"
#include "server/committer.h"
#include "server/keys.h"
#include "server/state.h"

namespace shootdown::server {
namespace {

constexpr int kWhole = 0;
constexpr int kWrongUsage = 2;
constexpr int kDamaged = 3;

// Collects what is wrong, and says it at once.
class Complaints {
 public:
  void Add(const std::string& words) {
    std::fprintf(stderr, "shootdown-server: %s\n", words.c_str());
    ++count_;
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  int count_ = 0;
};

void CheckContents(const Store& store, Complaints& complaints, std::set<std::string>& failures) {
  const auto damaged = store.VisitFailures(
      [&](const std::string& id, const Failure& /*failure*/) { failures.insert(id); });
  if (!damaged.ok()) return complaints.Add(std::string(damaged.status().message()));
  for (const std::string& line : *damaged) complaints.Add(line);
  std::size_t input_count = 0;
  const auto scenarios = store.ListScenarioKeys();
  if (!scenarios.ok()) return complaints.Add(std::string(scenarios.status().message()));
  for (const std::string& scenario : *scenarios) {
    const auto list = store.ListInputs(scenario);
    if (!list.ok()) return complaints.Add(std::string(list.status().message()));
    for (const std::string& line : list->damaged) complaints.Add(line);
    input_count += list->inputs.size();
  }
  std::printf("store: %zu failures, %zu inputs of %zu scenarios, every checksum and hash checked\n",
              failures.size(), input_count, scenarios->size());
}

void CheckState(const Store& store, const State& state, const std::set<std::string>& failures,
                Complaints& complaints) {
  std::size_t input_count = 0;
  for (const auto& [campaign_id, campaign] : state.campaigns()) {
    for (const ScenarioState& scenario : campaign.scenarios) {
      for (const auto& [hash, input] : scenario.inputs) {
        ++input_count;
        const absl::StatusOr<bool> there = store.HasInput(scenario.key, hash);
        if (!there.ok() || !*there) {
          complaints.Add(
              absl::StrFormat("campaign %s: its input %s is missing", campaign_id, hash));
        }
        // The row has the schedule too; the family `corpus` was compared with the hash before.
        if (ToHex(HashBytes(input.row.schedule())) != hash) {
          complaints.Add(absl::StrFormat("campaign %s: the row of its input %s has another schedule",
                                         campaign_id, hash));
        }
      }
      for (const auto& [id, row] : scenario.findings) {
        if (state.FindFinding(id) == nullptr) {
          complaints.Add(
              absl::StrFormat("campaign %s: its finding %s has no row", campaign_id, id));
        }
      }
    }
  }
  for (const auto& [id, finding] : state.findings()) {
    if (!failures.contains(id)) {
      complaints.Add(absl::StrFormat("finding %s: its failure is missing", id));
    }
    if (finding.campaigns.empty()) {
      complaints.Add(absl::StrFormat("finding %s: belongs to no campaign", id));
    }
  }
  std::printf("service: epoch %llu, %zu campaigns, %zu findings, %zu inputs held\n",
              static_cast<unsigned long long>(state.epoch()), state.campaigns().size(),
              state.findings().size(), input_count);
}

// Receipts, held against what is there.
class Receipts {
 public:
  Receipts(const State& state, const std::set<std::string>& failures, Complaints& complaints)
      : state_(state), failures_(failures), complaints_(complaints) {}

  void Check(const Receipt& receipt) {
    if (receipt.kind == Receipt::Kind::kFinding) {
      CheckFinding(receipt.what);
    } else {
      CheckInput(receipt);
    }
  }

  void Print() const {
    std::printf("receipts: %zu findings, %zu of them forgotten with their campaigns; ",
                finding_count_, forgotten_finding_count_);
    std::printf(
        "%zu inputs, %zu of them distilled away since, %zu forgotten with their campaigns, %zu "
        "that say too little to be judged\n",
        input_count_, distilled_count_, forgotten_input_count_, unjudged_count_);
  }

 private:
  // A finding and its failure are written as one. The failure is never dropped; the finding's state
  // goes when its last campaign is deleted.
  void CheckFinding(const std::string& id) {
    ++finding_count_;
    if (!failures_.contains(id)) {
      complaints_.Add("finding " + ForMessage(id) + ": was acknowledged, and is missing");
    } else if (state_.FindFinding(id) == nullptr) {
      ++forgotten_finding_count_;
    }
  }

  void CheckInput(const Receipt& receipt) {
    ++input_count_;
    if (state_.FindOffer(receipt.what).has_value()) return;
    if (!receipt.claim.has_value()) {
      ++unjudged_count_;
      return;
    }
    const InputClaim& claim = *receipt.claim;
    const CampaignState* const campaign = state_.FindCampaign(claim.campaign_id);
    if (campaign == nullptr) {
      ++forgotten_input_count_;
      return;
    }
    const ScenarioState* const scenario = campaign->Find(claim.scenario_key);
    if (scenario == nullptr) {
      return complaints_.Add("input " + ForMessage(receipt.what) + ": its campaign has no scenario " +
                             ForMessage(claim.scenario_key));
    }
    // It is dropped when others own all of its features, and owners only ever get smaller (V2 of
    // state.h). So an owner that comes after it shows that it, or who took its place, is lost.
    std::size_t missing_count = 0;
    for (const std::uint32_t number : claim.features) {
      const auto feature = scenario->features.find(number);
      if (feature == scenario->features.end() ||
          std::make_pair(claim.schedule_bytes, std::string_view(claim.schedule_hash)) <
              std::make_pair(std::uint64_t{feature->second.owner->row.schedule().size()},
                             std::string_view(feature->second.owner->hash))) {
        ++missing_count;
      }
    }
    if (missing_count == 0) {
      ++distilled_count_;
      return;
    }
    complaints_.Add(absl::StrFormat(
        "input %s: was acknowledged, and is missing: campaign %s has %d of its %d features from no "
        "input that could have taken its place",
        ForMessage(receipt.what), campaign->id, missing_count, claim.features.size()));
  }

  const State& state_;
  const std::set<std::string>& failures_;
  Complaints& complaints_;
  std::size_t finding_count_ = 0;
  std::size_t forgotten_finding_count_ = 0;
  std::size_t input_count_ = 0;
  std::size_t distilled_count_ = 0;
  std::size_t forgotten_input_count_ = 0;
  std::size_t unjudged_count_ = 0;
};

// False if a file cannot be read.
bool CheckReceipts(const std::vector<std::string>& files, const State& state,
                   const std::set<std::string>& failures, Complaints& complaints) {
  Receipts receipts(state, failures, complaints);
  for (const std::string& path : files) {
    std::ifstream file(path);
    std::size_t number = 0;
    std::string line;
    while (std::getline(file, line)) {
      ++number;
      if (const absl::StatusOr<Receipt> receipt = ParseReceipt(line); receipt.ok()) {
        receipts.Check(*receipt);
      } else {
        complaints.Add(absl::StrFormat("%s:%d: %s", path, number,
                                       std::string(receipt.status().message())));
      }
    }
    if (!file.eof()) {  // not opened, or not read to its end
      std::fprintf(stderr, "shootdown-server: %s\n",
                   std::string(ErrnoStatus(errno, path).message()).c_str());
      return false;
    }
  }
  receipts.Print();
  return true;
}

}  // namespace

int Fsck(const std::string& data, const std::vector<std::string>& receipt_files) {
  const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(data, OpenMode::kReadOnly);
  if (!store.ok()) {
    std::fprintf(stderr, "shootdown-server: %s\n", std::string(store.status().message()).c_str());
    return store.status().code() == absl::StatusCode::kDataLoss ? kDamaged : kWrongUsage;
  }
  Complaints complaints;
  std::set<std::string> failures;
  CheckContents(**store, complaints, failures);
  State state;
  if (absl::Status replayed = Committer::Replay(**store, state); !replayed.ok()) {
    complaints.Add(std::string(replayed.message()));
  }
  CheckState(**store, state, failures, complaints);
  if (!receipt_files.empty() && !CheckReceipts(receipt_files, state, failures, complaints)) {
    return kWrongUsage;
  }
  if (complaints.count() > 0) {
    std::printf("%d %s wrong\n", complaints.count(),
                complaints.count() == 1 ? "thing is" : "things are");
    return kDamaged;
  }
  std::printf("all is well\n");
  return kWhole;
}

}  // namespace shootdown::server
