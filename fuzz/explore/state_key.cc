#include "fuzz/explore/state_key.h"

#include <algorithm>
#include <cstring>
#include <ranges>

#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"

// Where the program stands in memory, as the linker says. Another process has it elsewhere.
extern "C" const char __executable_start;  // NOLINT(bugprone-reserved-identifier)
extern "C" const char _end;                // NOLINT(bugprone-reserved-identifier)

namespace shootdown::explore {
namespace {

// Pointers to functions count from the program's start, so that a state is the same in each
// process.
std::uint64_t Canonical(std::uint64_t word) {
  const auto start = reinterpret_cast<std::uintptr_t>(&__executable_start);
  const std::uintptr_t size = reinterpret_cast<std::uintptr_t>(&_end) - start;
  return word - start < size ? word - start : word;
}

}  // namespace

using sim::LogEntry;
using sim::MemoryMark;
using sim::StepKind;

void StateKey::Reset() {
  rows_ = 0;
  marks_ = 0;
  late_loads_ = 0;
  known_.fill(0);
  actors_.clear();
  saved_.clear();
  for (std::vector<std::uint64_t>& sent : sent_) sent.clear();
}

void StateKey::Learn(std::uint8_t actor, std::uint64_t what) {
  std::uint64_t& known = known_[actor];
  if (known == 0 && std::ranges::find(actors_, actor) == actors_.end()) {
    actors_.insert(std::ranges::upper_bound(actors_, actor), actor);
  }
  known = Combine(known, what);
}

void StateKey::BeforeRmw(std::uint8_t actor, std::uint64_t found) { Learn(actor, found); }

void StateKey::Apply(const MemoryMark& mark) {
  if (mark.kind == MemoryMark::Kind::kEnter) {
    saved_.push_back({mark.actor, known_[mark.actor]});
    // Inside is another place than before, whatever comes next.
    Learn(mark.actor, mark.place);
    return;
  }
  if (mark.kind == MemoryMark::Kind::kLearn) {
    Learn(mark.actor, Canonical(mark.place));
    return;
  }
  std::ranges::reverse_view newest_first(saved_);
  const auto found =
      std::ranges::find(newest_first, mark.actor, [](const Saved& s) { return s.actor; });
  SHOOTDOWN_CHECK(found != newest_first.end());
  known_[mark.actor] = found->known;
  if (mark.kind == MemoryMark::Kind::kLeave) saved_.erase(std::next(found).base());
  // Behind a scope is another place than before it; but who was interrupted stands where it stood.
  if (mark.place != 0) {
    Learn(mark.actor, Combine(mark.place, static_cast<std::uint64_t>(mark.kind)));
  }
}

void StateKey::Absorb(const sim::Machine& machine) {
  const std::span<const LogEntry> log = machine.log();
  const std::span<const MemoryMark> marks = machine.memory_marks();
  for (;; ++rows_) {
    for (; marks_ < marks.size() && marks[marks_].row <= rows_; ++marks_) Apply(marks[marks_]);
    if (rows_ == log.size()) return;
    const LogEntry& entry = log[rows_];
    // Of these nobody is told.
    if (entry.kind == StepKind::kDrain || !sim::IsStep(entry.kind)) continue;
    if (entry.kind == StepKind::kLateLoad) {  // when it happened does not matter
      const LogEntry& load = log[entry.link];
      late_loads_ += Combine(Combine(load.actor, load.index), entry.value);
      continue;
    }
    const bool late = entry.kind == StepKind::kLoad && (entry.flags & LogEntry::kHeld) != 0;
    const std::uint64_t what = Combine(Combine(entry.site->hash, late ? 0 : entry.value),
                                       static_cast<std::uint64_t>(entry.kind) << 32 | entry.word);
    if (entry.kind == StepKind::kMondoTaken) {
      std::vector<std::uint64_t>& sent = sent_[entry.cpu];
      SHOOTDOWN_CHECK(!sent.empty());
      Learn(entry.actor, sent.front());
      sent.erase(sent.begin());
    }
    Learn(entry.actor, what);
    if (entry.kind == StepKind::kMondoSend) {
      // The sender may count what was sent to the target before.
      const auto target = static_cast<int>(entry.value);
      Learn(entry.actor, machine.MondosAccepted(target));
      const sim::Mondo& mondo = machine.PendingMondo(target, machine.PendingMondoCount(target) - 1);
      sent_[static_cast<std::size_t>(target)].push_back(
          Combine(Combine(known_[entry.actor], mondo.a0), Combine(mondo.a1, mondo.a2)));
    }
  }
}

void StateKey::Begin(const sim::Machine& machine) {
  words_.clear();
  const std::span<const char> bytes = machine.GuestMemory();
  memory_.resize(bytes.size() / 8);
  std::memcpy(memory_.data(), bytes.data(), memory_.size() * 8);
  for (std::uint64_t& word : memory_) word = Canonical(word);
  const Hash128 memory =
      HashBytes({reinterpret_cast<const char*>(memory_.data()), memory_.size() * 8});
  Add(memory.high);
  Add(memory.low);
  machine.AppendRegisters(words_);
  for (int c = 0; c < machine.cpu_count(); ++c) {
    for (int k = 0; k < machine.BufferedCount(c); ++k) {
      const auto held = machine.BufferedAt(c, k);
      Add(held.word);
      Add(held.value);
    }
    for (const std::uint64_t sent : sent_[static_cast<std::size_t>(c)]) Add(sent);
  }
  Add(late_loads_);
  machine.AppendMemoryOrder(words_);
  for (const std::uint8_t actor : actors_) {
    if (known_[actor] == 0) continue;
    Add(actor);
    Add(known_[actor]);
  }
}

Hash128 StateKey::End() {
  return HashBytes({reinterpret_cast<const char*>(words_.data()), words_.size() * 8});
}

}  // namespace shootdown::explore
