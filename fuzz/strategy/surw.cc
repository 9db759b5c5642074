#include "fuzz/strategy/surw.h"

namespace shootdown {

Surw::Surw(std::uint64_t seed)
    : StepChooser(LookAhead::kYes), priorities_(seed), number_(sim::kArenaGuestBytes / 8) {}

void Surw::NewRun(const sim::Machine& /*machine*/) {
  priorities_.DrawAll();
  DrawInteresting();
  ++run_count_;
  DrawIntended();
}

void Surw::DrawInteresting() {
  interesting_ = sim::kNoWord;
  std::uint64_t sum = 0;
  for (const Word& w : words_) {
    if (shared_.Shared(w.word)) sum += w.access_count;
  }
  if (sum == 0) return;
  std::uint64_t at = priorities_.prng().Next() % sum;
  for (const Word& w : words_) {
    if (!shared_.Shared(w.word)) continue;
    if (at < w.access_count) {
      interesting_ = w.word;
      for (std::size_t c = 0; c < left_.size(); ++c) {
        left_[c] = static_cast<std::uint32_t>((w.accesses[c] + run_count_ / 2) / run_count_);
      }
      return;
    }
    at -= w.access_count;
  }
}

void Surw::DrawIntended() {
  intended_ = kNobody;
  if (interesting_ == sim::kNoWord) return;
  std::uint32_t sum = 0;
  for (const std::uint32_t n : left_) sum += n;
  if (sum == 0) return;
  std::uint32_t at = priorities_.prng().Below(sum);
  for (std::size_t c = 0; c < left_.size(); ++c) {
    if (at < left_[c]) {
      intended_ = static_cast<int>(c);
      return;
    }
    at -= left_[c];
  }
}

int Surw::Choose(std::span<const std::uint8_t> enabled, int /*current*/) {
  std::array<std::uint8_t, kCpuCountMax> free;
  std::size_t count = 0;
  for (const std::uint8_t c : enabled) {
    if (!Waits(c)) free[count++] = c;
  }
  // The intention has gone stale when only those wait that are not intended.
  return priorities_.Highest(count != 0 ? std::span<const std::uint8_t>(free.data(), count) : enabled);
}

void Surw::Taken(int cpu) {
  const PendingStep& step = pending(cpu);
  if (step.word == sim::kNoWord) return;
  shared_.Note(cpu, step.word, step.kind);
  std::uint32_t& number = number_[step.word];
  if (number == 0) {
    words_.push_back({.word = step.word});
    number = static_cast<std::uint32_t>(words_.size());
  }
  Word& w = words_[number - 1];
  ++w.accesses[static_cast<std::size_t>(cpu)];
  ++w.access_count;
  if (step.word != interesting_) return;
  std::uint32_t& left = left_[static_cast<std::size_t>(cpu)];
  if (left != 0) --left;
  DrawIntended();
}

}  // namespace shootdown
