#include "fuzz/strategy/step_chooser.h"

#include <algorithm>

namespace shootdown {

using sim::Move;

void StepChooser::StartRun(const sim::Machine& machine) {
  cpu_count_ = machine.cpu_count();
  chosen_ = kNobody;
  move_count_ = 0;
  order_settled_ = false;
  std::fill_n(pending_.begin(), cpu_count_, PendingStep());
  NewRun(machine);
  looking_ = look_ahead_ == LookAhead::kYes;
}

Move StepChooser::GoOnWith(int cpu) {
  ++move_count_;
  return {.kind = Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(cpu)};
}

Move StepChooser::TakeStep(const sim::Machine& machine, int cpu) {
  if (!order_settled_ && move_count_ < kMoveCountMax) {
    order_settled_ = true;
    const PendingStep& step = pending(cpu);
    Move move;
    if (const std::optional<std::uint8_t> page =
            machine.walks_by_itself() ? Walk(machine, cpu) : std::nullopt;
        page.has_value()) {
      move = {.kind = Move::Kind::kWalk, .arg = *page};
    } else if (step.may_wait) {
      if (const std::optional<std::uint8_t> steps = Hold(cpu); steps.has_value()) {
        move = {.kind = Move::Kind::kHold, .arg = *steps};
      }
    } else if (step.kind == sim::StepKind::kLoad &&
               machine.config().memory_model == sim::MemoryModel::kRmo) {
      if (const int count = machine.OldValueCount(cpu, step.word); count != 0) {
        if (const std::uint8_t older = Older(cpu, count); older != 0) {
          move = {.kind = Move::Kind::kOld, .arg = older};
        }
      }
    }
    if (move.kind != Move::Kind::kStep) {
      ++move_count_;
      chosen_ = cpu;  // asked again
      return move;
    }
  }
  order_settled_ = false;
  chosen_ = kNobody;
  Taken(cpu);
  return {.kind = Move::Kind::kStep};
}

// A CPU that has not come to its first step, or kNobody.
int StepChooser::NotLookedAt(const sim::Question& question) const {
  for (int c = 0; c < cpu_count_; ++c) {
    if (c == question.cpu.value() || pending(c).known) continue;
    if (!question.machine.Waiting(c) && question.machine.CanRun(c)) return c;
  }
  return kNobody;
}

Move StepChooser::Pick(const sim::Question& question) {
  const int self = question.cpu.value();
  PendingStep& here = pending_[static_cast<std::size_t>(self)];
  const PendingStep now{.actor = question.actor,
                        .index = question.index,
                        .site = &question.site,
                        .kind = question.kind,
                        .word = question.word,
                        .may_wait = question.may_wait,
                        .known = !question.blocked};
  if (here != now) {
    here = now;
    Arrived(self);
  }
  if (looking_) {
    if (const int next = NotLookedAt(question); next != kNobody) return GoOnWith(next);
    looking_ = false;
  }
  if (!question.blocked && (chosen_ == self || Eager(self))) return TakeStep(question.machine, self);
  if (move_count_ >= kMoveCountMax) {
    if (!question.blocked) return TakeStep(question.machine, self);
    return {.kind = Move::Kind::kNext};
  }
  std::size_t count = 0;
  for (int c = 0; c < cpu_count_; ++c) {
    const bool can = c == self ? !question.blocked : question.machine.CanRun(c);
    if (!can) continue;
    enabled_[count++] = static_cast<std::uint8_t>(c);
  }
  enabled_count_ = count;
  // The machine knows what is left to do when nobody can go on.
  if (count == 0) return {.kind = Move::Kind::kNext};
  chosen_ = Choose(all_enabled(), self);
  return chosen_ == self ? TakeStep(question.machine, self) : GoOnWith(chosen_);
}

}  // namespace shootdown
