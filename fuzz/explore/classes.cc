#include "fuzz/explore/classes.h"

#include <algorithm>
#include <cstring>

#include "fuzz/base/hash.h"
#include "fuzz/explore/saved_bytes.h"

namespace shootdown::explore {

using sim::LogEntry;
using sim::StepKind;

namespace {

// Names a step by actor and index: an interrupt handler counts its own steps. Never 0, which is no step.
std::uint32_t NameOf(const LogEntry& entry) {
  return ((entry.actor & 0xffu) << 24 | (entry.actor >> 8u) << 16 | entry.index) + 1;
}

bool IsOfCpu(const LogEntry& entry) {
  return sim::IsStep(entry.kind) && !sim::IsOfBuffer(entry.kind);
}

// Whose store the row, a write, is.
const LogEntry& Writer(std::span<const LogEntry> log, sim::Row row) {
  return log[log[row].kind == StepKind::kDrain ? log[row].link : row];
}

// The name of the CPU's last store to the word of the load of row `load`, before it.
std::uint32_t OwnStoreBefore(std::span<const LogEntry> log, sim::Row load) {
  for (sim::Row r = load; r-- > 0;) {
    if (log[r].kind == StepKind::kStore && log[r].cpu == log[load].cpu && log[r].word == log[load].word) {
      return NameOf(log[r]);
    }
  }
  return 0;
}

}  // namespace

// How many rows the run has in common with the one before it.
std::size_t Classes::RowsInCommon(std::span<const LogEntry> log) const {
  const std::size_t count = std::min(log.size(), row_count_);
  std::size_t row = std::min(same_rows_, count);
  while (row < count && std::memcmp(&log[row], &rows_[row].entry, sizeof(LogEntry)) == 0) ++row;
  return row;
}

void Classes::GoBackTo(std::size_t row_count) {
  while (row_count_ != row_count) {
    const Seen& row = rows_[--row_count_];
    if (IsOfCpu(row.entry)) --steps_[row.entry.cpu];
    if (row.last != nullptr) *row.last = row.before;
    reads_from_sum_ = row.reads_from_sum;
    coherence_sum_ = row.coherence_sum;
  }
}

void Classes::Read(const LogEntry& entry, std::uint32_t writer) {
  // Sums: the order in which unrelated steps stand in the log does not matter.
  reads_from_sum_ += Combine(std::uint64_t{NameOf(entry)} << 32 | writer, entry.word);
}

void Classes::Set(std::uint32_t& last, std::uint32_t name, Seen& row) {
  row.last = &last;
  row.before = last;
  last = name;
}

void Classes::Write(std::uint32_t name, Seen& row) {
  std::uint32_t& last = memory_[row.entry.word];
  coherence_sum_ += Combine(std::uint64_t{name} << 32 | last, ~std::uint64_t{row.entry.word});
  Set(last, name, row);
}

// What the row says of its run's class.
void Classes::AddRow(std::span<const LogEntry> log, Seen& row) {
  const LogEntry& entry = row.entry;
  if (IsOfCpu(entry)) ++steps_[entry.cpu];
  const auto own = [&]() -> std::uint32_t& {
    return own_[entry.cpu * memory_.size() + entry.word];
  };
  switch (entry.kind) {
    case StepKind::kLoad:
    case StepKind::kUserLoad:
      if (entry.word == sim::kNoWord || (entry.flags & LogEntry::kHeld) != 0) break;
      if ((entry.flags & LogEntry::kOld) != 0) {
        Read(entry, entry.link == sim::kNoRow ? 0 : NameOf(Writer(log, entry.link)));
        break;
      }
      Read(entry, (entry.flags & LogEntry::kForwarded) != 0 ? own() : memory_[entry.word]);
      break;
    case StepKind::kStore:
    case StepKind::kUserStore:
      if (entry.word == sim::kNoWord) break;
      if ((entry.flags & LogEntry::kHeld) != 0) {
        Set(own(), NameOf(entry), row);
      } else {
        Write(NameOf(entry), row);
      }
      break;
    case StepKind::kDrain:
      Write(NameOf(log[entry.link]), row);
      break;
    case StepKind::kLateLoad: {
      const LogEntry& load = log[entry.link];
      const bool forwarded = (entry.flags & LogEntry::kForwarded) != 0;
      Read(load, forwarded ? OwnStoreBefore(log, entry.link) : memory_[entry.word]);
      break;
    }
    case StepKind::kRmw:
      Read(entry, memory_[entry.word]);
      if ((entry.flags & LogEntry::kUnchanged) == 0) Write(NameOf(entry), row);
      break;
    default:
      break;
  }
}

ClassHash Classes::Of(const sim::Machine& machine) {
  const std::span<const LogEntry> log = machine.log();
  const std::size_t words = const_cast<sim::Machine&>(machine).arena().used_bytes() / 8;
  if (memory_.size() < words) {
    GoBackTo(0);
    memory_.assign(words, 0);
    own_.assign(words * static_cast<std::size_t>(machine.cpu_count()), 0);
  }
  GoBackTo(RowsInCommon(log));
  if (rows_.size() < log.size()) rows_.resize(log.size());
  for (; row_count_ != log.size(); ++row_count_) {
    Seen& row = rows_[row_count_];
    row = {.entry = log[row_count_],
           .reads_from_sum = reads_from_sum_,
           .coherence_sum = coherence_sum_,
           .last = nullptr,
           .before = 0};
    AddRow(log, row);
  }
  same_rows_ = row_count_;
  ClassHash hash{.reads_from = reads_from_sum_, .both = Combine(reads_from_sum_, coherence_sum_)};
  for (int c = 0; c < machine.cpu_count(); ++c) {
    hash.both = Combine(hash.both, steps_[static_cast<std::size_t>(c)]);
  }
  return hash;
}

void Classes::Save(std::string& bytes) const {
  for (const auto* const hashes : {&all_, &reads_from_}) {
    std::vector<std::uint64_t> sorted(hashes->begin(), hashes->end());
    std::ranges::sort(sorted);
    PutAll(bytes, sorted);
  }
}

bool Classes::Join(std::string_view& bytes) {
  for (auto* const hashes : {&all_, &reads_from_}) {
    std::vector<std::uint64_t> others;
    if (!GetAll(bytes, others)) return false;
    hashes->insert(others.begin(), others.end());
  }
  return true;
}

}  // namespace shootdown::explore
