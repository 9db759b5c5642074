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

// Both halves are mixed of place and value together, each in a way of its own.
Hash128 HashOfWord(std::uint64_t place, std::uint64_t word) {
  return {.high = Mix64(Mix64(word) + place), .low = Mix64(Mix64(place + 1) ^ word)};
}

}  // namespace

using sim::LogEntry;
using sim::MemoryMark;
using sim::StepKind;

StateKey::Told& StateKey::Told::operator=(const Told& other) {
  if (this == &other) return *this;
  for (const std::uint16_t actor : actors) known[actor] = 0;
  for (const std::uint16_t actor : other.actors) known[actor] = other.known[actor];
  actors = other.actors;
  rows = other.rows;
  marks = other.marks;
  late_loads = other.late_loads;
  saved = other.saved;
  sent = other.sent;
  memory_hash = other.memory_hash;
  return *this;
}

void StateKey::Reset() {
  const Hash128 memory_hash = told_.memory_hash;
  told_ = Told();
  told_.memory_hash = memory_hash;
}

void StateKey::GoBackTo(const Told& told, std::span<const char> guest) {
  told_ = told;
  const std::span<const char> memory = guest.last(memory_.size() * 8);
  std::memcpy(memory_.data(), memory.data(), memory.size());
}

void StateKey::Learn(std::uint16_t actor, std::uint64_t what) {
  std::uint64_t& known = told_.known[actor];
  if (known == 0 && std::ranges::find(told_.actors, actor) == told_.actors.end()) {
    told_.actors.insert(std::ranges::upper_bound(told_.actors, actor), actor);
  }
  known = Combine(known, what);
}

void StateKey::BeforeRmw(std::uint16_t actor, std::uint64_t found) { Learn(actor, found); }

void StateKey::Apply(const MemoryMark& mark) {
  if (mark.kind == MemoryMark::Kind::kEnter) {
    told_.saved.push_back({mark.actor, told_.known[mark.actor]});
    // Inside is another place than before, whatever comes next.
    Learn(mark.actor, mark.place);
    return;
  }
  if (mark.kind == MemoryMark::Kind::kLearn) {
    Learn(mark.actor, Canonical(mark.place));
    return;
  }
  std::ranges::reverse_view newest_first(told_.saved);
  const auto found =
      std::ranges::find(newest_first, mark.actor, [](const Told::Saved& s) { return s.actor; });
  SHOOTDOWN_CHECK(found != newest_first.end());
  told_.known[mark.actor] = found->known;
  if (mark.kind == MemoryMark::Kind::kLeave) told_.saved.erase(std::next(found).base());
  // Behind a scope is another place than before it; but who was interrupted stands where it stood.
  if (mark.place != 0) {
    Learn(mark.actor, Combine(mark.place, static_cast<std::uint64_t>(mark.kind)));
  }
}

void StateKey::Absorb(const sim::Machine& machine) {
  const std::span<const LogEntry> log = machine.log();
  const std::span<const MemoryMark> marks = machine.memory_marks();
  for (;; ++told_.rows) {
    for (; told_.marks < marks.size() && marks[told_.marks].row <= told_.rows; ++told_.marks) {
      Apply(marks[told_.marks]);
    }
    if (told_.rows == log.size()) return;
    const LogEntry& entry = log[told_.rows];
    // Of these nobody is told.
    if (entry.kind == StepKind::kDrain || !sim::IsStep(entry.kind)) continue;
    if (entry.kind == StepKind::kLateLoad) {  // when it happened does not matter
      const LogEntry& load = log[entry.link];
      told_.late_loads += Combine(Combine(load.actor, load.index), entry.value);
      continue;
    }
    const bool late = entry.kind == StepKind::kLoad && (entry.flags & LogEntry::kHeld) != 0;
    const std::uint64_t what = Combine(Combine(entry.site->hash, late ? 0 : entry.value),
                                       static_cast<std::uint64_t>(entry.kind) << 32 | entry.word);
    if (entry.kind == StepKind::kMondoTaken) {
      const auto sent = std::ranges::find(told_.sent, int{entry.cpu}, &Told::Sent::cpu);
      SHOOTDOWN_CHECK(sent != told_.sent.end());
      Learn(entry.actor, sent->known);
      told_.sent.erase(sent);
    }
    Learn(entry.actor, what);
    if (entry.kind == StepKind::kMondoSend) {
      // The sender may count what was sent to the target before.
      const auto target = static_cast<int>(entry.value);
      Learn(entry.actor, machine.MondosAccepted(target));
      const sim::Mondo& mondo = machine.PendingMondo(target, machine.PendingMondoCount(target) - 1);
      // Two senders that know the same may send different things. (What the sender knows tells
      // apart more than is needed, since the handler is told the rest alone.)
      const std::uint64_t handler = Canonical(reinterpret_cast<std::uint64_t>(mondo.handler));
      told_.sent.push_back({target, Combine(Combine(told_.known[entry.actor], handler),
                                            Combine(mondo.a0, Combine(mondo.a1, mondo.a2)))});
    }
  }
}

// The hash of memory is a sum, so that it follows from what has changed.
void StateKey::HashMemory(std::span<const char> bytes) {
  const std::size_t count = bytes.size() / 8;
  const auto add = [this](std::size_t i, std::uint64_t word, bool plus) {
    const Hash128 hash = HashOfWord(i, Canonical(word));
    told_.memory_hash.high += plus ? hash.high : -hash.high;
    told_.memory_hash.low += plus ? hash.low : -hash.low;
  };
  if (memory_.size() != count) {
    memory_.assign(count, 0);
    told_.memory_hash = Hash128();
    for (std::size_t i = 0; i < count; ++i) add(i, 0, true);
  }
  const auto word_at = [&bytes](std::size_t i) {
    std::uint64_t word;
    std::memcpy(&word, &bytes[i * 8], 8);
    return word;
  };
  constexpr std::size_t kBlock = 32;  // words that are compared at once
  for (std::size_t from = 0; from < count; from += kBlock) {
    const std::size_t end = std::min(from + kBlock, count);
    if (std::memcmp(&memory_[from], &bytes[from * 8], (end - from) * 8) == 0) continue;
    for (std::size_t i = from; i < end; ++i) {
      const std::uint64_t word = word_at(i);
      if (word == memory_[i]) continue;
      add(i, memory_[i], false);
      add(i, word, true);
      memory_[i] = word;
    }
  }
}

void StateKey::Begin(const sim::Machine& machine) {
  words_.clear();
  HashMemory(machine.GuestMemory());
  Add(told_.memory_hash.high);
  Add(told_.memory_hash.low);
  machine.AppendRegisters(words_);
  for (int c = 0; c < machine.cpu_count(); ++c) {
    for (int k = 0; k < machine.BufferedCount(c); ++k) {
      const auto held = machine.BufferedAt(c, k);
      Add(held.word);
      Add(held.value);
    }
    for (const Told::Sent& sent : told_.sent) {
      if (sent.cpu == c) Add(sent.known);
    }
  }
  Add(told_.late_loads);
  machine.AppendMemoryOrder(words_);
  for (const std::uint16_t actor : told_.actors) {
    if (told_.known[actor] == 0) continue;
    Add(actor);
    Add(told_.known[actor]);
  }
}

Hash128 StateKey::End() {
  return HashBytes({reinterpret_cast<const char*>(words_.data()), words_.size() * 8});
}

}  // namespace shootdown::explore
