// Store buffers of Machine: loads and stores that pass through one, and drains.
#include "fuzz/sim/machine.h"

namespace shootdown::sim {

// The youngest held store to `word` of CPU `c`, or null.
const Machine::HeldStore* Machine::Forward(int c, const std::uint64_t* word) const {
  const Cpu& cpu = cpus_[c];
  const Rings& rings = rings_[static_cast<std::size_t>(c)];
  for (int i = cpu.buffer_count - 1; i >= 0; --i) {
    const HeldStore& held = rings.store[static_cast<std::size_t>((cpu.buffer_head + i) % kRingMax)];
    if (held.word == word) return &held;
  }
  return nullptr;
}

std::uint64_t Machine::LoadSlowly(const Site& site, const std::uint64_t* word) {
  LogEntry& entry = Begin(site, StepKind::kLoad, Arena::IndexOf(word));
  if (hot_.through_buffer) return LoadThroughBuffer(entry, word);
  entry.value = *word;
  NoteRead(entry.word, hot_.row - 1);
  return *word;
}

void Machine::StoreSlowly(const Site& site, std::uint64_t* word, std::uint64_t value) {
  LogEntry& entry = Begin(site, StepKind::kStore, Arena::IndexOf(word));
  entry.value = value;
  if (hot_.through_buffer) {
    BufferStore(entry, word, value);
    return;
  }
  NoteWrite(entry.word, hot_.row - 1);
  *word = value;
}

std::uint64_t Machine::LoadThroughBuffer(LogEntry& entry, const std::uint64_t* word) {
  if (const HeldStore* const held = Forward(hot_.cpu, word); held != nullptr) {
    entry.value = held->value;
    entry.flags = LogEntry::kForwarded;
    return held->value;
  }
  entry.value = *word;
  NoteRead(entry.word, static_cast<Row>(&entry - log_.get()));
  return *word;
}

void Machine::BufferStore(LogEntry& entry, std::uint64_t* word, std::uint64_t value) {
  Cpu& cpu = cpus_[hot_.cpu];
  entry.flags = LogEntry::kHeld;
  const Row row = static_cast<Row>(&entry - log_.get());
  HeldStore held{.word = word,
                 .value = value,
                 .row = row,
                 .expires = kNever,
                 .actor = hot_.actor,
                 .held = hot_.hold_next};
  if (hot_.hold_next && hot_.hold_arg != 0) held.expires = entry.index + hot_.hold_arg + 1;
  hot_.hold_next = false;
  if (cpu.buffer_count == config_.store_buffer_entries) DrainOne(hot_.cpu);
  rings_[hot_.cpu]
      .store[static_cast<std::size_t>((cpu.buffer_head + cpu.buffer_count) % kRingMax)] = held;
  ++cpu.buffer_count;
  hot_.through_buffer = true;
  DrainFollowers(hot_.cpu);
  RefreshUntil(*hot_.index);
}

void Machine::DrainOne(int c) {
  Cpu& cpu = cpus_[c];
  SHOOTDOWN_CHECK(cpu.buffer_count != 0);
  const HeldStore held = rings_[static_cast<std::size_t>(c)].store[cpu.buffer_head];
  cpu.buffer_head = static_cast<std::uint8_t>((cpu.buffer_head + 1) % kRingMax);
  --cpu.buffer_count;
  const WordIndex w = Arena::IndexOf(held.word);
  LogEntry& entry = log_[hot_.row++];
  entry = {.site = log_[held.row].site,
           .value = held.value,
           .word = w,
           .index = index_[BufferActor(c).byte()]++,
           .link = held.row,
           .kind = StepKind::kDrain,
           .cpu = static_cast<std::uint8_t>(c),
           .actor = BufferActor(c).byte(),
           .flags = 0};
  NoteWrite(w, hot_.row - 1);
  *held.word = held.value;
  if (c == hot_.cpu) hot_.through_buffer = cpu.buffer_count != 0 || hot_.hold_next;
}

// Stores that no decision holds leave as soon as nothing is before them.
void Machine::DrainFollowers(int c) {
  const Cpu& cpu = cpus_[c];
  while (cpu.buffer_count != 0 &&
         !rings_[static_cast<std::size_t>(c)].store[cpu.buffer_head].held) {
    DrainOne(c);
  }
}

void Machine::DrainAll(int cpu) {
  while (cpus_[cpu].buffer_count != 0) DrainOne(cpu);
}

// Stores whose time is up reach memory, and with them those before them.
void Machine::DrainExpired() {
  const Cpu& cpu = cpus_[hot_.cpu];
  int expired = 0;
  for (int i = 0; i < cpu.buffer_count; ++i) {
    const HeldStore& held =
        rings_[hot_.cpu].store[static_cast<std::size_t>((cpu.buffer_head + i) % kRingMax)];
    if (held.actor == hot_.actor && *hot_.index >= held.expires) expired = i + 1;
  }
  for (; expired > 0; --expired) DrainOne(hot_.cpu);
  DrainFollowers(hot_.cpu);
}

}  // namespace shootdown::sim
