#include "fuzz/engine/mutator.h"

#include <algorithm>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/cpu_set.h"
#include "fuzz/strategy/any_race.h"

namespace shootdown {
namespace {

using sim::LogEntry;
using sim::Machine;
using sim::StepKind;
using Kind = Decision::Kind;
using Decisions = std::vector<Decision>;

// The anchor "before this step".
Decision Before(const LogEntry& entry) {
  return {.actor = ActorId(entry.actor), .index = entry.index};
}

// A random step of the run, or null if there is none.
const LogEntry* AnyStep(const Machine& machine, Prng& prng) {
  const auto log = machine.log();
  if (log.empty()) return nullptr;
  for (int tries = 0; tries < 8; ++tries) {
    const LogEntry& entry = log[prng.Below(static_cast<std::uint32_t>(log.size()))];
    if (CanAnchor(entry.kind)) return &entry;
  }
  return nullptr;
}

ActorId OtherCpu(const Machine& machine, int cpu, Prng& prng) {
  const int count = machine.cpu_count();
  if (count == 1) return CpuActor(0);
  const int step = 1 + static_cast<int>(prng.Below(static_cast<std::uint32_t>(count - 1)));
  return CpuActor((cpu + step) % count);
}

void InsertSwitch(Decisions& out, const LogEntry& at, ActorId to) {
  Decision d = Before(at);
  d.to = to;
  out.push_back(d);
}

// A switch that can be made if nothing else is changed: to a CPU that still had steps to take.
void InsertLoneSwitch(Decisions& out, const Machine& machine, Prng& prng) {
  const auto log = machine.log();
  for (int tries = 0; tries < 8; ++tries) {
    const LogEntry* const at = AnyStep(machine, prng);
    if (at == nullptr) return;
    CpuSet others;
    int count = 0;
    const LogEntry* const end = log.data() + log.size();
    for (const LogEntry* later = at; later != end && count != machine.cpu_count() - 1; ++later) {
      if (later->cpu == at->cpu || others.Has(later->cpu)) continue;
      others.Add(later->cpu);
      ++count;
    }
    if (count == 0) continue;
    std::uint32_t left = prng.Below(static_cast<std::uint32_t>(count));
    int to = 0;
    others.ForEach([&](int cpu) {
      if (left-- == 0) to = cpu;
    });
    InsertSwitch(out, *at, CpuActor(to));
    return;
  }
}

void InsertAnySwitch(Decisions& out, const Machine& machine, Prng& prng) {
  const LogEntry* const at = AnyStep(machine, prng);
  if (at != nullptr) InsertSwitch(out, *at, OtherCpu(machine, at->cpu, prng));
}

void ReverseRace(Decisions& out, const Machine& machine, Prng& prng) {
  const auto conflicts = machine.conflicts();
  if (conflicts.empty()) {
    InsertAnySwitch(out, machine, prng);
    return;
  }
  const sim::Conflict race = RaceOf(
      machine, conflicts[prng.Below(static_cast<std::uint32_t>(conflicts.size()))], prng);
  const LogEntry& first = machine.log()[race.first];
  const LogEntry& second = machine.log()[race.second];
  if (!CanAnchor(first.kind) || !CanAnchor(second.kind)) return;
  Decision leave = Before(first);
  leave.to = CpuActor(second.cpu);
  out.push_back(leave);
  if (prng.OneIn(4)) return;
  // Back just after the second step, or somewhat later.
  Decision back = Before(second);
  back.index += 1 + (prng.OneIn(2) ? prng.Below(12) : 0);
  back.to = CpuActor(first.cpu);
  out.push_back(back);
}

// Holds a store, and lets it drain before some later step of another CPU.
void HoldStore(Decisions& out, const Machine& machine, Prng& prng) {
  const auto log = machine.log();
  for (int tries = 0; tries < 16; ++tries) {
    const auto row = prng.Below(static_cast<std::uint32_t>(log.size()));
    if (log[row].kind != StepKind::kStore) continue;
    Decision hold = Before(log[row]);
    hold.kind = Kind::kHold;
    hold.arg = static_cast<std::uint8_t>(prng.OneIn(2) ? 0 : 1 + prng.Below(32));
    out.push_back(hold);
    if (prng.OneIn(2)) return;
    const LogEntry& later =
        log[row + prng.Below(static_cast<std::uint32_t>(log.size()) - row)];
    if (!CanAnchor(later.kind)) return;
    Decision drain = Before(later);
    drain.to = BufferActor(log[row].cpu);
    if (machine.config().memory_model >= sim::MemoryModel::kPso && prng.OneIn(4)) {
      drain.arg = static_cast<std::uint8_t>(1 + prng.Below(3));
    }
    out.push_back(drain);
    return;
  }
}

// A load that met a store of another CPU gives what was there before it, or earlier still.
void InsertOldLoad(Decisions& out, const Machine& machine, Prng& prng) {
  const auto conflicts = machine.conflicts();
  for (int tries = 0; tries < 16 && !conflicts.empty(); ++tries) {
    const sim::Conflict& race =
        conflicts[prng.Below(static_cast<std::uint32_t>(conflicts.size()))];
    const LogEntry& load = machine.log()[race.second];
    if (load.kind != StepKind::kLoad || !IsWrite(machine.log()[race.first].kind)) continue;
    Decision old = Before(load);
    old.kind = Kind::kOld;
    old.arg = static_cast<std::uint8_t>(prng.OneIn(2) ? 1 : 1 + prng.Below(3));
    out.push_back(old);
    return;
  }
}

// Before an access to user memory, which then misses.
void InsertEviction(Decisions& out, const Machine& machine, Prng& prng) {
  const auto log = machine.log();
  std::uint32_t access_count = 0;
  std::uint32_t insert_count = 0;  // entries have the lowest free numbers
  const LogEntry* at = nullptr;
  for (const LogEntry& entry : log) {
    if (entry.kind == StepKind::kTlbInsert) ++insert_count;
    const bool access = entry.kind == StepKind::kUserLoad || entry.kind == StepKind::kUserStore;
    if (access && prng.OneIn(++access_count)) at = &entry;
  }
  if (at == nullptr) return;
  Decision d = Before(*at);
  d.kind = Kind::kEvict;
  d.arg = static_cast<std::uint8_t>(
      prng.Below(std::min(1 + insert_count, static_cast<std::uint32_t>(machine.config().tlb_entries))));
  out.push_back(d);
}

// Puts off an interrupt that the parent's run took: from one of the last steps before it on.
void InsertDeferral(Decisions& out, const Machine& machine, Prng& prng) {
  constexpr std::uint32_t kStepsBeforeMax = 3;
  const auto log = machine.log();
  std::uint32_t taken_count = 0;
  std::size_t taken = 0;
  for (std::size_t row = 0; row < log.size(); ++row) {
    const StepKind kind = log[row].kind;
    const bool interrupt = kind == StepKind::kMondoTaken || kind == StepKind::kSoftintTaken;
    if (interrupt && prng.OneIn(++taken_count)) taken = row;
  }
  if (taken_count == 0) return;
  std::uint32_t before = prng.Below(kStepsBeforeMax + 1);
  const LogEntry* at = nullptr;
  for (std::size_t row = taken; row > 0; --row) {
    const LogEntry& entry = log[row - 1];
    if (entry.cpu != log[taken].cpu || entry.actor == log[taken].actor || !CanAnchor(entry.kind)) continue;
    at = &entry;
    if (before-- == 0) break;
  }
  if (at == nullptr) return;
  Decision d = Before(*at);
  d.kind = Kind::kDefer;
  d.arg = static_cast<std::uint8_t>(2 + kStepsBeforeMax + prng.Below(32));
  out.push_back(d);
}

void InsertInterrupt(Decisions& out, const Machine& machine, Prng& prng) {
  const std::uint32_t choice = prng.Below(4);
  if (choice == 0) return InsertDeferral(out, machine, prng);
  if (choice == 1) return InsertEviction(out, machine, prng);
  const bool nmi = choice == 2 ? machine.takes_nmis() : !machine.takes_softints();
  const LogEntry* const at = AnyStep(machine, prng);
  if (at == nullptr || (nmi ? !machine.takes_nmis() : !machine.takes_softints())) return;
  Decision d = Before(*at);
  d.kind = nmi ? Kind::kNmi : Kind::kResched;
  out.push_back(d);
}

// What a walker finds has changed most likely while others ran: so many walks come just after some
// other CPU has had its turn.
void InsertWalk(Decisions& out, const Machine& machine, Prng& prng) {
  constexpr std::uint32_t kPagesOfInterest = 8;
  Decision d;
  if (!out.empty() && prng.OneIn(2)) {
    const Decision& turn = out[prng.Below(static_cast<std::uint32_t>(out.size()))];
    d.actor = turn.actor;
    d.index = turn.index;
  } else if (const LogEntry* const at = AnyStep(machine, prng); at != nullptr) {
    d = Before(*at);
  } else {
    return;
  }
  d.kind = Kind::kWalk;
  d.arg = static_cast<std::uint8_t>(prng.OneIn(2) ? 0 : prng.Below(1 + prng.Below(kPagesOfInterest)));
  out.push_back(d);
}

void Nudge(Decision& d, Prng& prng) {
  const int step = static_cast<int>(prng.Below(7)) - 3;
  const int index = static_cast<int>(d.index) + (step == 0 ? 4 : step);
  d.index = static_cast<std::uint32_t>(std::clamp(index, 0, int{Decision::kIndexMax}));
}

std::size_t AnyOf(const Decisions& decisions, Prng& prng) {
  return prng.Below(static_cast<std::uint32_t>(decisions.size()));
}

void MutateOnce(Decisions& out, const Machine& machine, Prng& prng, bool alone) {
  const bool holds = machine.config().memory_model != sim::MemoryModel::kSc;
  // The longer a schedule is, the likelier it gets shorter: long ones cost more and reveal less.
  if (out.size() > 2 && prng.Below(24) < out.size()) {
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(AnyOf(out, prng)));
    return;
  }
  if (machine.walks_by_itself() && prng.OneIn(8)) {
    InsertWalk(out, machine, prng);
    return;
  }
  if (machine.config().memory_model == sim::MemoryModel::kRmo && prng.OneIn(6)) {
    InsertOldLoad(out, machine, prng);
    return;
  }
  const std::uint32_t choice = prng.Below(100);
  if (out.empty() || choice < 45) {
    ReverseRace(out, machine, prng);
  } else if (choice < 62) {
    (alone ? InsertLoneSwitch : InsertAnySwitch)(out, machine, prng);
  } else if (choice < 80) {
    Nudge(out[AnyOf(out, prng)], prng);
  } else if (choice < 85) {
    Decision& d = out[AnyOf(out, prng)];
    if (d.kind == Kind::kSwitch) d.to = OtherCpu(machine, d.to.number(), prng);
  } else if (choice < 93 && holds) {
    HoldStore(out, machine, prng);
  } else {
    InsertInterrupt(out, machine, prng);
  }
}

Schedule Bounded(Decisions decisions, Prng& prng) {
  while (decisions.size() > kDecisionCountMax) {
    decisions.erase(decisions.begin() + static_cast<std::ptrdiff_t>(AnyOf(decisions, prng)));
  }
  return Schedule(std::move(decisions)).Canonical();
}

}  // namespace

