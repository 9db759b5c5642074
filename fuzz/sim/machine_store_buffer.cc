// Store buffers of Machine: loads and stores that pass through one, membars, and what leaves when.
//
// Under TSO what a buffer holds leaves in order. Under PSO and RMO (SPARC V9, appendix D) an entry waits for
// an earlier one if both are of one word and it is a store, or if a membar between them says so; under RMO
// the buffer holds loads too whose value nothing needs yet.
#include <algorithm>

#include "fuzz/sim/machine.h"

namespace shootdown::sim {

// ---- what waits for what ---------------------------------------------------------------------------

bool Machine::Precedes(const Held& earlier, const Held& later) {
  if (earlier.row < (earlier.is_load ? later.after_loads : later.after_stores)) return true;
  return earlier.word == later.word && !later.is_load;
}

bool Machine::MayLeave(int cpu, int i) const {
  if (i >= cpus_[cpu].buffer_count) return false;
  const Held& later = HeldAt(cpu, i);
  for (int k = 0; k < i; ++k) {
    if (Precedes(HeldAt(cpu, k), later)) return false;
  }
  return true;
}

bool Machine::BufferBlocksLoad(int cpu) const {
  const Barriers& barriers = rings_[static_cast<std::size_t>(cpu)].barriers;
  for (int i = 0; i < cpus_[cpu].buffer_count; ++i) {
    const Held& held = HeldAt(cpu, i);
    if (held.row < (held.is_load ? barriers.load_load : barriers.store_load)) return true;
  }
  return false;
}

bool Machine::BufferBlocksRmw(int cpu, WordIndex word) const {
  const Barriers& barriers = rings_[static_cast<std::size_t>(cpu)].barriers;
  const Row after_loads = std::max(barriers.load_load, barriers.load_store);
  const Row after_stores = std::max(barriers.store_load, barriers.store_store);
  for (int i = 0; i < cpus_[cpu].buffer_count; ++i) {
    const Held& held = HeldAt(cpu, i);
    if (held.row < (held.is_load ? after_loads : after_stores)) return true;
    if (Arena::IndexOf(held.word) == word) return true;
  }
  return false;
}

// The youngest held store to `word` of CPU `c` from before row `before`, or null.
const Held* Machine::Forward(int c, const std::uint64_t* word, Row before) const {
  for (int i = cpus_[c].buffer_count - 1; i >= 0; --i) {
    const Held& held = HeldAt(c, i);
    if (held.word == word && !held.is_load && held.row < before) return &held;
  }
  return nullptr;
}

// ---- loads, stores, membars ------------------------------------------------------------------------

std::uint64_t Machine::LoadAtOnce(const Site& site, const std::uint64_t* word) {
  if (hot_.through_buffer) ForceOutForLoad();
  LogEntry& entry = Append(site, StepKind::kLoad, Arena::IndexOf(word));
  if (hot_.old_next != 0) return LoadOld(entry);
  if (hot_.through_buffer) return LoadThroughBuffer(entry, word);
  entry.value = *word;
  NoteRead(entry.word, hot_.row - 1);
  return *word;
}

std::uint64_t Machine::LoadThroughBuffer(LogEntry& entry, const std::uint64_t* word) {
  // Who watches accesses sees one of this word, whatever serves it.
  const std::uint64_t in_memory = *static_cast<const volatile std::uint64_t*>(word);
  if (const Held* const held = Forward(hot_.cpu, word, kNoRow); held != nullptr) {
    entry.value = held->value;
    entry.flags = LogEntry::kForwarded;
    return held->value;
  }
  entry.value = in_memory;
  NoteRead(entry.word, static_cast<Row>(&entry - log_.get()));
  return in_memory;
}

Machine::LateLoad Machine::LoadLater(const Site& site, const std::uint64_t* word) {
  const WordIndex w = Arena::IndexOf(word);
  const bool may_wait = config_.memory_model == MemoryModel::kRmo;
  if (--hot_.until == 0) Ask(site, StepKind::kLoad, w, {.may_wait = may_wait});
  if (hot_.hold_next) {
    LogEntry& entry = Append(site, StepKind::kLoad, w);
    entry.value = 0;
    Buffer(entry, const_cast<std::uint64_t*>(word), 0, /*is_load=*/true);
    return {static_cast<Row>(&entry - log_.get())};
  }
  (void)LoadAtOnce(site, word);
  return {hot_.row - 1};
}

std::uint64_t Machine::ValueOf(LateLoad load) {
  const LogEntry& entry = log_[load.row];
  if ((entry.flags & LogEntry::kHeld) == 0) return entry.value;
  const auto happened = [this, load, cpu = entry.cpu] {
    for (int i = 0; i < cpus_[cpu].buffer_count; ++i) {
      if (HeldAt(cpu, i).row == load.row) return false;
    }
    return true;
  };
  using Happened = decltype(happened);
  // No WaitUntil: that would order loads.
  if (!happened()) {
    Block({.pred = [](const void* p) { return (*static_cast<const Happened*>(p))(); },
           .argument = &happened,
           .site = entry.site,
           .kind = WaitKind::kBlocked});
  }
  return entry.value;
}

void Machine::Fence(const Site& site) { BeginDrained(site, StepKind::kFence, kNoWord).value = 0; }

void Machine::Membar(const Site& site, MembarMask mask) {
  mask &= MaskThatMatters(config_.memory_model);
  if (mask == 0) return;
  if (!weak()) {  // what is left orders stores before loads
    BeginDrained(site, StepKind::kFence, kNoWord).value = mask;
    return;
  }
  if (--hot_.until == 0) Ask(site, StepKind::kFence, kNoWord, {.membar = mask});
  LogEntry& entry = Append(site, StepKind::kFence, kNoWord);
  entry.value = mask;
  const Row row = static_cast<Row>(&entry - log_.get());
  Barriers& barriers = rings_[hot_.cpu].barriers;
  if ((mask & kLoadLoad) != 0) barriers.load_load = row;
  if ((mask & kStoreLoad) != 0) barriers.store_load = row;
  if ((mask & kLoadStore) != 0) barriers.load_store = row;
  if ((mask & kStoreStore) != 0) barriers.store_store = row;
}

// ---- in and out ------------------------------------------------------------------------------------

void Machine::Buffer(LogEntry& entry, std::uint64_t* word, std::uint64_t value, bool is_load) {
  Cpu& cpu = cpus_[hot_.cpu];
  entry.flags = LogEntry::kHeld;
  const Row row = static_cast<Row>(&entry - log_.get());
  const Barriers& barriers = rings_[hot_.cpu].barriers;
  Held held{.word = word,
            .value = value,
            .row = row,
            .after_stores = is_load ? barriers.store_load : weak() ? barriers.store_store : row,
            .after_loads = is_load ? barriers.load_load : barriers.load_store,
            .expires = kNever,
            .actor = hot_.actor,
            .held = hot_.hold_next,
            .is_load = is_load};
  if (hot_.hold_next && hot_.hold_arg != 0) held.expires = entry.index + hot_.hold_arg + 1;
  hot_.hold_next = false;
  if (cpu.buffer_count == config_.store_buffer_entries) Leave(hot_.cpu, 0);
  ++cpu.buffer_count;
  HeldAt(hot_.cpu, cpu.buffer_count - 1) = held;
  hot_.through_buffer = true;
  DrainFollowers(hot_.cpu);
  RefreshUntil(*hot_.index);
}

// What stands at place `i`, whether or not others should leave first.
void Machine::Leave(int c, int i) {
  Cpu& cpu = cpus_[c];
  SHOOTDOWN_CHECK(i < cpu.buffer_count);
  const Held held = HeldAt(c, i);
  for (; i > 0; --i) HeldAt(c, i) = HeldAt(c, i - 1);
  cpu.buffer_head = static_cast<std::uint8_t>((cpu.buffer_head + 1) % kRingMax);
  --cpu.buffer_count;
  if (hot_.until > 1) --hot_.until;  // as in AppendRow: the budget counts rows, whoever is asked
  LogEntry& entry = log_[hot_.row++];
  entry = {.site = log_[held.row].site,
           .value = held.value,
           .word = Arena::IndexOf(held.word),
           .link = held.row,
           .index = static_cast<std::uint16_t>(index_[IndexSlot(BufferActor(c).code())]++),
           .actor = BufferActor(c).code(),
           .kind = held.is_load ? StepKind::kLateLoad : StepKind::kDrain,
           .cpu = static_cast<std::uint8_t>(c),
           .flags = 0};
  if (held.is_load) {
    const Held* const own = Forward(c, held.word, held.row);
    entry.value = own != nullptr ? own->value : *held.word;
    if (own != nullptr) entry.flags = LogEntry::kForwarded;
    log_[held.row].value = entry.value;
    if (own == nullptr) NoteReadBy(c, entry.word, hot_.row - 1);
  } else {
    NoteWrite(entry.word, hot_.row - 1);
    *held.word = held.value;
  }
  if (c == hot_.cpu) hot_.through_buffer = cpu.buffer_count != 0 || hot_.hold_next;
}

// What stands at place `i`, and before it all that it waits for.
void Machine::ForceOut(int c, int i) {
  const Row row = HeldAt(c, i).row;
  for (int k = 0; k < cpus_[c].buffer_count && HeldAt(c, k).row < row;) {
    int self = k;
    while (HeldAt(c, self).row != row) ++self;
    if (Precedes(HeldAt(c, k), HeldAt(c, self))) {
      ForceOut(c, k);
      k = 0;
    } else {
      ++k;
    }
  }
  int self = 0;
  while (HeldAt(c, self).row != row) ++self;
  Leave(c, self);
}

void Machine::ForceOutForLoad() {
  const int c = hot_.cpu;
  const Barriers& barriers = rings_[c].barriers;
  for (int i = 0; i < cpus_[c].buffer_count;) {
    const Held& held = HeldAt(c, i);
    if (held.row < (held.is_load ? barriers.load_load : barriers.store_load)) {
      ForceOut(c, i);
      i = 0;
    } else {
      ++i;
    }
  }
  DrainFollowers(c);
}

void Machine::ForceOutForRmw(const std::uint64_t* word) {
  const int c = hot_.cpu;
  const Barriers& barriers = rings_[c].barriers;
  const Row after_loads = std::max(barriers.load_load, barriers.load_store);
  const Row after_stores = std::max(barriers.store_load, barriers.store_store);
  for (int i = 0; i < cpus_[c].buffer_count;) {
    const Held& held = HeldAt(c, i);
    if (held.row < (held.is_load ? after_loads : after_stores) || held.word == word) {
      ForceOut(c, i);
      i = 0;
    } else {
      ++i;
    }
  }
  DrainFollowers(c);
}

// What no decision holds leaves as soon as nothing that it waits for is left.
void Machine::DrainFollowers(int c) {
  const Cpu& cpu = cpus_[c];
  for (int i = 0; i < (weak() ? cpu.buffer_count : std::min<int>(cpu.buffer_count, 1));) {
    if (!HeldAt(c, i).held && MayLeave(c, i)) {
      Leave(c, i);
      i = 0;
    } else {
      ++i;
    }
  }
}

void Machine::DrainAll(int cpu) {
  while (cpus_[cpu].buffer_count != 0) Leave(cpu, 0);
}

// What is held no longer leaves, and with it what has to leave before.
void Machine::DrainExpired() {
  const int c = hot_.cpu;
  for (int i = 0; i < cpus_[c].buffer_count;) {
    const Held& held = HeldAt(c, i);
    if (held.actor == hot_.actor && *hot_.index >= held.expires) {
      ForceOut(c, i);
      i = 0;
    } else {
      ++i;
    }
  }
  DrainFollowers(c);
}

}  // namespace shootdown::sim
