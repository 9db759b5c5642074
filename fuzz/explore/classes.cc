#include "fuzz/explore/classes.h"

#include <array>

#include "fuzz/base/hash.h"

namespace shootdown::explore {

using sim::LogEntry;
using sim::StepKind;

namespace {

// Names a step by actor and index: an interrupt handler counts its own steps. Never 0, which is no step.
std::uint32_t NameOf(const LogEntry& entry) {
  return (static_cast<std::uint32_t>(entry.actor) << 24 | entry.index) + 1;
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

ClassHash Classes::Of(const sim::Machine& machine) {
  const std::span<const LogEntry> log = machine.log();
  const std::size_t words = const_cast<sim::Machine&>(machine).arena().used_bytes() / 8;
  if (memory_.size() < words) {
    memory_.resize(words);
    own_.resize(words * static_cast<std::size_t>(machine.cpu_count()));
  }
  ++run_;
  ClassHash hash;
  std::uint64_t coherence = 0;
  std::array<std::uint32_t, kCpuCountMax> steps{};
  const auto get = [&](const LastWrite& last) { return last.run == run_ ? last.writer : 0; };
  // Sums: the order in which unrelated steps stand in the log does not matter.
  const auto read = [&](const LogEntry& entry, std::uint32_t writer) {
    hash.reads_from += Combine(std::uint64_t{NameOf(entry)} << 32 | writer, entry.word);
  };
  const auto write = [&](const LogEntry& entry, std::uint32_t name) {
    LastWrite& last = memory_[entry.word];
    coherence += Combine(std::uint64_t{name} << 32 | get(last), ~std::uint64_t{entry.word});
    last = {run_, name};
  };
  for (const LogEntry& entry : log) {
    switch (entry.kind) {
      case StepKind::kLoad:
      case StepKind::kUserLoad: {
        if (entry.word == sim::kNoWord || (entry.flags & LogEntry::kHeld) != 0) break;
        if ((entry.flags & LogEntry::kOld) != 0) {
          read(entry, entry.link == sim::kNoRow ? 0 : NameOf(Writer(log, entry.link)));
          break;
        }
        const bool own = (entry.flags & LogEntry::kForwarded) != 0;
        read(entry, get(own ? own_[entry.cpu * memory_.size() + entry.word] : memory_[entry.word]));
        break;
      }
      case StepKind::kStore:
      case StepKind::kUserStore:
        if (entry.word == sim::kNoWord) break;
        if ((entry.flags & LogEntry::kHeld) != 0) {
          own_[entry.cpu * memory_.size() + entry.word] = {run_, NameOf(entry)};
        } else {
          write(entry, NameOf(entry));
        }
        break;
      case StepKind::kDrain:
        write(entry, NameOf(log[entry.link]));
        break;
      case StepKind::kLateLoad: {
        const LogEntry& load = log[entry.link];
        const bool own = (entry.flags & LogEntry::kForwarded) != 0;
        read(load, own ? OwnStoreBefore(log, entry.link) : get(memory_[entry.word]));
        break;
      }
      case StepKind::kRmw:
        read(entry, get(memory_[entry.word]));
        if ((entry.flags & LogEntry::kUnchanged) == 0) write(entry, NameOf(entry));
        break;
      default:
        break;
    }
    if (sim::IsStep(entry.kind) && !sim::IsOfBuffer(entry.kind)) ++steps[entry.cpu];
  }
  hash.both = Combine(hash.reads_from, coherence);
  for (int c = 0; c < machine.cpu_count(); ++c) {
    hash.both = Combine(hash.both, steps[static_cast<std::size_t>(c)]);
  }
  return hash;
}

}  // namespace shootdown::explore
