// Loads of Machine that come early, under RMO: a load may give a value that its word held before,
// if in some legal memory order (SPARC V9, appendix D) it comes before the stores that replaced the
// value.
//
// Time is counted in rows of the log: stores happen at their row (or that of their drain), and a
// load at a *moment* between two rows. A plain load takes its step at once; in memory order it may
// stand as far back as nothing before it forbids, and as its value was there. So an old value is
// allowed if it was there at a moment which is not before the load's *floor*:
//   - the moments of the CPU's loads before a membar #LoadLoad, and of its stores before a #StoreLoad;
//   - the moment of a load that gave the address: D.3.3, dependence. That is seen where a word holds a
//     pointer to the object that is loaded from; what depends in other ways must say so with a membar;
//   - an RMW that is a fence, a cross call sent or taken, a demap, a write of a context register (each
//     comes with a membar #Sync), and the end of a wait (WaitUntil): guest code waits as with an acquire.
// Nor is there an old value beyond the CPU's own last store to the word (the value axiom).
//
// Nothing is kept for this while a run goes on: it is read from the log when a decision asks for it.
#include <algorithm>
#include <cstring>

#include "fuzz/sim/machine.h"

namespace shootdown::sim {

// What a CPU's steps so far say of its next load. Moment m is just before row m.
struct Machine::LoadOrder {
  Row floor = 0;    // of a load that is taken now
  Row loads = 0;    // the last moment of a load so far
  Row stores = 0;   // just after the last store that reached memory
  Row address = 0;  // the last moment of a load that gave a pointer to the object in question
  // The row of the last membar with each bit: what was put off before it, and happens later, counts for it.
  Row load_load = 0;
  Row store_load = 0;

  // The earliest moment, from `from` on, at which the word held what it held just before row `row`.
  [[nodiscard]] static Row MomentOfValue(std::span<const LogEntry> rows, WordIndex word, Row row, Row from) {
    for (Row r = row; r-- > from;) {
      if (rows[r].word == word && WritesMemory(rows[r])) return r + 1;
    }
    return from;
  }
  // Of the load that happens in row `row`: as early as may be.
  [[nodiscard]] static Row MomentOfLoad(std::span<const LogEntry> rows, Row row, Row from) {
    const LogEntry& load = rows[row];
    if ((load.flags & LogEntry::kOld) != 0) return std::max(from, load.link == kNoRow ? 0 : load.link + 1);
    if ((load.flags & LogEntry::kForwarded) != 0) return from;
    return MomentOfValue(rows, load.word, row, from);
  }

