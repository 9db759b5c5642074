// When the scheduler is asked, and what Machine makes of its answers: before a step (Ask), and when a CPU
// has to wait (Block).
#include <algorithm>
#include <optional>
#include <utility>

#include "fuzz/sim/machine.h"

namespace shootdown::sim {
namespace {

// Nobody's function: hardware does it.
constexpr Site kTablewalkSite{"hardware_tablewalk", "the walker fetches a translation", &FormatNumber};

}  // namespace

// The first step of the actor, `from_index` or later, before which something that was put off has to come.
std::uint32_t Machine::NextExpiry(std::uint32_t from_index) const {
  const Cpu& cpu = cpus_[hot_.cpu];
  std::uint32_t next = kNever;
  for (int i = 0; i < cpu.buffer_count; ++i) {
    const Held& held = HeldAt(hot_.cpu, i);
    if (held.actor == hot_.actor && held.expires >= from_index) next = std::min(next, held.expires);
  }
  if (cpu.defer_until != 0 && cpu.defer_actor == hot_.actor && cpu.defer_until >= from_index) {
    next = std::min(next, cpu.defer_until);
    if (cpu.defer_mondo_until >= from_index) next = std::min(next, cpu.defer_mondo_until);
  }
  return next;
}

// How many steps may pass before the next question; `from_index` is the first step that may be
// asked about.
void Machine::RefreshUntil(std::uint32_t from_index) {
  const std::uint32_t now = *hot_.index;
  std::uint32_t next = scheduler_->NextQuestion(ActorId(hot_.actor), from_index);
  const Cpu& cpu = cpus_[hot_.cpu];
  if (cpu.buffer_count != 0 || cpu.defer_until != 0) [[unlikely]] {
    next = std::min(next, NextExpiry(from_index));
  }
  const std::uint32_t left = next == kNever ? kNever : next - now + 1;
  const std::uint32_t budget =
      config_.step_count_max > hot_.row ? config_.step_count_max - hot_.row : 1;
  hot_.until = std::min(left, budget);
  // Inside Ask the step in question follows without another look at the counter.
  if (from_index > now && hot_.until > 1) --hot_.until;
}

// Behind a switch no return is foreseen (fuzz/sim/fiber.h): so all that leads there is one function.
[[gnu::always_inline]] inline void Machine::SwitchCpu(int cpu) {
  cpus_[hot_.cpu].actor = hot_.actor;
  Fiber& from = FiberOf(cpus_[hot_.cpu].thread);
  MakeReady(cpus_[cpu].thread);
  EnterCpu(cpu);
  SwitchToFiber(from, cpus_[cpu].thread);
}

// The move kRun, if it can be made here.
[[gnu::always_inline]] inline bool Machine::GoToCpu(const Move& move, const Question& question) {
  if (move.cpu >= config_.cpu_count || move.cpu == hot_.cpu || !CanRun(move.cpu)) return false;
  Remember({.kind = Move::Kind::kRun, .cpu = move.cpu}, question);
  steps_at_once_ = move.and_step;
  SwitchCpu(move.cpu);
  return true;
}

[[gnu::always_inline]] inline void Machine::AskHere(const Site& site, StepKind kind, WordIndex word,
                                                    Nature nature) {
  // A hold, or that the load is an old one, is about the step in question alone: whatever else happens
  // before it does not notice.
  std::optional<Move> about_step;
  const bool may_wait = kind == StepKind::kStore ? config_.memory_model != MemoryModel::kSc
                                                 : nature.may_wait;
  const bool may_be_old = config_.memory_model == MemoryModel::kRmo && kind == StepKind::kLoad &&
                          !Waiting(hot_.cpu);
  for (;;) {
    if (hot_.row >= config_.step_count_max) EndRun(RunEnd::kBudget);
    Cpu& cpu = cpus_[hot_.cpu];
    if (cpu.buffer_count != 0) DrainExpired();
    if (cpu.defer_until != 0 && cpu.defer_actor == hot_.actor) {
      const bool mondos = cpu.defer_mondo_until != 0 && *hot_.index >= cpu.defer_mondo_until;
      const bool all = *hot_.index >= cpu.defer_until;
      if (mondos || all) cpu.defer_mondo_until = 0;
      if (all) cpu.defer_until = 0;
      if (mondos || all) {
        DeliverInterrupts();
        continue;
      }
    }
    // What was done before an await's step may have undone what it was ready for: then it waits. Were it still
    // asked about its step, an exact form could not say which moves came before the answer, and which after.
    const Wait* const wait = waits_[hot_.cpu];
    if (wait != nullptr && wait->site == &site && !wait->pred(wait->argument)) [[unlikely]] break;
    const Question question{.machine = *this,
                            .cpu = CpuId(hot_.cpu),
                            .actor = ActorId(hot_.actor),
                            .index = *hot_.index,
                            .site = site,
                            .kind = kind,
                            .word = word,
                            .blocked = false,
                            .may_wait = may_wait,
                            .empties_buffer = nature.empties_buffer,
                            .membar = nature.membar};
    const Move move = scheduler_->Pick(question);
    if (move.kind == Move::Kind::kStep) break;
    if (move.kind == Move::Kind::kRun) {
      // What is left until the next question is counted anew, when the answer is there.
      if (!GoToCpu(move, question)) continue;
      if (std::exchange(steps_at_once_, false)) {
        SHOOTDOWN_CHECK(!Deliverable(hot_.cpu));
        break;
      }
      if (Deliverable(hot_.cpu)) DeliverInterrupts();
    } else if (move.kind != Move::Kind::kHold && move.kind != Move::Kind::kOld) {
      Make(move, question);
    } else if (!about_step &&
               (move.kind == Move::Kind::kHold
                    ? may_wait
                    : may_be_old && move.arg != 0 && move.arg <= OldValueCount(hot_.cpu, word))) {
      Remember(move, question);
      about_step = move;
    }
  }
  if (about_step && about_step->kind == Move::Kind::kHold) {
    hot_.hold_next = true;
    hot_.hold_arg = about_step->arg;
    hot_.through_buffer = true;
  } else if (about_step) {
    // Others may have run since.
    hot_.old_next = static_cast<std::uint8_t>(
        std::min<int>(about_step->arg, OldValueCount(hot_.cpu, word)));
  }
  RefreshUntil(*hot_.index + 1);
}

void Machine::Ask(const Site& site, StepKind kind, WordIndex word, Nature nature) {
  AskHere(site, kind, word, nature);
}

// The most frequent ones have all that leads to a switch in themselves.

std::uint64_t Machine::LoadSlowly(const Site& site, const std::uint64_t* word) {
  if (--hot_.until == 0) AskHere(site, StepKind::kLoad, Arena::IndexOf(word), {});
  return LoadAtOnce(site, word);
}

void Machine::StoreSlowly(const Site& site, std::uint64_t* word, std::uint64_t value) {
  if (--hot_.until == 0) AskHere(site, StepKind::kStore, Arena::IndexOf(word), {});
  LogEntry& entry = Append(site, StepKind::kStore, Arena::IndexOf(word));
  entry.value = value;
  if (hot_.through_buffer) {
    Buffer(entry, word, value, /*is_load=*/false);
    return;
  }
  NoteWrite(entry.word, hot_.row - 1);
  *word = value;
}

void Machine::Remember(const Move& move, const Question& question) {
  // A blocked CPU is asked at one anchor many times. Defaults that were followed there before this
  // move have to be said, or a replay would make the move at once.
  for (MoveMade& made : defaults_made_) {
    if (made.actor != question.actor || made.index != question.index || made.row == kNoRow) continue;
    moves_made_.insert(std::ranges::upper_bound(moves_made_, made.row, {}, &MoveMade::row), made);
    made.row = kNoRow;
  }
  moves_made_.push_back(
      {.move = move, .actor = question.actor, .index = question.index, .row = hot_.row});
}

// Makes `move`, another than kRun, if it can be made here, and remembers it if it was.
bool Machine::Make(const Move& move, const Question& question) {
  Cpu& cpu = cpus_[hot_.cpu];
  switch (move.kind) {
    case Move::Kind::kStep:
    case Move::Kind::kNext:
    case Move::Kind::kRun:
    case Move::Kind::kHold:
    case Move::Kind::kOld:
      return false;
    case Move::Kind::kDrain:
      if (move.cpu >= config_.cpu_count || !MayLeave(move.cpu, move.arg)) return false;
      Remember(move, question);
      Leave(move.cpu, move.arg);
      DrainFollowers(move.cpu);
      return true;
    case Move::Kind::kDefer:
      if (move.arg == 0 || cpu.defer_until != 0) return false;
      Remember(move, question);
      cpu.defer_actor = hot_.actor;
      cpu.defer_until = question.index + move.arg;
      if (config_.mondo_delay_max != 0) {
        cpu.defer_mondo_until =
            question.index + std::min<std::uint32_t>(
                                 move.arg, static_cast<std::uint32_t>(config_.mondo_delay_max));
      }
      return true;
    case Move::Kind::kResched:
      if (guest_.softint == nullptr) return false;
      Remember(move, question);
      RaiseSoftint(hot_.cpu, kPilReschedule);
      DeliverInterrupts();
      return true;
    case Move::Kind::kEvict:
      if (!tlb().Evict(move.arg)) return false;
      Remember(move, question);
      return true;
    case Move::Kind::kNmi:
      if (guest_.nmi == nullptr) return false;
      Remember(move, question);
      cpu.nmi_pending = 1;
      DeliverInterrupts();
      return true;
    case Move::Kind::kWalk: {
      const VirtPage virt(move.arg);
      if (!CanWalk(virt)) return false;
      Remember(move, question);
      AppendRow(kTablewalkSite, StepKind::kNote, kNoWord,
                virt.value());
      guest_.walk(virt);
      return true;
    }
  }
  return false;
}

// Some other CPU goes on. Returns when this one can.
[[gnu::always_inline]] inline void Machine::LeaveBlocked(const Site& site) {
  const std::uint8_t self = hot_.cpu;
  for (;;) {
    if (hot_.row >= config_.step_count_max) EndRun(RunEnd::kBudget);
    const Question question{.machine = *this,
                            .cpu = CpuId(self),
                            .actor = ActorId(hot_.actor),
                            .index = *hot_.index,
                            .site = site,
                            .kind = StepKind::kWait,
                            .word = waits_[self]->await.word,
                            .blocked = true};
    const Move move = scheduler_->Pick(question);
    if (move.kind == Move::Kind::kRun && move.cpu == self && CanRun(self)) return;
    if (move.kind == Move::Kind::kRun && GoToCpu(move, question)) return;
    if (move.kind == Move::Kind::kDrain) {
      Make(move, question);
      if (!move.and_wait && CanRun(self)) return;
      continue;
    }
    if (move.kind != Move::Kind::kNext) continue;
    // Counting up and around, this CPU last.
    int next = -1;
    for (int k = 1; k <= config_.cpu_count && next < 0; ++k) {
      const int c = (self + k) % config_.cpu_count;
      if (CanRun(c)) next = c;
    }
    if (next == self) return;
    if (next >= 0) {
      const Move made{.kind = Move::Kind::kRun, .cpu = static_cast<std::uint8_t>(next)};
      defaults_made_.push_back(
          {.move = made, .actor = question.actor, .index = question.index, .row = hot_.row});
      SwitchCpu(next);
      return;
    }
    NothingRuns(question);
    if (CanRun(self)) return;
  }
}

void Machine::Block(const Wait& wait) {
  const Site& site = *wait.site;
  bool shown = false;
  for (;;) {
    // What waits here would spin there, so the steps of a mondo's delay pass.
    cpus_[hot_.cpu].defer_mondo_until = 0;
    if (Deliverable(hot_.cpu)) {
      // Who is asked about an await's step has been told no more, and waits no longer.
      MarkMemory(MemoryMark::Kind::kEnter, ~site.hash);
      DeliverInterrupts();
      MarkMemory(MemoryMark::Kind::kLeave, 0);
    }
    if (wait.pred(wait.argument)) break;
    if (!shown && wait.kind == WaitKind::kBlocked) AppendRow(site, StepKind::kWait, kNoWord, 0);
    shown = true;
    // Interrupt handlers may wait too, on top of a waiting thread, so the slot is set anew.
    waits_[hot_.cpu] = &wait;
    LeaveBlocked(site);
    SHOOTDOWN_CHECK(!steps_at_once_);  // it was asked about no step
    waits_[hot_.cpu] = nullptr;
  }
  RefreshUntil(*hot_.index);
}

// A held store reaches memory if there is one; else the run is over.
void Machine::NothingRuns(const Question& question) {
  for (int c = 0; c < config_.cpu_count; ++c) {
    if (cpus_[c].buffer_count != 0) {
      const Move made{.kind = Move::Kind::kDrain, .cpu = static_cast<std::uint8_t>(c)};
      defaults_made_.push_back(
          {.move = made, .actor = question.actor, .index = question.index, .row = hot_.row});
      Leave(c, 0);
      DrainFollowers(c);
      return;
    }
  }
  // A deferred interrupt comes after all.
  for (int c = 0; c < config_.cpu_count; ++c) {
    if (cpus_[c].defer_until != 0) {
      cpus_[c].defer_until = 0;
      cpus_[c].defer_mondo_until = 0;
      return;
    }
  }
  EndRun(RunEnd::kQuiet);
}

}  // namespace shootdown::sim
