#include "fuzz/engine/minimizer.h"

#include <algorithm>

#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

using Kind = Decision::Kind;
using Decisions = std::vector<Decision>;

// More runs than this are not worth a smaller schedule.
constexpr std::uint64_t kRunCountMax = 60'000;

bool IsSwitchToCpu(const Decision& decision) {
  return decision.kind == Kind::kSwitch && decision.to.actor_class() == ActorId::Class::kCpu;
}

// With decision `i`, a switch, to another CPU.
Schedule Aimed(const Schedule& schedule, std::size_t i, int cpu) {
  Decisions decisions = schedule.decisions();
  decisions[i].to = CpuActor(cpu);
  return Schedule(std::move(decisions)).Canonical();
}

class Minimizer {
 public:
  Minimizer(sim::Subject& subject, const std::string& kind_key)
      : subject_(subject), kind_key_(kind_key) {}

  Schedule Minimize(const Schedule& failing) {
    best_ = failing;
    (void)Try(failing);  // drops what was not applied
    RemoveChunks();
    do {
      RemoveSingles();
    } while (RemoveOneAimOne() || RemoveOneMoveOne());
    ShortenHolds();
    do {
      MoveLate();
    } while (AimStraight());
    RemoveSingles();
    return best_;
  }

  [[nodiscard]] std::uint64_t run_count() const { return run_count_; }

 private:
  // True, and `best_` is what was applied of `candidate`, if that fails in the same way.
  bool Try(const Schedule& candidate) {
    if (!Fails(candidate)) return false;
    Schedule exact = ExactSchedule(subject_.machine().moves_made());
    // Moves made, and nothing else, make the same run; a decision that had no effect is gone.
    if (exact.size() <= candidate.size()) {
      best_ = std::move(exact);
    } else {
      best_ = candidate;
    }
    return true;
  }

  bool Fails(const Schedule& candidate) {
    ++run_count_;
    ScheduleScheduler scheduler(candidate);
    const sim::Violation* const violation = subject_.RunOnce(scheduler);
    return violation != nullptr && KindKey(*violation, subject_.machine()) == kind_key_;
  }

