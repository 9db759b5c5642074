#include "fuzz/explore/state_search.h"

#include <string_view>

#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"
#include "fuzz/explore/run_count.h"

namespace shootdown::explore {

using sim::LogEntry;
using sim::StepKind;

StateSearch::StateSearch(sim::Subject& subject, const StateOptions& options)
    : subject_(subject), options_(options) {
  SHOOTDOWN_CHECK(ProcessCount(subject.machine().config()) <= kProcessCountMax);
}

void StateSearch::NewRun() {
  depth_ = 0;
  gave_up_ = false;
  rows_ = 0;
  spent_ = 0;
  last_cpu_ = kNobody;
  seen_by_cpu_.fill(0);
  sent_to_cpu_.fill(0);
  late_loads_ = 0;
  seen_by_thread_.fill(0);
}

// What the rows since the last choice told those who made them.
void StateSearch::Absorb() {
  const std::span<const LogEntry> log = machine().log();
  for (; rows_ < log.size(); ++rows_) {
    const LogEntry& entry = log[rows_];
    if (entry.kind == StepKind::kDrain) continue;  // nobody is told
    if (entry.kind == StepKind::kLateLoad) {       // when it happened does not matter
      const LogEntry& load = log[entry.link];
      late_loads_ += Combine(Combine(load.actor, load.index), entry.value);
      continue;
    }
    const bool late = entry.kind == StepKind::kLoad && (entry.flags & LogEntry::kHeld) != 0;
    const std::uint64_t what = static_cast<std::uint64_t>(entry.kind) << 8 | entry.actor;
    std::uint64_t& seen = seen_by_cpu_[entry.cpu];
    seen = Combine(seen, Combine(Combine(entry.site->hash, late ? 0 : entry.value),
                                 what << 32 | entry.word));
    if (entry.actor < sim::kThreadCountMax) {
      std::uint64_t& thread = seen_by_thread_[entry.actor];
      thread = Combine(thread, seen);
    }
    if (entry.kind == StepKind::kMondoSend) {
      // The sender may count what was sent to the target before.
      std::uint64_t& sent = sent_to_cpu_[entry.value];
      sent = Combine(sent, seen);
      seen = Combine(seen, sent);
    }
  }
}

Hash128 StateSearch::Key() {
  scratch_.clear();
  const auto add = [this](std::uint64_t word) { scratch_.push_back(word); };
  sim::Machine& m = subject_.machine();
  const Hash128 memory = HashBytes({m.arena().base(), m.arena().used_bytes()});
  add(memory.high);
  add(memory.low);
  for (int c = 0; c < cpu_count(); ++c) {
    const auto i = static_cast<std::size_t>(c);
    const Pending& next = pending(c);
    add(seen_by_cpu_[i]);
    add(sent_to_cpu_[i]);
    add(std::uint64_t{next.site->hash} << 32 | next.word);
    add(static_cast<std::uint64_t>(next.kind) << 16 | std::uint64_t{next.actor} << 8 |
        (next.blocked ? 1 : 0));
    for (int k = 0; k < m.BufferedCount(c); ++k) {
      const auto held = m.BufferedAt(c, k);
      add(held.word);
      add(held.value);
    }
  }
  add(late_loads_);
  m.AppendMemoryOrder(scratch_);
  for (const std::uint64_t seen : seen_by_thread_) {
    if (seen != 0) add(seen);
  }
  if (options_.preemptions) add(static_cast<std::uint64_t>(last_cpu_ + 1));
  return HashBytes({reinterpret_cast<const char*>(scratch_.data()), scratch_.size() * 8});
}

std::uint32_t StateSearch::Cost(Process p, ProcessSet enabled) const {
  if (!options_.preemptions || IsBuffer(p) || last_cpu_ == kNobody || CpuOf(p) == last_cpu_) return 0;
  return (enabled & Bit(last_cpu_)) != 0 ? 1 : 0;
}

// Before the step: an RMW's row says what it left behind, not what it found.
void StateSearch::Take(Process p) {
  if (IsBuffer(p)) return;
  last_cpu_ = CpuOf(p);
  const Pending& next = pending(last_cpu_);
  if (next.kind != StepKind::kRmw || next.word == sim::kNoWord) return;
  std::uint64_t& seen = seen_by_cpu_[static_cast<std::size_t>(last_cpu_)];
  seen = Combine(seen, sim::Machine::PeekWord(next.word));
}

Process StateSearch::Choose() {
  Absorb();
  const ProcessSet enabled = Enabled();
  if (depth_ == frames_.size()) {
    if (enabled == 0) return kNobody;
    const auto [at, is_new] = visited_.try_emplace(Key(), spent_);
    if (!is_new) {
      if (at->second <= spent_) {
        gave_up_ = true;
        return kCut;
      }
      at->second = spent_;
    }
    Frame frame{.left = 0, .spent = spent_};
    for (ProcessSet rest = enabled; rest != 0; rest &= rest - 1) {
      const Process p = Lowest(rest);
      if (!options_.preemptions || spent_ + Cost(p, enabled) <= *options_.preemptions) {
        frame.left |= Bit(p);
      }
    }
    // Drains first, then on with the CPU that runs: near the default order.
    const ProcessSet drains = buffers() ? frame.left & WaysOf(current_cpu()) : 0;
    frame.process = drains != 0                              ? Lowest(drains)
                    : (frame.left & Bit(current_cpu())) != 0 ? current_cpu()
                                                             : Lowest(frame.left);
    frame.left &= ~Bit(frame.process);
    frames_.push_back(frame);
  }
  const Process p = frames_[depth_++].process;
  spent_ += Cost(p, enabled);
  Take(p);
  return p;
}

bool StateSearch::Backtrack() {
  while (!frames_.empty()) {
    Frame& f = frames_.back();
    if (f.left != 0) {
      f.process = Lowest(f.left);
      f.left &= f.left - 1;
      return true;
    }
    frames_.pop_back();
  }
  return false;
}

Report StateSearch::Explore() {
  RunCount count(subject_, options_, /*classes=*/false);
  do {
    count.report().states = visited_.size();
    if (count.Stopped() || visited_.size() > options_.state_count_max) return count.report();
    const sim::Violation* const violation = subject_.RunOnce(*this);
    if (gave_up_) {
      count.GivenUp();
    } else {
      count.Ended(violation);
      count.report().states = visited_.size();
      if (violation != nullptr && !options_.go_on) return count.report();
    }
  } while (Backtrack());
  count.report().states = visited_.size();
  count.report().complete = !too_many();
  return count.report();
}

}  // namespace shootdown::explore
