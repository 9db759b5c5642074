#include "fuzz/strategy/chosen_word.h"

#include <algorithm>

namespace shootdown {

ChosenWord::ChosenWord() : number_(sim::kArenaGuestBytes / 8) {}

void ChosenWord::NewRun(const CpuSet& cpus, Prng& prng) {
  word_ = sim::kNoWord;
  if (cpus != kNoCpus) DrawWord(cpus, prng);
  ++run_count_;
  DrawIntended(prng);
}

void ChosenWord::DrawWord(const CpuSet& cpus, Prng& prng) {
  const auto eligible = [&](const Accesses& a) {
    return shared_.Shared(a.word) && (a.cpus & cpus) != kNoCpus;
  };
  std::uint64_t sum = 0;
  for (const Accesses& a : accesses_) {
    if (eligible(a)) sum += a.count;
  }
  if (sum == 0) return;
  std::uint64_t at = prng.Next() % sum;
  for (const Accesses& a : accesses_) {
    if (!eligible(a)) continue;
    if (at < a.count) {
      word_ = a.word;
      for (std::size_t c = 0; c < cpu_end_; ++c) {
        left_[c] = static_cast<std::uint32_t>((a.by_cpu[c] + run_count_ / 2) / run_count_);
      }
      return;
    }
    at -= a.count;
  }
}

void ChosenWord::DrawIntended(Prng& prng) {
  intended_ = kNobody;
  if (word_ == sim::kNoWord) return;
  std::uint32_t sum = 0;
  for (std::size_t c = 0; c < cpu_end_; ++c) sum += left_[c];
  if (sum == 0) return;
  std::uint32_t at = prng.Below(sum);
  for (std::size_t c = 0; c < cpu_end_; ++c) {
    if (at < left_[c]) {
      intended_ = static_cast<int>(c);
      return;
    }
    at -= left_[c];
  }
}

void ChosenWord::Taken(int cpu, const PendingStep& step, Prng& prng) {
  if (step.word == sim::kNoWord) return;
  shared_.Note(cpu, step.word, step.kind);
  cpu_end_ = std::max(cpu_end_, static_cast<std::size_t>(cpu) + 1);
  std::uint32_t& number = number_[step.word];
  if (number == 0) {
    accesses_.push_back({.word = step.word});
    number = static_cast<std::uint32_t>(accesses_.size());
  }
  Accesses& a = accesses_[number - 1];
  ++a.by_cpu[static_cast<std::size_t>(cpu)];
  ++a.count;
  a.cpus.Add(cpu);
  if (step.word != word_) return;
  std::uint32_t& left = left_[static_cast<std::size_t>(cpu)];
  if (left != 0) --left;
  DrawIntended(prng);
}

}  // namespace shootdown
