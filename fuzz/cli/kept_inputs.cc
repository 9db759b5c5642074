#include "fuzz/cli/kept_inputs.h"

#include <set>
#include <utility>

#include "fuzz/base/content_hash.h"
#include "fuzz/engine/distill.h"

namespace shootdown {
namespace {

// One sync for so many: a search finds most of its inputs in its first moments.
constexpr std::size_t kBatchSize = 256;

std::string HashOf(const std::vector<std::uint8_t>& bytes) {
  return ToHex(HashBytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

absl::StatusOr<bool> OwnedByCoordinator(const Store& store) {
  bool owned = false;
  const absl::StatusOr<std::vector<std::string>> damaged =
      store.VisitService("", [&](std::string_view, std::string_view) { owned = true; });
  if (!damaged.ok()) return damaged.status();
  return owned || !damaged->empty();
}

}  // namespace

KeptInputs::KeptInputs(Store& store, std::string_view scenario_text)
    : store_(store), scenario_key_(ScenarioKey(scenario_text)), hash_(ToHex(HashBytes(""))) {}

absl::StatusOr<KeptInputs::Start> KeptInputs::Resume(sim::Subject& subject) {
  absl::StatusOr<Store::InputList> stored = store_.ListInputs(scenario_key_);
  if (!stored.ok()) return stored.status();
  std::vector<Schedule> inputs;
  inputs.reserve(stored->inputs.size());
  for (const std::vector<std::uint8_t>& bytes : stored->inputs) {
    inputs.push_back(Schedule::Decode(bytes));
  }
  Distilled distilled = Distill(subject, inputs);
  Start start{.seeds = {},
              .features = std::move(distilled.features),
              .input_count = inputs.size(),
              .damaged = std::move(stored->damaged)};
  std::set<std::string, std::less<>> kept;
  for (const std::size_t i : distilled.kept) {
    start.seeds.push_back(std::move(inputs[i]));
    kept.insert(HashOf(stored->inputs[i]));
  }
  seen_.AddKnown(start.features);
  const absl::StatusOr<bool> owned = OwnedByCoordinator(store_);
  if (!owned.ok()) return owned.status();
  if (*owned) return start;
  const absl::StatusOr<Store::Compacted> dropped = store_.Compact(
      [&](std::string_view scenario, std::string_view hash) {
        return scenario != scenario_key_ || kept.contains(hash);
      },
      Store::DryRun::kNo);
  if (!dropped.ok()) return dropped.status();
  return start;
}

absl::Status KeptInputs::Add(const NewInput& input) {
  const std::size_t before = seen_.size();
  seen_.AddKnown(input.features);
  if (seen_.size() == before) return absl::OkStatus();
  ++count_;
  hash_ = ToHex(HashBytes(hash_ + HashOf(input.schedule)));
  unwritten_.push_back(input.schedule);
  return unwritten_.size() < kBatchSize ? absl::OkStatus() : Write();
}

absl::Status KeptInputs::Write() {
  if (unwritten_.empty()) return absl::OkStatus();
  const absl::Status written = store_.PutInputs(scenario_key_, unwritten_);
  if (written.ok()) unwritten_.clear();
  return written;
}

}  // namespace shootdown
