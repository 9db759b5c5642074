#include "fuzz/engine/features.h"

#include "fuzz/base/hash.h"

namespace shootdown {

FeatureSet::FeatureSet() : seen_(std::make_unique<std::uint64_t[]>(kBits / 64)) {}

bool FeatureSet::Add(std::uint64_t feature) {
  const std::uint64_t bit = feature % kBits;
  std::uint64_t& word = seen_[bit / 64];
  const std::uint64_t mask = std::uint64_t{1} << bit % 64;
  if ((word & mask) != 0) return false;
  word |= mask;
  ++size_;
  return true;
}

std::size_t FeatureSet::AddRun(const sim::Machine& machine) {
  const std::size_t before = size_;
  const auto log = machine.log();
  std::uint64_t previous = 0;
  for (const sim::Conflict& c : machine.conflicts()) {
    const sim::LogEntry& first = log[c.first];
    const sim::LogEntry& second = log[c.second];
    const std::uint64_t sites =
        static_cast<std::uint64_t>(first.site->hash) << 32 | second.site->hash;
    const std::uint64_t kinds =
        static_cast<std::uint64_t>(first.kind) << 8 | static_cast<std::uint64_t>(second.kind);
    const std::uint64_t conflict = Combine(sites, kinds);
    Add(conflict);
    if (previous != 0 && previous != conflict) Add(Combine(previous, conflict));
    previous = conflict;
  }
  for (const std::uint64_t feature : machine.features()) Add(Mix64(feature));
  return size_ - before;
}

}  // namespace shootdown
