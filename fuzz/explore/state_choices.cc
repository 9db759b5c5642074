// What a search over states may do next: of all that can happen, what is within the bounds, and not
// known to come to the same as what is tried elsewhere.
#include <algorithm>
#include <optional>

#include "fuzz/explore/state_search.h"

namespace shootdown::explore {

using sim::Move;
using sim::StepKind;

// ---- sleep sets ---------------------------------------------------------------------------------

// The next steps of two CPUs come to the same in either order.
bool StateSearch::TouchNothingInCommon(int a, int b) const {
  const auto is_access = [this](int cpu) {
    const StepKind kind = pending(cpu).kind;
    return (kind == StepKind::kLoad || kind == StepKind::kStore || kind == StepKind::kRmw ||
            kind == StepKind::kFence) &&
           !machine().InterruptDue(cpu);
  };
  if (!is_access(a) || !is_access(b)) return false;
  const Pending& next = pending(a);
  const Pending& other = pending(b);
  return next.kind == StepKind::kFence || other.kind == StepKind::kFence ||
         next.word != other.word || (next.kind == StepKind::kLoad && other.kind == StepKind::kLoad);
}

// Who sleeps after the step of `p`, before which the steps of `tried` were tried.
ProcessSet StateSearch::AsleepAfter(Process p, ProcessSet tried) const {
  if (!sleeps_) return 0;
  if (options_.sleep_left_out == SleepLeftOut::kWakeUps) return tried;
  ProcessSet asleep = 0;
  for (; tried != 0; tried &= tried - 1) {
    const Process sleeper = Lowest(tried);
    if (TouchNothingInCommon(sleeper, p)) asleep |= Bit(sleeper);
  }
  return asleep;
}

// ---- choices ------------------------------------------------------------------------------------

// Whoever evicts an entry earlier makes the same run.
bool StateSearch::UsesTlb(int cpu) const {
  const StepKind next = pending(cpu).kind;
  return next == StepKind::kUserLoad || next == StepKind::kUserStore ||
         next == StepKind::kTlbInsert;
}

// Whether the last choice is of use only with an event right behind it, and by itself would not be one here: a
// delay with an interrupt that is an event, an eviction with a walk that would not fetch what is there.
std::optional<Move::Kind> StateSearch::Unfinished() const {
  if (made_.empty()) return std::nullopt;
  const Choice& last = made_.back();
  const bool is_delay = last.event == Move::Kind::kDefer && !InterruptMayCome(last.process);
  const bool is_eviction = last.event == Move::Kind::kEvict && !UsesTlb(last.process);
  return is_delay || is_eviction ? std::optional(last.event) : std::nullopt;
}

// What an event that is of use only together with another one may have right behind it. Several entries may be
// evicted before a walk.
bool StateSearch::MayFollow(Move::Kind unfinished, Move::Kind kind, bool one_more) {
  if (unfinished == Move::Kind::kDefer) {
    return kind == Move::Kind::kResched || kind == Move::Kind::kNmi;
  }
  return kind == Move::Kind::kWalk || (kind == Move::Kind::kEvict && one_more);
}

// Behind an unfinished one only those that may follow it.
void StateSearch::AddEvents(int cpu, Spent spent, std::optional<Move::Kind> unfinished) {
  if (spent_.events == options_.events || !HasStep(cpu)) return;
  ++spent.events;
  const auto departures = [&] { return std::uint32_t{spent.cost} + spent.events; };
  if (options_.departures && departures() > *options_.departures) return;
  const bool one_more = spent.events < options_.events &&
                        (!options_.departures || departures() < *options_.departures);
  const auto add = [&](Move::Kind kind, int arg) {
    if (unfinished && !MayFollow(*unfinished, kind, one_more)) return;
    choices_.push_back({.choice = {.process = static_cast<std::uint8_t>(cpu),
                                   .event = kind,
                                   .arg = static_cast<std::uint8_t>(arg)},
                        .spent = spent});
  };
  sim::Machine& m = subject_.machine();
  if (m.takes_softints()) {
    if (!m.SoftintPending(cpu, sim::kPilReschedule)) add(Move::Kind::kResched, 0);
    if (!m.InterruptsDeferred(cpu) && (InterruptMayCome(cpu) || one_more)) {
      for (int steps = 1; steps <= kDeferredStepsMax; ++steps) {
        add(Move::Kind::kDefer, steps);
      }
    }
  }
  if (m.takes_nmis()) add(Move::Kind::kNmi, 0);
  if (UsesTlb(cpu) || (one_more && m.walks_by_itself())) {
    const sim::Tlb tlb = m.tlb(cpu);
    for (int i = 0; i < tlb.entry_count(); ++i) {
      if (tlb.entry(i).valid) add(Move::Kind::kEvict, i);
    }
  }
  for (int page = 0; page < m.walk_page_count(); ++page) {
    if (m.CanWalk(cpu, VirtPage(static_cast<std::uint8_t>(page)))) add(Move::Kind::kWalk, page);
  }
}

// The CPU whose buffer holds only what the step before put there; kNobody: there is none.
int StateSearch::JustHeld() const {
  const auto log = machine().log();
  if (log.empty() || (log.back().flags & sim::LogEntry::kHeld) == 0) return kNobody;
  const int cpu = log.back().cpu;
  return machine().BufferedCount(cpu) == 1 ? cpu : kNobody;
}

// Under PSO and RMO it may pass what is held before it, if that is of other words and no membar stands
// between them. (After a bare #StoreLoad it might too: what an RMW may not pass it is not let pass.)
bool StateSearch::MayStoreAtOnce(Process p) const {
  if (p >= cpu_count()) return false;
  const Pending& next = pending(p);
  if (next.kind != StepKind::kStore || !next.may_wait || machine().InterruptDue(p)) return false;
  return machine().BufferedCount(p) == 0 || (weak() && !machine().BufferBlocksRmw(p, next.word));
}

// The store that CPU `cpu` is about to make reaches memory at a moment that nobody else can tell.
bool StateSearch::StoreIsUnseen(int cpu) {
  if (!drains_unseen_) return false;
  const Pending& next = pending(cpu);
  return users_.RelyOnOnly(cpu, next.word) ||
         (lingers_ && lingering_.Unseen(next.site->hash, next.word));
}

// A way out of a buffer by which something can leave that nobody else looks at: to wait changes
// nothing.
Process StateSearch::UnseenDrain() {
  for (int c = 0; c < cpu_count(); ++c) {
    if (machine().BufferedCount(c) == 0) continue;
    for (int way = 0; way < way_count(); ++way) {
      const int place = PlaceOf(FirstWay(c) + way);
      if (machine().MayLeave(c, place) &&
          (users_.RelyOnOnly(c, machine().BufferedAt(c, place).word) ||
           (lingers_ && lingering_.FirstThatWaitsIsUnseen(c)))) {
        return FirstWay(c) + way;
      }
    }
  }
  return kNobody;
}

// All that can happen next, within the bounds.
void StateSearch::ListChoices(ProcessSet enabled) {
  choices_.clear();
  if (const std::optional<Move::Kind> unfinished = Unfinished()) {
    AddEvents(made_.back().process, spent_, unfinished);
    if (!choices_.empty()) return;  // there may be nothing to walk to
  }
  const int n = cpu_count();
  const int first = last_cpu_ == kNobody ? 0 : last_cpu_;
  const bool may_stay = last_cpu_ != kNobody && machine().CanRun(last_cpu_);
  const int held = JustHeld();
  std::uint32_t limit = UINT32_MAX;
  if (options_.preemptions) limit = *options_.preemptions;
  if (options_.delays) limit = *options_.delays;
  if (options_.departures) limit = *options_.departures - spent_.events;
  std::uint32_t position = 0;
  // With `p` next, if it is within the limit.
  const auto spent_by = [&](Process p) -> std::optional<Spent> {
    const bool leaves = IsBuffer(p) && CpuOf(p) == held;
    const std::uint32_t lingers = held != kNobody && !leaves ? 1 : 0;
    std::uint32_t cost = may_stay && !IsBuffer(p) && CpuOf(p) != last_cpu_ ? 1 : 0;
    if (options_.delays) cost = position;
    if (options_.departures) cost += lingers;
    if (spent_.cost + cost > limit) return std::nullopt;
    Spent spent = spent_;
    spent.cost = static_cast<std::uint16_t>(std::min(spent_.cost + cost, StateOptions::kCostMax));
    if (!options_.departures) {
      spent.held =
          static_cast<std::uint8_t>(std::min(spent_.held + lingers, StateOptions::kCostMax));
    }
    return spent;
  };
  const auto add = [&](Process p) {
    if ((enabled & Bit(p)) == 0) return;
    const std::optional<Spent> within = spent_by(p);
    ++position;
    if (!within) return;
    const Spent spent = *within;
    const bool at_once = MayStoreAtOnce(p);
    if (!at_once || !StoreIsUnseen(p)) {
      choices_.push_back({.choice = {.process = static_cast<std::uint8_t>(p)}, .spent = spent});
    }
    if (at_once) {
      choices_.push_back(
          {.choice = {.process = static_cast<std::uint8_t>(p), .event = Move::Kind::kDrain},
           .spent = spent});
    }
    if (p < n) AddEvents(p, spent, std::nullopt);
  };
  const auto add_all = [&](ProcessSet processes) {
    for (; processes != 0; processes &= processes - 1) add(Lowest(processes));
  };
  for (int k = 0; k < n; ++k) {
    const int cpu = (first + k) % n;
    add_all(enabled & StepsOf(cpu));
    if ((enabled & Bit(cpu)) != 0 || !machine().CanRun(cpu)) continue;
    // Its step waits for its own buffer. What comes from outside does not.
    if (const std::optional<Spent> spent = spent_by(cpu)) AddEvents(cpu, *spent, std::nullopt);
  }
  for (int k = 0; buffers() && k < n; ++k) add_all(enabled & WaysOf((first + k) % n));
}

}  // namespace shootdown::explore
