#include "fuzz/explore/lingering_stores.h"

#include <algorithm>
#include <iterator>

#include "fuzz/base/check.h"
#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {

using sim::LogEntry;
using sim::Machine;
using sim::StepKind;
using sim::WordIndex;

namespace {

constexpr std::uint64_t BitOf(int cpu) { return std::uint64_t{1} << cpu; }

// Both in order. False: it is there already.
bool Insert(std::vector<std::uint64_t>& numbers, std::uint64_t number) {
  const auto at = std::ranges::lower_bound(numbers, number);
  if (at != numbers.end() && *at == number) return false;
  numbers.insert(at, number);
  return true;
}

}  // namespace

LingeringStores::LingeringStores(const Machine& machine, WordUsers& users, UseLeftOut left_out)
    : users_(users), left_out_(left_out), capacity_(machine.config().store_buffer_entries) {
  SHOOTDOWN_CHECK(capacity_ <= kEntriesMax);
  standing_.buffers.resize(static_cast<std::size_t>(machine.cpu_count()));
}

void LingeringStores::BeginRun() {
  rows_ = 0;
  NothingWaits();
  standing_.mistaken = false;
}

void LingeringStores::BeginAt(std::size_t rows, const Standing& standing) {
  rows_ = rows;
  standing_ = standing;
  // Looks of other runs.
  for (const Buffer& buffer : standing_.buffers) {
    for (const Entry& entry : buffer.all()) (void)users_.TakeLooks(entry.word);
  }
}

void LingeringStores::NothingWaits() {
  for (Buffer& buffer : standing_.buffers) buffer.count = 0;
}

// ---- what could be waiting ----------------------------------------------------------------------

void LingeringStores::DropFirst(Buffer& buffer, int count) const {
  const auto first = buffer.entries.begin();
  const auto is_own = [](const Entry& entry) { return entry.state == Entry::State::kOwn; };
  auto from = first + count;
  const auto end = first + buffer.count;
  // Nobody cares when those left.
  from = std::find_if_not(from, end, is_own);
  buffer.count = static_cast<std::uint8_t>(std::move(from, end, first) - first);
}

void LingeringStores::Push(Buffer& buffer, const Entry& entry) const {
  if (buffer.count == capacity_) {
    SHOOTDOWN_CHECK(buffer.entries[0].state != Entry::State::kWaits);
    DropFirst(buffer, 1);
  }
  if (buffer.count == 0 && entry.state == Entry::State::kOwn) return;
  buffer.entries[buffer.count++] = entry;
}

// What becomes of a store of CPU `cpu` that has reached memory; kWaits: its moment was chosen.
LingeringStores::Entry::State LingeringStores::StateOnceLeft(int cpu, const Entry& entry) const {
  if (users_.IsReliedOn(cpu, entry.word)) return Entry::State::kOwn;
  return Unseen(entry.site, entry.word) ? Entry::State::kEarly : Entry::State::kWaits;
}

// The first one that waits has left.
void LingeringStores::Drained(int cpu) {
  Buffer& buffer = standing_.buffers[static_cast<std::size_t>(cpu)];
  int first = 0;
  while (buffer.entries[static_cast<std::size_t>(first)].state != Entry::State::kWaits) {
    SHOOTDOWN_CHECK(++first < buffer.count);
  }
  if (left_out_ == UseLeftOut::kOrder) {
    DropFirst(buffer, first);
    first = 0;
  }
  Entry& entry = buffer.entries[static_cast<std::size_t>(first)];
  entry.state = StateOnceLeft(cpu, entry);
  DropFirst(buffer, entry.state == Entry::State::kWaits ? first + 1 : 0);
}

// ---- who uses it --------------------------------------------------------------------------------

// Somebody of those CPUs uses the word; all of them: it is memory that is looked at.
void LingeringStores::Used(std::uint64_t cpus, WordIndex word) {
  if (standing_.mistaken) return;
  for (std::size_t c = 0; c < standing_.buffers.size(); ++c) {
    if ((cpus & ~BitOf(static_cast<int>(c))) == 0) continue;
    for (const Entry& entry : standing_.buffers[c].all()) {
      if (entry.word != word || entry.state != Entry::State::kEarly) continue;
      standing_.mistaken = true;
      const Store store = StoreOf(entry.site, entry.word);
      if (Insert(mistaken_, store)) news_.push_back(store);
    }
  }
}