  void Raise(Row moment) { floor = std::max(floor, moment); }
  void AddMembar(MembarMask mask, Row row) {
    if ((mask & kLoadLoad) != 0) {
      Raise(loads);
      load_load = row;
    }
    if ((mask & kStoreLoad) != 0) {
      Raise(stores);
      store_load = row;
    }
  }
};

bool Machine::WritesMemory(const LogEntry& entry) {
  switch (entry.kind) {
    case StepKind::kStore:
      return (entry.flags & LogEntry::kHeld) == 0;
    case StepKind::kUserStore:
      return entry.word != kNoWord;
    case StepKind::kRmw:
    case StepKind::kDrain:
      return true;
    default:
      return false;
  }
}

// The floor that the load of row `row`, which was put off, found: it comes before later membars.
Row Machine::FloorOfLate(Row row) const {
  return std::ranges::find(late_floors_, row, &std::pair<Row, Row>::first)->second;
}

Machine::LoadOrder Machine::OrderOf(int cpu, WordIndex word) const {
  LoadOrder order;
  const WordIndex object = arena_.ObjectOf(word);
  moments_.clear();
  late_floors_.clear();
  const auto add_load = [&](const LogEntry& entry, Row moment) {
    order.loads = std::max(order.loads, moment);
    moments_.push_back(moment);
    if (object != 0 && entry.value == object) order.address = std::max(order.address, moment);
  };
  const std::span<const LogEntry> rows = log();
  for (Row r = 0; r < rows.size(); ++r) {
    const LogEntry& e = rows[r];
    if (e.cpu != cpu) continue;
    switch (e.kind) {
      case StepKind::kLoad:
        if ((e.flags & LogEntry::kHeld) != 0) {
          late_floors_.emplace_back(r, order.floor);
        } else {
          add_load(e, LoadOrder::MomentOfLoad(rows, r, order.floor));
        }
        break;
      case StepKind::kLateLoad: {
        const Row moment = LoadOrder::MomentOfLoad(rows, r, FloorOfLate(e.link));
        add_load(e, moment);
        if (e.link < order.load_load) order.Raise(moment);
        break;
      }
      case StepKind::kStore:
        if ((e.flags & LogEntry::kHeld) == 0) order.stores = r + 1;
        break;
      case StepKind::kDrain:
        order.stores = r + 1;
        if (e.link < order.store_load) order.floor = r + 1;
        break;
      case StepKind::kRmw:
        order.loads = order.stores = r + 1;
        if ((e.flags & LogEntry::kUnordered) == 0) order.floor = r + 1;
        break;
      case StepKind::kFence:
        order.AddMembar(e.value == 0 ? kMembarAll : static_cast<MembarMask>(e.value), r);
        break;
      case StepKind::kMondoSend:
      case StepKind::kMondoNack:
      case StepKind::kMondoTaken:
      case StepKind::kContextWrite:
      case StepKind::kDemap:
        order.floor = r + 1;
        break;
      default:
        break;
    }
  }
  order.Raise(rings_[static_cast<std::size_t>(cpu)].barriers.waited);
  return order;
}

int Machine::CountOldValues(int cpu, WordIndex word, const LoadOrder& order) const {
  const Row floor = std::max(order.floor, order.address);
  int count = 0;
  for (Row r = hot_.row; r-- > floor;) {
    const LogEntry& e = log_[r];
    if (e.word != word || !WritesMemory(e)) continue;
    if (e.cpu == cpu) break;
    ++count;
  }
  return std::min(count, 255);
}

int Machine::OldValueCount(int cpu, WordIndex word) const {
  if (config_.memory_model != MemoryModel::kRmo || word == kNoWord) return 0;
  const Row last = shadow_[word].write;
  if (last < base_ || last == kPoisoned || log_[last - base_].cpu == cpu) return 0;
  // What leaves the buffer only now, for this load, would not be in the log yet, and so not in its floor.
  if (BufferBlocksLoad(cpu)) return 0;
  const auto* const address = reinterpret_cast<const std::uint64_t*>(kArenaBase) + word;
  if (Forward(cpu, address, kNoRow) != nullptr) return 0;
  return CountOldValues(cpu, word, OrderOf(cpu, word));
}

// What memory held just before row `row`.
std::uint64_t Machine::ValueBefore(WordIndex word, Row row) const {
  for (Row r = row; r-- > 0;) {
    if (log_[r].word == word && WritesMemory(log_[r])) return log_[r].value;
  }
  std::uint64_t value = 0;
  std::memcpy(&value, snapshot_.data() + std::size_t{word} * 8, sizeof(value));
  return value;
}

std::uint64_t Machine::LoadOld(LogEntry& entry) {
  const Row row = static_cast<Row>(&entry - log_.get());
  Row r = row;
  for (int left = hot_.old_next; left > 0 && r > 0;) {
    --r;
    if (log_[r].word == entry.word && WritesMemory(log_[r])) --left;
  }
  hot_.old_next = 0;
  entry.flags = LogEntry::kOld;
  entry.value = ValueBefore(entry.word, r);
  for (; r > 0; --r) {
    if (log_[r - 1].word != entry.word || !WritesMemory(log_[r - 1])) continue;
    entry.link = r - 1;
    break;
  }
  NoteRead(entry.word, row);
  return entry.value;
}

void Machine::AppendMemoryOrder(std::vector<std::uint64_t>& out) const {
  if (!weak()) return;
  for (int c = 0; c < config_.cpu_count; ++c) {
    const Barriers& barriers = rings_[static_cast<std::size_t>(c)].barriers;
    for (int i = 0; i < cpus_[c].buffer_count; ++i) {
      const Held& held = HeldAt(c, i);
      std::uint64_t waits = held.is_load ? 1 : 0;
      for (int k = 0; k < i; ++k) waits = waits * 2 + (Precedes(HeldAt(c, k), held) ? 1 : 0);
      waits = waits * 2 + (held.row < (held.is_load ? barriers.load_load : barriers.store_load));
      waits = waits * 2 + (held.row < (held.is_load ? barriers.load_store : barriers.store_store));
      out.push_back(waits);
    }
  }
  if (config_.memory_model != MemoryModel::kRmo) return;

  // Which stores came since the earliest moment at which anybody may still load, and where among
  // them each CPU's moments are.
  Row window = hot_.row;
  for (int c = 0; c < config_.cpu_count; ++c) window = std::min(window, OrderOf(c, kNoWord).floor);
  for (Row r = window; r < hot_.row; ++r) {
    const LogEntry& e = log_[r];
    if (!WritesMemory(e)) continue;
    out.push_back(std::uint64_t{e.cpu} << 32 | e.word);
    out.push_back(ValueBefore(e.word, r));
    out.push_back(e.value);
  }
  const auto rank = [&](Row moment) {
    std::uint64_t count = 0;
    for (Row r = window; r < moment; ++r) count += WritesMemory(log_[r]) ? 1 : 0;
    return count;
  };
  for (int c = 0; c < config_.cpu_count; ++c) {
    const LoadOrder order = OrderOf(c, kNoWord);
    out.push_back(rank(order.floor) << 32 | rank(order.loads));
    out.push_back(rank(order.stores));
    for (std::size_t k = 0; k < moments_.size(); ++k) {
      if (moments_[k] > order.floor) out.push_back(std::uint64_t{k} << 32 | rank(moments_[k]));
    }
    for (int i = 0; i < cpus_[c].buffer_count; ++i) {
      if (HeldAt(c, i).is_load) out.push_back(rank(FloorOfLate(HeldAt(c, i).row)));
    }
  }
}

}  // namespace shootdown::sim
