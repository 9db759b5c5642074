#include "server/fsck.h"

#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "absl/strings/str_format.h"
#include "fuzz/store/store.h"
#include "proto/file_io.h"
#include "proto/printable.h"
#include "server/committer.h"
#include "server/keys.h"
#include "server/state.h"

namespace shootdown::server {
namespace {

constexpr int kWhole = 0;
constexpr int kWrongUsage = 2;
constexpr int kDamaged = 3;
constexpr std::size_t kReceiptBytesMax = std::size_t{1} << 30;

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

struct Found {
  std::set<std::string> findings;
  std::set<std::string> input_offers;  // of inputs that campaigns hold
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

Found CheckState(const Store& store, const State& state, const std::set<std::string>& failures,
                 Complaints& complaints) {
  Found found;
  std::size_t input_count = 0;
  for (const auto& [campaign_id, campaign] : state.campaigns()) {
    for (const ScenarioState& scenario : campaign.scenarios) {
      for (const auto& [hash, input] : scenario.inputs) {
        ++input_count;
        found.input_offers.insert(input.row.offer_hash());
        const absl::StatusOr<bool> there = store.HasInput(scenario.key, hash);
        if (!there.ok() || !*there) {
          complaints.Add(
              absl::StrFormat("campaign %s: its input %s is missing", campaign_id, hash));
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
    found.findings.insert(id);
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
  return found;
}

// False if a file cannot be read.
bool CheckReceipts(const std::vector<std::string>& files, const Found& found,
                   const std::set<std::string>& failures, Complaints& complaints) {
  std::size_t finding_count = 0;
  std::size_t forgotten_count = 0;
  std::size_t input_count = 0;
  std::size_t distilled_count = 0;
  for (const std::string& file : files) {
    const absl::StatusOr<std::string> text = ReadWholeFile(file, kReceiptBytesMax);
    if (!text.ok()) {
      std::fprintf(stderr, "shootdown-server: %s\n", std::string(text.status().message()).c_str());
      return false;
    }
    std::istringstream lines(*text);
    std::string kind;
    std::string what;
    while (lines >> kind >> what) {
      if (kind == "finding") {
        ++finding_count;
        // A finding and its failure are written as one. The failure is never dropped; the finding's
        // state goes when its last campaign is deleted.
        if (!failures.contains(what)) {
          complaints.Add("finding " + ForMessage(what) + ": was acknowledged, and is missing");
        } else if (!found.findings.contains(what)) {
          ++forgotten_count;
        }
      } else if (kind == "input") {
        ++input_count;
        // One that is not held has been distilled: others own all of its features (V2 of state.h), or
        // its campaign is gone.
        if (!found.input_offers.contains(what)) ++distilled_count;
      } else {
        complaints.Add(file + ": \"" + ForMessage(kind) + "\", wanted finding or input");
      }
    }
  }
  std::printf(
      "receipts: %zu findings, %zu of them forgotten with their campaigns; %zu inputs, %zu of them "
      "distilled away since\n",
      finding_count, forgotten_count, input_count, distilled_count);
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
  const Found found = CheckState(**store, state, failures, complaints);
  if (!receipt_files.empty() && !CheckReceipts(receipt_files, found, failures, complaints)) {
    return kWrongUsage;
  }
  if (complaints.count() > 0) {
    std::printf("%d things are wrong\n", complaints.count());
    return kDamaged;
  }
  std::printf("all is well\n");
  return kWhole;
}

}  // namespace shootdown::server
