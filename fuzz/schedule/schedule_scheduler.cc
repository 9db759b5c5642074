#include "fuzz/schedule/schedule_scheduler.h"

#include "fuzz/sim/machine.h"

namespace shootdown {
namespace {

using sim::Move;
using Kind = Decision::Kind;

constexpr std::uint32_t kNever = 0xffff'ffff;

Move ToMove(const Decision& d) {
  const auto number = static_cast<std::uint8_t>(d.to.number());
  switch (d.kind) {
    case Kind::kSwitch:
      return d.to.actor_class() == ActorId::Class::kBuffer
                 ? Move{.kind = Move::Kind::kDrain, .cpu = number, .arg = d.arg}
                 : Move{.kind = Move::Kind::kRun, .cpu = number};
    case Kind::kHold: return {.kind = Move::Kind::kHold, .arg = d.arg};
    case Kind::kDefer: return {.kind = Move::Kind::kDefer, .arg = d.arg};
    case Kind::kResched: return {.kind = Move::Kind::kResched};
    case Kind::kEvict: return {.kind = Move::Kind::kEvict, .arg = d.arg};
    case Kind::kNmi: return {.kind = Move::Kind::kNmi};
    case Kind::kWalk: return {.kind = Move::Kind::kWalk, .arg = d.arg};
    case Kind::kOld: return {.kind = Move::Kind::kOld, .arg = d.arg};
  }
  return {};
}

bool CanBeMade(const Move& move, const sim::Machine& machine) {
  if (move.cpu >= machine.cpu_count()) return false;
  return move.kind == Move::Kind::kDrain ? machine.MayLeave(move.cpu, move.arg)
                                         : machine.CanRun(move.cpu);
}

// Something that may leave the buffer of `cpu`: the oldest always may.
Move SomeDrain(const sim::Machine& machine, std::uint8_t cpu, Prng& prng) {
  std::uint8_t place = 0;
  if (machine.config().memory_model >= sim::MemoryModel::kPso) {
    place = static_cast<std::uint8_t>(
        prng.Below(static_cast<std::uint32_t>(machine.BufferedCount(cpu))));
    while (!machine.MayLeave(cpu, place)) --place;
  }
  return {.kind = Move::Kind::kDrain, .cpu = cpu, .arg = place};
}

}  // namespace

void ScheduleScheduler::StartRun(const sim::Machine& /*machine*/) {
  const std::vector<Decision>& decisions = schedule_->decisions();
  static_assert(Schedule::kSizeMax < kNone);
  SHOOTDOWN_CHECK(decisions.size() <= Schedule::kSizeMax);
  taken_.assign(decisions.size(), 0);
  for (const std::uint16_t actor : actors_) front_[actor] = kNone;
  actors_.clear();
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const std::uint16_t actor = decisions[i].actor.code();
    if (front_[actor] != kNone) continue;
    front_[actor] = static_cast<std::uint16_t>(i);
    actors_.push_back(actor);
  }
}

Move ScheduleScheduler::Pick(const sim::Question& question) {
  const std::vector<Decision>& decisions = schedule_->decisions();
  const ActorId actor = question.actor;
  std::uint16_t& front = front_[actor.code()];
  const auto ours = [&](std::size_t i) {
    return i < decisions.size() && decisions[i].actor == actor;
  };
  // An actor's steps only count up: what lies behind it does not come back.
  while (front != kNone && (taken_[front] != 0 || decisions[front].index < question.index)) {
    front = ours(front + 1u) ? static_cast<std::uint16_t>(front + 1) : kNone;
  }
  for (std::size_t i = front; ours(i) && decisions[i].index == question.index; ++i) {
    if (taken_[i] != 0) continue;
    const Move move = ToMove(decisions[i]);
    // What is about the step itself waits until the step can be taken, and what cannot be made must
    // not be in the way of what can.
    if (question.blocked &&
        (decisions[i].kind != Kind::kSwitch || !CanBeMade(move, question.machine))) {
      continue;
    }
    taken_[i] = 1;
    return move;
  }
  return {.kind = question.blocked ? Move::Kind::kNext : Move::Kind::kStep};
}

