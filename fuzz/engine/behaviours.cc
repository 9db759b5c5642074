#include "fuzz/engine/behaviours.h"

#include <algorithm>
#include <utility>

#include "fuzz/base/hash.h"

namespace shootdown {
namespace {

using sim::StepKind;

std::uint64_t KeyOf(const sim::LogEntry& entry) {
  return static_cast<std::uint64_t>(entry.actor) << 32 | entry.index;
}

}  // namespace

std::uint64_t ReadsFromClass(const sim::Machine& machine) {
  const auto log = machine.log();
  // A read that reads from its own CPU, or from before the run, is in no conflict with what it read; and
  // which of these it was follows from the rest.
  std::uint64_t sum = 1;
  for (const sim::Conflict& c : machine.conflicts()) {
    const sim::LogEntry& read = log[c.second];
    if (read.kind == StepKind::kStore || read.kind == StepKind::kDrain ||
        read.kind == StepKind::kUserStore) {
      continue;
    }
    const sim::LogEntry* write = &log[c.first];
    if (write->word != read.word && read.kind != StepKind::kMondoTaken) continue;  // freed, and not read
    if (write->kind == StepKind::kDrain) write = &log[write->link];
    if (!IsWrite(write->kind) && write->kind != StepKind::kMondoSend) continue;
    // In whatever order the reads came.
    sum += Combine(KeyOf(*write), KeyOf(read));
  }
  return Mix64(sum);
}

BehaviourSet::BehaviourSet() : slots_(kSlotsAtFirst) {}

void BehaviourSet::Grow() {
  const std::vector<std::uint64_t> old =
      std::exchange(slots_, std::vector<std::uint64_t>(slots_.size() * 2));
  for (const std::uint64_t slot : old) {
    if (slot == 0) continue;
    std::size_t at = SlotOf(slot >> 2);
    while (slots_[at] != 0) at = SlotOf(at + 1);
    slots_[at] = slot;
  }
}

void BehaviourSet::Add(std::uint64_t behaviour) {
  const std::uint64_t hash = std::max<std::uint64_t>(behaviour >> 2, 1) << 2;
  for (std::size_t at = SlotOf(hash >> 2);; at = SlotOf(at + 1)) {
    std::uint64_t& slot = slots_[at];
    if (slot == 0) {
      sample_.Add(hash | 1);
      if (size_ == kClassCountMax) return;
      slot = hash | 1;
      ++size_;
      ++seen_once_;
      if (size_ * 4 > slots_.size() * 3) Grow();
      return;
    }
    if ((slot & ~std::uint64_t{3}) != hash) continue;
    const std::uint64_t times = slot & 3;
    if (times == 3) return;  // nobody asks how much more often
    sample_.Add(hash | 1);
    if (times == 1) {
      --seen_once_;
      ++seen_twice_;
    } else {
      --seen_twice_;
    }
    slot = hash | (times + 1);
    return;
  }
}

}  // namespace shootdown
