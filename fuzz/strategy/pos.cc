#include "fuzz/strategy/pos.h"

namespace shootdown {

Pos::Pos(std::uint64_t seed, EagerInvisible eager)
    : StepChooser(LookAhead::kYes), priorities_(seed) {
  if (eager == EagerInvisible::kYes) shared_ = std::make_unique<SharedWords>();
}

void Pos::NewRun(const sim::Machine& machine) {
  machine_ = &machine;
  priorities_.DrawAll(cpu_count());
  written_ = sim::kNoWord;
  waiters_ = CpuSet();
  same_cpu_count_ = 0;
}

void Pos::Arrived(int cpu) { priorities_.Draw(cpu); }

CpuSet Pos::RunnableWaiters() const {
  CpuSet waiters;
  for (int c = 0; c < cpu_count(); ++c) {
    if (machine_->Waiting(c) && machine_->CanRun(c)) waiters.Add(c);
  }
  return waiters;
}

CpuSet Pos::EnabledWaiters(int current) const {
  CpuSet waiters;
  for (const std::uint8_t c : all_enabled()) {
    // The current one stands before its step, which may have to wait after all.
    if (machine_->Waiting(c) && (c != current || machine_->CanRun(c))) waiters.Add(c);
  }
  return waiters;
}

bool Pos::Eager(int cpu) {
  if (shared_ == nullptr) return false;
  const PendingStep& step = pending(cpu);
  if (written_ != sim::kNoWord) {
    if (RunnableWaiters() != waiters_) shared_->NoteShared(written_);
    written_ = sim::kNoWord;
  }
  if (step.word == sim::kNoWord) {
    return step.kind == sim::StepKind::kFence || step.kind == sim::StepKind::kContextWrite;
  }
  return !shared_->Shared(step.word);
}

int Pos::Choose(std::span<const std::uint8_t> enabled, int current) {
  if (shared_ != nullptr) {
    for (const std::uint8_t c : enabled) {
      if (pending(c).known && Eager(c)) return c;
    }
  }
  const CpuSet waiters = EnabledWaiters(current);
  waiters_.Without(waiters).ForEach([this](int stopped) { priorities_.Draw(stopped); });
  waiters_ = waiters;
  if (same_cpu_count_ >= kSameCpuMax) {
    same_cpu_count_ = 0;
    priorities_.DrawAll(cpu_count());
  }
  return Prefer(enabled, current);
}

void Pos::Taken(int cpu) {
  const PendingStep& step = pending(cpu);
  same_cpu_count_ = cpu == last_ ? same_cpu_count_ + 1 : 0;
  last_ = cpu;
  if (step.word == sim::kNoWord) return;
  if (shared_ != nullptr) {
    shared_->Note(cpu, step.word, step.kind);
    if (IsWrite(step.kind) && !shared_->Shared(step.word)) {
      waiters_ = RunnableWaiters();
      written_ = step.word;
    }
  }
  for (int c = 0; c < cpu_count(); ++c) {
    if (c != cpu && pending(c).known && Conflict(step, pending(c))) priorities_.Draw(c);
  }
}

}  // namespace shootdown