Schedule Mutate(const Machine& machine, Prng& prng, Schedule memory) {
  // Some children owe nothing to their parent, so that no region is shut out for ever. The others
  // start from what was applied in the parent's run: the rest would only be carried along.
  Decisions out = std::move(memory).decisions();
  out.clear();
  if (!prng.OneIn(8)) AppendDecisions(machine.moves_made(), out);
  const std::uint32_t times = prng.OneIn(3) ? 2 : 1;
  for (std::uint32_t i = 0; i < times; ++i) MutateOnce(out, machine, prng, times == 1);
  return Bounded(std::move(out), prng);
}

Schedule RandomSchedule(const Machine& machine, Prng& prng) {
  Decisions out;
  const std::uint32_t count = 2 + prng.Below(2);
  for (std::uint32_t i = 0; i < count; ++i) InsertAnySwitch(out, machine, prng);
  return Schedule(std::move(out)).Canonical();
}

Schedule CrossOver(const Schedule& a, const Schedule& b, Prng& prng, Schedule memory) {
  Decisions out = std::move(memory).decisions();
  out.clear();
  for (const Decision& d : a.decisions()) {
    if (prng.OneIn(2)) out.push_back(d);
  }
  for (const Decision& d : b.decisions()) {
    if (prng.OneIn(2)) out.push_back(d);
  }
  return Bounded(std::move(out), prng);
}

}  // namespace shootdown
