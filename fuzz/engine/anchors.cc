#include "fuzz/engine/anchors.h"

#include <algorithm>
#include <optional>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

// The step before which `d` stands, or nothing if the run never came there.
std::optional<DecisionAnchor> AnchorOf(std::span<const sim::LogEntry> log, const Decision& d) {
  const auto is_own = [&d](const sim::LogEntry& e) {
    return IsStep(e.kind) && e.actor == d.actor.code();
  };
  const auto step = std::ranges::find_if(log, [&](const sim::LogEntry& e) {
    return is_own(e) && e.index == d.index;
  });
  if (step == log.end()) return std::nullopt;
  const auto before = std::count_if(log.begin(), step, [&](const sim::LogEntry& e) {
    return is_own(e) && e.site->hash == step->site->hash;
  });
  return DecisionAnchor{.site = sim::SiteName(*step->site),
                        .occurrence = static_cast<std::uint32_t>(before)};
}

}  // namespace

std::vector<const sim::LogEntry*> StepsAt(std::span<const sim::LogEntry> log, ActorId actor,
                                          const std::string& site) {
  std::vector<const sim::LogEntry*> steps;
  for (const sim::LogEntry& e : log) {
    if (!IsStep(e.kind) || e.actor != actor.code()) continue;
    if (sim::SiteName(*e.site) == site) steps.push_back(&e);
  }
  return steps;
}

// A run may end before it takes the step that a decision stood before; without the decisions at that
// step, the same run goes on with it.
std::vector<DecisionAnchor> AnchorsOf(Simulation& simulation, const Schedule& schedule) {
  std::vector<DecisionAnchor> anchors(schedule.size());
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    const auto anchor = AnchorOf(simulation.machine().log(), schedule.decisions()[i]);
    anchors[i] = anchor.value_or(DecisionAnchor());
    if (!anchor.has_value()) missing.push_back(i);
  }
  for (const std::size_t i : missing) {
    const Decision& here = schedule.decisions()[i];
    std::vector<Decision> rest = schedule.decisions();
    std::erase_if(rest, [&here](const Decision& d) {
      return d.actor == here.actor && d.index == here.index;
    });
    const Schedule elsewhere(std::move(rest));
    ScheduleScheduler scheduler(elsewhere);
    (void)simulation.Run(scheduler);
    anchors[i] = AnchorOf(simulation.machine().log(), here).value_or(DecisionAnchor());
  }
  return anchors;
}

// What a decision does, decides where the later ones stand: so the earliest in time is placed first, in a
// run with nothing but those that are placed already.
Schedule Reanchor(Simulation& simulation, const Schedule& schedule,
                  const std::vector<DecisionAnchor>& anchors) {
  std::vector<Decision> decisions = schedule.decisions();
  std::vector<bool> is_placed(decisions.size(), false);
  for (std::size_t round = 0; round < decisions.size(); ++round) {
    std::vector<Decision> placed;
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      if (is_placed[i]) placed.push_back(decisions[i]);
    }
    const Schedule now = Schedule(std::move(placed)).Canonical();
    ScheduleScheduler scheduler(now);
    (void)simulation.Run(scheduler);
    const sim::LogEntry* first = nullptr;
    std::size_t first_decision = 0;
    for (std::size_t i = 0; i < decisions.size() && i < anchors.size(); ++i) {
      if (is_placed[i]) continue;
      const auto steps =
          StepsAt(simulation.machine().log(), decisions[i].actor, anchors[i].site);
      if (anchors[i].occurrence >= steps.size()) continue;
      const sim::LogEntry* const step = steps[anchors[i].occurrence];
      if (first != nullptr && first <= step) continue;
      first = step;
      first_decision = i;
    }
    if (first == nullptr) break;
    decisions[first_decision].index = first->index;
    is_placed[first_decision] = true;
  }
  return Schedule(std::move(decisions)).Canonical();
}

}  // namespace shootdown
