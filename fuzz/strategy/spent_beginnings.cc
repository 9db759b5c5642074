#include "fuzz/strategy/spent_beginnings.h"

#include <algorithm>
#include <utility>

#include "fuzz/base/hash.h"

namespace shootdown {
namespace {

constexpr std::size_t kSlotsAtFirst = std::size_t{1} << 10;
constexpr std::uint32_t kLongRunCountMin = 8;

// Whose step it is counts, wherever it stands.
constexpr auto kFirstEvents = [] {
  std::array<std::uint64_t, kCpuCountMax> events{};
  for (std::size_t c = 0; c < events.size(); ++c) events[c] = Mix64(c + 1);
  return events;
}();

}  // namespace

SpentBeginnings::SpentBeginnings() : slots_(kSlotsAtFirst) {}

void SpentBeginnings::NewRun(const CpuSet& cpus) {
  asks_ = cpus != kNoCpus &&
          long_run_count_ <= std::max<std::uint32_t>(kLongRunCountMin, run_ / 2);
  if (!asks_) return;
  ++run_;
  cpus_ = cpus;
  choosing_ = false;
  beginning_ = cpus == kAllCpus ? 1 : Mix64(cpus.low()) + cpus.high();
  last_ = kFirstEvents;
  begun_.clear();
  choices_.clear();
  nexts_.clear();
  next_cpus_.clear();
}

std::uint64_t SpentBeginnings::EventOf(int cpu, const PendingStep& step) const {
  const std::uint64_t before = last_[static_cast<std::size_t>(cpu)];
  if (!step.known) return Combine(before, 1);
  const std::uint64_t self =
      Combine(before, std::uint64_t{step.site->hash} << 16 |
                          static_cast<std::uint64_t>(step.kind) << 8 | (step.actor.code() & 0xffu) |
                          static_cast<std::uint64_t>(step.actor.code() >> 8) << 48);
  if (step.word == sim::kNoWord) return self;
  const Word& word = words_[step.word % kWordCount];
  if (word.run != run_) return Combine(self, step.word);
  return Combine(self ^ word.write, step.word + (IsWrite(step.kind) ? word.reads : 0));
}

std::size_t SpentBeginnings::Left(std::span<const std::uint8_t> enabled,
                                  std::span<const PendingStep> pending,
                                  std::span<std::uint8_t> out) {
  std::size_t count = 0;
  std::size_t left_count = 0;
  const std::size_t first_next = nexts_.size();
  for (const std::uint8_t c : enabled) {
    if (!Counts(c)) {
      out[count++] = c;
      continue;
    }
    const std::uint64_t next = beginning_ + EventOf(c, pending[c]);
    nexts_.push_back(next);
    next_cpus_.push_back(c);
    if (Spent(next)) continue;
    out[count++] = c;
    ++left_count;
  }
  const std::size_t next_count = nexts_.size() - first_next;
  choosing_ = next_count > 1;
  if (choosing_) {
    choices_.push_back({.first_next = first_next, .next_count = next_count, .taken = begun_.size()});
    if (left_count != 0) return count;
  } else {
    ForgetNexts(first_next);
  }
  std::ranges::copy(enabled, out.begin());
  return enabled.size();
}

void SpentBeginnings::ForgetNexts(std::size_t first) {
  nexts_.resize(first);
  next_cpus_.resize(first);
}

void SpentBeginnings::Chosen(int cpu) {
  if (!choosing_) return;
  choosing_ = false;
  if (!Counts(cpu)) {
    ForgetNexts(choices_.back().first_next);
    choices_.pop_back();
    return;
  }
  Choice& choice = choices_.back();
  choice.chosen = choice.first_next;
  while (next_cpus_[choice.chosen] != cpu) ++choice.chosen;
  if (choices_.size() < kChoiceCountMax) return;
  ++long_run_count_;
  asks_ = false;
}

void SpentBeginnings::Taken(int cpu, const PendingStep& step) {
  if (!Counts(cpu)) return;
  const std::uint64_t event = EventOf(cpu, step);
  last_[static_cast<std::size_t>(cpu)] = event;
  beginning_ += event;
  begun_.push_back(beginning_);
  if (step.word == sim::kNoWord) return;
  Word& word = words_[step.word % kWordCount];
  if (word.run != run_) word = {.run = run_};
  if (IsWrite(step.kind)) {
    word.write = event;
    word.reads = 0;
  } else {
    word.reads += event;
  }
}

void SpentBeginnings::EndRun() {
  if (!asks_) return;
  std::size_t end = begun_.size();
  Spend(beginning_);
  for (; !choices_.empty(); choices_.pop_back()) {
    const Choice& choice = choices_.back();
    // From the end of the run, or from a choice of which nothing is left, back to this one.
    for (; end > choice.taken; --end) Spend(begun_[end - 1]);
    Spend(nexts_[choice.chosen]);
    const auto nexts = std::span(nexts_).subspan(choice.first_next, choice.next_count);
    if (!std::ranges::all_of(nexts, [this](std::uint64_t next) { return Spent(next); })) return;
  }
}

void SpentBeginnings::Clear() {
  slots_.assign(kSlotsAtFirst, 0);
  count_ = 0;
}

bool SpentBeginnings::Spent(std::uint64_t beginning) const {
  for (std::size_t at = SlotOf(beginning);; at = SlotOf(at + 1)) {
    if (slots_[at] == beginning) return true;
    if (slots_[at] == 0) return false;
  }
}

void SpentBeginnings::Spend(std::uint64_t beginning) {
  if (beginning == 0 || count_ == kCountMax) return;
  std::size_t at = SlotOf(beginning);
  for (; slots_[at] != 0; at = SlotOf(at + 1)) {
    if (slots_[at] == beginning) return;
  }
  slots_[at] = beginning;
  if (++count_ * 2 > slots_.size()) Grow();
}

void SpentBeginnings::Grow() {
  const std::vector<std::uint64_t> old =
      std::exchange(slots_, std::vector<std::uint64_t>(slots_.size() * 2));
  for (const std::uint64_t beginning : old) {
    if (beginning == 0) continue;
    std::size_t at = SlotOf(beginning);
    while (slots_[at] != 0) at = SlotOf(at + 1);
    slots_[at] = beginning;
  }
}

}  // namespace shootdown