std::uint32_t ScheduleScheduler::NextQuestion(ActorId actor, std::uint32_t index) {
  const std::vector<Decision>& decisions = schedule_->decisions();
  for (std::size_t i = front_[actor.code()]; i < decisions.size() && decisions[i].actor == actor;
       ++i) {
    if (decisions[i].index >= index && taken_[i] == 0) return decisions[i].index;
  }
  return kNever;
}

void RandomWalk::StartRun(const sim::Machine& /*machine*/) {
  switched_ = false;
  move_count_ = 0;
}

Move RandomWalk::Pick(const sim::Question& question) {
  if ((switched_ || move_count_ == kMoveCountMax) && !question.blocked) {
    switched_ = false;
    return {.kind = Move::Kind::kStep};
  }
  if (move_count_ == kMoveCountMax) return {.kind = Move::Kind::kNext};
  const Move move = Draw(question);
  if (move.kind != Move::Kind::kStep && move.kind != Move::Kind::kNext) ++move_count_;
  return move;
}

Move RandomWalk::Draw(const sim::Question& question) {
  const sim::Machine& m = question.machine;
  std::uint8_t runnable[kCpuCountMax];
  std::uint32_t count = 0;
  for (int c = 0; c < m.cpu_count(); ++c) {
    const bool can = c == question.cpu.value() ? !question.blocked : m.CanRun(c);
    if (can) runnable[count++] = static_cast<std::uint8_t>(c);
  }
  std::uint8_t draining[kCpuCountMax];
  std::uint32_t buffers = 0;
  for (int c = 0; c < m.cpu_count(); ++c) {
    if (m.BufferedCount(c) != 0) draining[buffers++] = static_cast<std::uint8_t>(c);
  }
  if (count + buffers == 0) return {.kind = Move::Kind::kNext};
  const std::uint32_t choice = prng_.Below(count + buffers);
  if (choice >= count) return SomeDrain(m, draining[choice - count], prng_);
  if (runnable[choice] != question.cpu.value()) {
    switched_ = true;
    return {.kind = Move::Kind::kRun, .cpu = runnable[choice]};
  }
  if (hold_one_in_ == 0) return {.kind = Move::Kind::kStep};
  // A hold, or an older value, is part of taking this step.
  if (question.may_wait && prng_.OneIn(hold_one_in_)) {
    switched_ = true;
    return {.kind = Move::Kind::kHold};
  }
  if (m.config().memory_model == sim::MemoryModel::kRmo && question.kind == sim::StepKind::kLoad) {
    const int older = m.OldValueCount(question.cpu.value(), question.word);
    if (older != 0 && prng_.OneIn(hold_one_in_)) {
      switched_ = true;
      return {.kind = Move::Kind::kOld,
              .arg = static_cast<std::uint8_t>(1 + prng_.Below(static_cast<std::uint32_t>(older)))};
    }
  }
  return {.kind = Move::Kind::kStep};
}

std::uint32_t RandomWalk::NextQuestion(ActorId /*actor*/, std::uint32_t index) { return index; }

void AppendDecisions(std::span<const sim::MoveMade> moves, std::vector<Decision>& out) {
  out.reserve(out.size() + moves.size());
  for (const sim::MoveMade& made : moves) {
    Decision d{.actor = made.actor, .arg = made.move.arg, .index = made.index};
    switch (made.move.kind) {
      case Move::Kind::kStep:
      case Move::Kind::kNext: continue;
      case Move::Kind::kRun: d.to = CpuActor(made.move.cpu); break;
      case Move::Kind::kDrain: d.to = BufferActor(made.move.cpu); break;
      case Move::Kind::kHold: d.kind = Kind::kHold; break;
      case Move::Kind::kDefer: d.kind = Kind::kDefer; break;
      case Move::Kind::kResched: d.kind = Kind::kResched; break;
      case Move::Kind::kEvict: d.kind = Kind::kEvict; break;
      case Move::Kind::kNmi: d.kind = Kind::kNmi; break;
      case Move::Kind::kWalk: d.kind = Kind::kWalk; break;
      case Move::Kind::kOld: d.kind = Kind::kOld; break;
    }
    out.push_back(d);
  }
}

Schedule ExactSchedule(std::span<const sim::MoveMade> moves) {
  std::vector<Decision> decisions;
  AppendDecisions(moves, decisions);
  return Schedule(std::move(decisions)).Canonical();
}

}  // namespace shootdown