// A store of this CPU reaches memory.
void LingeringStores::Written(int cpu, WordIndex word) {
  if (left_out_ != UseLeftOut::kDrains) Used(BitOf(cpu), word);
}

void LingeringStores::LookForLooks() {
  for (const Buffer& buffer : standing_.buffers) {
    for (const Entry& entry : buffer.all()) {
      if (entry.state != Entry::State::kEarly) continue;
      if (const std::uint64_t cpus = users_.TakeLooks(entry.word); cpus != 0) {
        Used(cpus, entry.word);
      }
    }
  }
}

void LingeringStores::AbsorbRow(const LogEntry& entry) {
  const int cpu = entry.cpu;
  Buffer& buffer = standing_.buffers[entry.cpu];
  const Entry stored{.word = entry.word, .site = entry.site->hash, .state = Entry::State::kWaits};
  switch (entry.kind) {
    case StepKind::kStore:
      if ((entry.flags & LogEntry::kHeld) != 0) {
        Push(buffer, stored);
        return;
      }
      Written(cpu, entry.word);
      if (left_out_ == UseLeftOut::kOrder) buffer.count = 0;
      if (const auto state = StateOnceLeft(cpu, stored); state != Entry::State::kWaits) {
        Push(buffer, {.word = stored.word, .site = stored.site, .state = state});
      } else {
        buffer.count = 0;
      }
      return;
    case StepKind::kDrain:
      Written(cpu, entry.word);
      Drained(cpu);
      return;
    case StepKind::kLoad:
      if (left_out_ == UseLeftOut::kSteps) return;
      if ((entry.flags & LogEntry::kForwarded) == 0) Used(BitOf(cpu), entry.word);
      return;
    case StepKind::kUserLoad:
    case StepKind::kUserStore:  // past the CPU's own buffer
      if (entry.word != sim::kNoWord) Used(Machine::kEverybody, entry.word);
      return;
    case StepKind::kRmw:
      Used(BitOf(cpu), entry.word);
      buffer.count = 0;
      return;
    case StepKind::kFence:
    case StepKind::kMondoSend:
    case StepKind::kMondoNack:
      buffer.count = 0;
      return;
    default:
      if (entry.word != sim::kNoWord) Used(BitOf(cpu), entry.word);
  }
}

void LingeringStores::Absorb(const Machine& machine) {
  const auto log = machine.log();
  for (; rows_ < log.size(); ++rows_) AbsorbRow(log[rows_]);
  LookForLooks();
}

void LingeringStores::Chosen(WordIndex word) {
  LookForLooks();
  if (word != sim::kNoWord) (void)users_.TakeLooks(word);
}

bool LingeringStores::Unseen(std::uint32_t site, WordIndex word) const {
  return !std::ranges::binary_search(seen_, StoreOf(site, word));
}

bool LingeringStores::FirstThatWaitsIsUnseen(int cpu) const {
  const auto stores = standing_.buffers[static_cast<std::size_t>(cpu)].all();
  const auto first = std::ranges::find(stores, Entry::State::kWaits, &Entry::state);
  return first != stores.end() && Unseen(first->site, first->word);
}

// ---- what was learned ---------------------------------------------------------------------------

bool LingeringStores::Contradicted() const {
  return left_out_ != UseLeftOut::kContradictions && !mistaken_.empty();
}

void LingeringStores::BeginAnew() {
  for (const Store store : mistaken_) (void)Insert(seen_, store);
  mistaken_.clear();
  news_.clear();
}

void LingeringStores::SaveNews(std::string& bytes) {
  PutAll(bytes, std::vector<Store>());
  PutAll(bytes, news_);
  news_.clear();
}

bool LingeringStores::Learn(std::string_view& bytes) {
  std::vector<Store> stores;
  if (!GetAll(bytes, stores)) return false;
  for (const Store store : stores) (void)Insert(seen_, store);
  if (!GetAll(bytes, stores)) return false;
  for (const Store store : stores) (void)Insert(mistaken_, store);
  return true;
}

void LingeringStores::SaveAll(std::string& bytes) const {
  PutAll(bytes, seen_);
  PutAll(bytes, mistaken_);
}

}  // namespace shootdown::explore
