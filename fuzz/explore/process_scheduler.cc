#include "fuzz/explore/process_scheduler.h"

#include <algorithm>

#include "fuzz/base/check.h"

namespace shootdown::explore {

using sim::Move;
using sim::StepKind;

namespace {

Move RunOn(int cpu) {
  return {.kind = Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(cpu)};
}

}  // namespace

int ProcessCount(const sim::MachineConfig& config) {
  return config.memory_model == sim::MemoryModel::kTso ? 2 * config.cpu_count : config.cpu_count;
}

void ProcessScheduler::StartRun(const sim::Machine& machine) {
  machine_ = &machine;
  cpu_count_ = machine.cpu_count();
  tso_ = machine.config().memory_model == sim::MemoryModel::kTso;
  current_ = 0;
  started_ = 0;
  chosen_ = kNobody;
  held_ = false;
  wakes_ = false;
  ask_at_ = 0;
  NewRun();
}

bool ProcessScheduler::CanStep(int cpu) const {
  if (!machine_->CanRun(cpu)) return false;
  const int buffered = tso_ ? machine_->BufferedStores(cpu) : 0;
  if (buffered == 0 || machine_->InterruptDue(cpu)) return true;
  switch (pending(cpu).kind) {
    case StepKind::kStore:
      return buffered < machine_->config().store_buffer_entries;
    case StepKind::kRmw:
    case StepKind::kFence:
    case StepKind::kMondoSend:
      return false;
    default:
      return true;
  }
}

ProcessSet ProcessScheduler::Enabled() const {
  ProcessSet enabled = 0;
  for (int c = 0; c < cpu_count_; ++c) {
    if (CanStep(c)) enabled |= Bit(c);
    if (tso_ && machine_->BufferedStores(c) != 0) enabled |= Bit(BufferOf(c));
  }
  return enabled;
}

Move ProcessScheduler::Pick(const sim::Question& question) {
  const int cpu = question.cpu.value();
  current_ = cpu;
  Pending& next = pending_[static_cast<std::size_t>(cpu)];
  next = {.site = &question.site,
          .kind = question.kind,
          .word = question.word,
          .blocked = question.blocked,
          .actor = question.actor.byte()};
  if (question.blocked) {
    if (const sim::Await* const await = machine_->Awaited(cpu); await != nullptr) {
      next.kind = await->kind;
    }
  }

  // First all CPUs are entered, as far as to their first step. One that waits again at once, or has
  // nothing to do, has shown that too.
  if (started_ < cpu_count_) {
    if (started_ <= cpu) started_ = cpu + 1;
    while (started_ < cpu_count_ && !machine_->CanRun(started_)) ++started_;
    if (started_ < cpu_count_) return RunOn(started_);
  }

  if (wakes_ && chosen_ == cpu) {  // that was all: what it does next is another choice
    chosen_ = kNobody;
    wakes_ = false;
  }
  if (chosen_ == kNobody) {
    chosen_ = Choose();
    if (chosen_ == kCut) const_cast<sim::Machine*>(machine_)->StopRun();
    // An await that was ready and is no longer has to be told to wait.
    if (chosen_ == kNobody) {
      return {.kind = question.blocked ? Move::Kind::kNext : Move::Kind::kStep};
    }
    wakes_ = !IsBuffer(chosen_) && pending(chosen_).blocked && machine_->Awaited(chosen_) == nullptr;
    if (IsBuffer(chosen_)) {
      const int buffer = CpuOf(chosen_);
      chosen_ = kNobody;
      return {.kind = Move::Kind::kDrain, .cpu = static_cast<std::uint8_t>(buffer)};
    }
  }
  if (chosen_ != cpu) return RunOn(chosen_);
  SHOOTDOWN_CHECK(!question.blocked);  // who cannot go on is not enabled
  if (tso_ && question.kind == StepKind::kStore && !held_) {
    held_ = true;
    return {.kind = Move::Kind::kHold};
  }
  held_ = false;
  chosen_ = kNobody;
  unasked_actor_ = question.actor;
  ask_at_ = question.index + 1 + StepsUnasked();
  return {.kind = Move::Kind::kStep};
}

std::uint32_t ProcessScheduler::NextQuestion(ActorId actor, std::uint32_t index) {
  return actor == unasked_actor_ ? std::max(index, ask_at_) : index;
}

}  // namespace shootdown::explore