  // Delta debugging: halves, quarters, … are left out.
  void RemoveChunks() {
    for (std::size_t chunk = best_.size() / 2; chunk > 1; chunk /= 2) {
      for (std::size_t at = 0; at < best_.size();) {
        Decisions rest = best_.decisions();
        const auto first = rest.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last =
            rest.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, rest.size()));
        rest.erase(first, last);
        if (!Try(Schedule(std::move(rest)))) at += chunk;
      }
    }
  }

  bool RemoveSingles() {
    bool shorter = false;
    for (std::size_t i = 0; i < best_.size();) {
      if (Try(best_.Without(i))) {
        shorter = true;
        i = 0;
      } else {
        ++i;
      }
    }
    return shorter;
  }

  // True, and `best_` is `candidate`, if that fails in the same way and all of it is applied; or
  // less, if it is less than `best_` was.
  bool TryAsItIs(const Schedule& candidate) {
    const Schedule before = best_;
    if (!Try(candidate)) return false;
    if (best_.size() < before.size() || best_ == candidate) return true;
    best_ = before;
    return false;
  }

  // One decision less, if a switch may lead to another CPU: that there were others on its way may
  // be all that the decision was for. Before RemoveOneMoveOne, for there are fewer CPUs than steps.
  bool RemoveOneAimOne() {
    for (std::size_t gone = 0; gone < best_.size(); ++gone) {
      const Schedule rest = best_.Without(gone);
      for (std::size_t aimed = 0; aimed < rest.size(); ++aimed) {
        if (!IsSwitchToCpu(rest.decisions()[aimed])) continue;
        for (int cpu = 0; cpu < cpu_count(); ++cpu) {
          if (run_count_ > kRunCountMax) return false;
          if (rest.decisions()[aimed].to == CpuActor(cpu)) continue;
          if (Try(Aimed(rest, aimed, cpu))) return true;
        }
      }
    }
    return false;
  }

  // One decision less, if another may stand elsewhere: leaves local minima. A decision within an
  // interrupt's handler may stand where the interrupt came.
  bool RemoveOneMoveOne() {
    for (std::size_t gone = 0; gone < best_.size(); ++gone) {
      const Schedule rest = best_.Without(gone);
      const Decision& place = best_.decisions()[gone];
      for (std::size_t moved = 0; moved < rest.size(); ++moved) {
        if (rest.decisions()[moved].actor.actor_class() == ActorId::Class::kCpu) {
          Decisions decisions = rest.decisions();
          decisions[moved].actor = place.actor;
          decisions[moved].index = place.index;
          if (Try(Schedule(std::move(decisions)).Canonical())) return true;
        }
        for (std::uint32_t index = 0; index < kMoveIndexMax; ++index) {
          if (run_count_ > kRunCountMax) return false;
          Decisions decisions = rest.decisions();
          if (decisions[moved].index == index) continue;
          decisions[moved].index = index;
          if (Try(Schedule(std::move(decisions)).Canonical())) return true;
        }
      }
    }
    return false;
  }

  // The shortest hold that still does it.
  void ShortenHolds() {
    for (std::size_t i = 0; i < best_.size(); ++i) {
      if (best_.decisions()[i].kind != Kind::kHold) continue;
      for (std::uint8_t arg = 1; arg < 64; ++arg) {
        Decisions decisions = best_.decisions();
        if (decisions[i].arg != 0 && decisions[i].arg <= arg) break;
        decisions[i].arg = arg;
        if (Try(Schedule(std::move(decisions)).Canonical())) break;
      }
    }
  }

  // Each decision as late as it can be, to a fixpoint.
  void MoveLate() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t i = 0; i < best_.size() && run_count_ < kRunCountMax; ++i) {
        const Decision from = best_.decisions()[i];
        // A window may have holes, so the search goes on behind the first one.
        for (std::uint32_t index = from.index + kLateWindow; index > from.index; --index) {
          Decisions decisions = best_.decisions();
          decisions[i].index = index;
          Schedule candidate = Schedule(std::move(decisions)).Canonical();
          if (TryAsItIs(candidate)) {
            moved = true;
            break;
          }
        }
        if (moved) break;
      }
    }
  }

  // Where a switch leads: the less, the straighter.
  struct Way {
    std::size_t steps;  // of the whole run
    bool passes_on;     // its CPU has nothing to do, and the next one goes on
    int cpu;
    friend auto operator<=>(const Way&, const Way&) = default;
  };

  // The way of `decision`, a switch of the last run.
  [[nodiscard]] Way WayOf(const Decision& decision) const {
    const auto log = subject_.machine().log();
    Way way{.steps = log.size(), .passes_on = true, .cpu = decision.to.number()};
    for (const sim::MoveMade& made : subject_.machine().moves_made()) {
      if (made.move.kind != sim::Move::Kind::kRun || made.actor != decision.actor ||
          made.index != decision.index || made.row >= log.size()) {
        continue;
      }
      way.passes_on = log[made.row].cpu != way.cpu;
    }
    return way;
  }

  // Each switch to the CPU from which the run fails after the fewest steps, and of such one that
  // goes on itself, the lowest: CPUs that have nothing to do with the failure lie on no way. True
  // if `best_` is another one.
  bool AimStraight() {
    bool changed = false;
    for (std::size_t i = 0; i < best_.size(); ++i) {
      if (!IsSwitchToCpu(best_.decisions()[i])) continue;
      (void)Fails(best_);
      Way straightest = WayOf(best_.decisions()[i]);
      for (int cpu = 0; cpu < cpu_count() && run_count_ < kRunCountMax; ++cpu) {
        const Schedule before = best_;
        if (cpu == straightest.cpu || !TryAsItIs(Aimed(before, i, cpu))) continue;
        if (best_.size() < before.size()) return true;
        if (const Way way = WayOf(best_.decisions()[i]); way < straightest) {
          straightest = way;
          changed = true;
        } else {
          best_ = before;
        }
      }
    }
    return changed;
  }

  [[nodiscard]] int cpu_count() const { return subject_.machine().cpu_count(); }

  static constexpr std::uint32_t kMoveIndexMax = 160;
  static constexpr std::uint32_t kLateWindow = 48;

  sim::Subject& subject_;
  const std::string& kind_key_;
  Schedule best_;
  std::uint64_t run_count_ = 0;
};

}  // namespace

Minimized MinimizeSchedule(sim::Subject& subject, const Schedule& failing,
                           const std::string& kind_key) {
  Minimizer minimizer(subject, kind_key);
  Minimized result;
  result.schedule = minimizer.Minimize(failing);
  result.proof = Prove(subject, result.schedule, kind_key);
  result.run_count = minimizer.run_count() + result.schedule.size();
  return result;
}

std::vector<ProofStep> Prove(sim::Subject& subject, const Schedule& schedule,
                             const std::string& kind_key) {
  std::vector<ProofStep> proof;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    const Schedule rest = schedule.Without(i);
    ScheduleScheduler scheduler(rest);
    const sim::Violation* const violation = subject.RunOnce(scheduler);
    std::string verdict = violation == nullptr ? "clean" : violation->check;
    if (violation != nullptr && KindKey(*violation, subject.machine()) == kind_key) {
      verdict = "the same failure";
    }
    proof.push_back({.without = ToText(schedule.decisions()[i]), .verdict = std::move(verdict)});
  }
  return proof;
}

}  // namespace shootdown
