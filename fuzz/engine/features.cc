#include "fuzz/engine/features.h"

#include <algorithm>

#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"
#include "fuzz/strategy/any_race.h"

namespace shootdown {
namespace {

// Calls `use` with each feature of the machine's last run; some come more than once.
template <class Use>
void ForEachFeature(const sim::Machine& machine, const Use& use) {
  const auto log = machine.log();
  std::uint64_t previous = 0;  // none: the first is paired with that
  for (const sim::Conflict& c : machine.conflicts()) {
    const std::uint64_t conflict = PlacesOf(log[c.first], log[c.second]);
    if (previous != conflict) use(Combine(previous, conflict));
    previous = conflict;
  }
}

}  // namespace

FeatureSet::FeatureSet() : seen_(std::make_unique<std::uint64_t[]>(kBits / 64)) {}

void FeatureSet::Add(std::uint64_t feature) {
  const std::uint64_t bit = feature % kBits;
  std::uint64_t& word = seen_[bit / 64];
  const std::uint64_t mask = std::uint64_t{1} << bit % 64;
  if ((word & mask) != 0) return;
  word |= mask;
  ++size_;
}

std::size_t FeatureSet::AddRun(const sim::Machine& machine) {
  const std::size_t before = size_;
  ForEachFeature(machine, [this](std::uint64_t feature) { Add(feature); });
  return size_ - before;
}

std::vector<std::uint32_t> FeatureSet::OfRun(const sim::Machine& machine) {
  std::vector<std::uint32_t> indexes;
  ForEachFeature(machine, [&indexes](std::uint64_t feature) {
    indexes.push_back(static_cast<std::uint32_t>(feature % kBits));
  });
  std::ranges::sort(indexes);
  const auto repeats = std::ranges::unique(indexes);
  indexes.erase(repeats.begin(), repeats.end());
  return indexes;
}

void FeatureSet::AddKnown(std::span<const std::uint32_t> indexes) {
  for (const std::uint32_t index : indexes) {
    SHOOTDOWN_CHECK(index < kBits);
    Add(index);
  }
}

}  // namespace shootdown
