#include "fuzz/engine/neighbour.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

using sim::LogEntry;
using sim::Row;
using sim::StepKind;

// A decision is moved by so many steps at most: further away it is another one.
constexpr int kMovedByMax = 64;
// Of one word. Whatever touches a word more often than that is a lock, and its first accesses tell
// enough.
constexpr std::size_t kAccessesOfOneWordMax = 512;

bool TouchesMemory(const LogEntry& e) {
  if (e.word == sim::kNoWord) return false;
  switch (e.kind) {
    case StepKind::kStore:
    case StepKind::kLoad:
      return (e.flags & LogEntry::kHeld) == 0;  // its drain does, or the load that comes late
    case StepKind::kRmw:
    case StepKind::kDrain:
    case StepKind::kLateLoad:
    case StepKind::kUserLoad:
    case StepKind::kUserStore:
      return true;
    default:
      return false;
  }
}

using StepId = std::tuple<std::uint16_t, std::uint32_t, std::uint32_t>;
StepId IdOf(const LogEntry& e) { return {e.actor, e.index, e.site->hash}; }

Row FirstDifference(std::span<const LogEntry> a, std::span<const LogEntry> b) {
  const std::vector<std::uint64_t> left = sim::ChainedHashes(a);
  const std::vector<std::uint64_t> right = sim::ChainedHashes(b);
  const auto differ = std::ranges::mismatch(left, right);
  return static_cast<Row>(differ.in1 - left.begin());
}

class Finder {
 public:
  Finder(sim::Subject& subject, const Schedule& failing) : subject_(subject), failing_(failing) {
    ScheduleScheduler scheduler(failing);
    (void)subject.RunOnce(scheduler);
    const auto log = subject.machine().log();
    log_.assign(log.begin(), log.end());
  }

  NeighbourSearch Find() {
    for (std::size_t i = 0; i < failing_.size(); ++i) {
      const Decision& d = failing_.decisions()[i];
      Try(failing_.Without(i), {.change = Neighbour::Change::kLeftOut, .decision = d});
      for (int by = -kMovedByMax; by <= kMovedByMax; ++by) {
        const std::int64_t index = std::int64_t{d.index} + by;
        if (by == 0 || index < 0 || index > std::int64_t{Decision::kIndexMax}) continue;
        std::vector<Decision> decisions = failing_.decisions();
        decisions[i].index = static_cast<std::uint32_t>(index);
        Try(Schedule(std::move(decisions)).Canonical(),
            {.change = Neighbour::Change::kMoved, .decision = d, .moved_by = by});
      }
    }
    if (!search_.nearest.has_value()) AddOne();
    return std::move(search_);
  }

 private:
  // A switch before any step of the failing run.
  void AddOne() {
    for (const LogEntry& e : log_) {
      if (!CanAnchor(e.kind)) continue;
      for (int cpu = 0; cpu < subject_.machine().cpu_count(); ++cpu) {
        if (cpu == e.cpu) continue;
        const Decision d{.actor = ActorId(e.actor), .to = CpuActor(cpu), .index = e.index};
        std::vector<Decision> decisions = failing_.decisions();
        decisions.push_back(d);
        Try(Schedule(std::move(decisions)).Canonical(),
            {.change = Neighbour::Change::kAdded, .decision = d});
      }
    }
  }

  void Try(Schedule schedule, Neighbour candidate) {
    ++search_.run_count;
    ScheduleScheduler scheduler(schedule);
    if (subject_.RunOnce(scheduler) != nullptr) return;
    const auto log = subject_.machine().log();
    candidate.schedule = std::move(schedule);
    candidate.first_difference = FirstDifference(log_, log);
    candidate.reversed = ReversedPairs(log_, log);
    if (search_.nearest.has_value() && !Nearer(candidate, *search_.nearest)) return;
    search_.nearest = std::move(candidate);
  }

  [[nodiscard]] static bool Nearer(const Neighbour& a, const Neighbour& b) {
    // A decision that is left out has moved as far as it goes.
    const auto rank = [](const Neighbour& n) {
      const int by = n.change == Neighbour::Change::kMoved ? std::abs(n.moved_by) : kMovedByMax + 1;
      // Without a pair that both runs have, the two say nothing to each other.
      const std::size_t pairs = n.reversed.empty() ? SIZE_MAX : n.reversed.size();
      return std::make_tuple(pairs, by, n.first_difference);
    };
    return rank(a) < rank(b);
  }

  sim::Subject& subject_;
  const Schedule& failing_;
  std::vector<LogEntry> log_;  // of the failing run
  NeighbourSearch search_;
};

}  // namespace

std::vector<ReversedPair> ReversedPairs(std::span<const LogEntry> failing,
                                        std::span<const LogEntry> passing) {
  std::map<StepId, Row> in_passing;
  for (std::size_t row = 0; row < passing.size(); ++row) {
    if (TouchesMemory(passing[row])) in_passing.emplace(IdOf(passing[row]), static_cast<Row>(row));
  }
  struct Access {
    Row failing;
    Row passing;
    std::uint8_t cpu;
    bool write;
  };
  std::map<sim::WordIndex, std::vector<Access>> words;
  std::vector<ReversedPair> reversed;
  for (std::size_t row = 0; row < failing.size(); ++row) {
    const LogEntry& e = failing[row];
    if (!TouchesMemory(e)) continue;
    const auto other = in_passing.find(IdOf(e));
    if (other == in_passing.end() || passing[other->second].word != e.word) continue;
    const Access now{.failing = static_cast<Row>(row),
                     .passing = other->second,
                     .cpu = e.cpu,
                     .write = IsWrite(e.kind)};
    std::vector<Access>& before = words[e.word];
    for (const Access& earlier : before) {
      if (earlier.cpu == now.cpu || !(earlier.write || now.write)) continue;
      if (earlier.passing > now.passing) reversed.push_back({earlier.failing, now.failing});
    }
    if (before.size() < kAccessesOfOneWordMax) before.push_back(now);
  }
  return reversed;
}

NeighbourSearch FindNeighbour(sim::Subject& subject, const Schedule& failing) {
  return Finder(subject, failing).Find();
}

}  // namespace shootdown
