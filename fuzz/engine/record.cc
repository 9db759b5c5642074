#include "fuzz/engine/record.h"

#include <algorithm>
#include <map>

#include "fuzz/base/content_hash.h"
#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

// Where `anchor` stands in a run: the row of the `occurrence`th step (counted from 0) that `actor` takes
// at that site. Null if the run never came there.
const sim::LogEntry* StepAt(std::span<const sim::LogEntry> log, ActorId actor,
                            const DecisionAnchor& anchor) {
  std::uint32_t occurrence = 0;
  for (const sim::LogEntry& e : log) {
    if (!IsStep(e.kind) || e.actor != actor.byte()) continue;
    if (sim::SiteName(*e.site) != anchor.site) continue;
    if (occurrence++ == anchor.occurrence) return &e;
  }
  return nullptr;
}

// The step before which `d` stands, or nothing if the run never came there.
std::optional<DecisionAnchor> AnchorOf(std::span<const sim::LogEntry> log, const Decision& d) {
  const auto is_own = [&d](const sim::LogEntry& e) {
    return IsStep(e.kind) && e.actor == d.actor.byte();
  };
  const auto step = std::find_if(log.begin(), log.end(), [&](const sim::LogEntry& e) {
    return is_own(e) && e.index == d.index;
  });
  if (step == log.end()) return std::nullopt;
  const auto before = std::count_if(log.begin(), step, [&](const sim::LogEntry& e) {
    return is_own(e) && e.site->hash == step->site->hash;
  });
  return DecisionAnchor{.site = sim::SiteName(*step->site),
                        .occurrence = static_cast<std::uint32_t>(before)};
}

// One for each decision. A run may end before it takes the step that a decision stood before; without
// the decisions at that step, the same run goes on with it. Leaves the machine with any of these runs.
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

// The schedule with every decision moved to where its site is met now. What a decision does, decides
// where the later ones stand: so the earliest in time is placed first, in a run with nothing but those
// that are placed already. Decisions whose site is not met any more stay as they are.
Schedule Reanchor(Simulation& simulation, const Schedule& schedule, const Failure& failure) {
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
    for (std::size_t i = 0; i < decisions.size() && i < failure.anchors.size(); ++i) {
      if (is_placed[i]) continue;
      const sim::LogEntry* const step =
          StepAt(simulation.machine().log(), decisions[i].actor, failure.anchors[i]);
      if (step == nullptr || (first != nullptr && first <= step)) continue;
      first = step;
      first_decision = i;
    }
    if (first == nullptr) break;
    decisions[first_decision].index = first->index;
    is_placed[first_decision] = true;
  }
  return Schedule(std::move(decisions)).Canonical();
}

}  // namespace

std::string TraceHash(std::span<const std::uint64_t> hashes) {
  const std::uint64_t last = hashes.empty() ? 0 : hashes.back();
  std::string bytes(16, '\0');
  for (int i = 0; i < 8; ++i) {
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(last >> (8 * i));
    bytes[static_cast<std::size_t>(i + 8)] = static_cast<char>(hashes.size() >> (8 * i));
  }
  return ToHex(HashBytes(bytes));
}

Failure RecordRun(Simulation& simulation, const Schedule& schedule,
                  const std::string& scenario_text) {
  ScheduleScheduler scheduler(schedule);
  const check::Finding* const finding = simulation.Run(scheduler);
  const auto log = simulation.machine().log();
  const std::vector<std::uint64_t> hashes = sim::ChainedHashes(log);
  Failure failure;
  failure.scenario_name = simulation.scenario().name;
  failure.scenario_text = scenario_text;
  failure.schedule_text = schedule.ToText();
  failure.found_schedule_text = failure.schedule_text;
  failure.trace_hash = TraceHash(hashes);
  for (std::size_t i = 0; i < log.size(); ++i) {
    failure.trace.push_back({.text = sim::RowText(log[i]), .hash = hashes[i]});
  }
  if (finding == nullptr) return failure;
  failure.check = finding->check->name;
  failure.kind_key = KindKey(*finding, simulation.machine());
  failure.message = finding->message;
  failure.why = finding->check->why;
  failure.anchors = AnchorsOf(simulation, schedule);
  failure.signature = Signature(failure);
  (void)simulation.Run(scheduler);  // the machine's last run is the one that was recorded
  return failure;
}

std::optional<Failure> RecordFailure(Simulation& simulation, const Schedule& schedule,
                                     const std::string& scenario_text) {
  Failure failure = RecordRun(simulation, schedule, scenario_text);
  if (failure.check.empty()) return std::nullopt;
  return failure;
}

std::string Signature(const Failure& failure) {
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(failure.schedule_text);
  std::vector<std::string> forced;
  for (std::size_t i = 0; schedule.ok() && i < schedule->size(); ++i) {
    const Decision& d = schedule->decisions()[i];
    const char actor_class = d.actor.letter();
    const std::string site = i < failure.anchors.size() ? failure.anchors[i].site : "";
    forced.push_back(std::to_string(static_cast<int>(d.kind)) + actor_class + " " + site);
  }
  std::sort(forced.begin(), forced.end());
  std::string bytes = failure.kind_key;
  for (const std::string& f : forced) bytes += "\n" + f;
  return ToHex(HashBytes(bytes));
}

absl::StatusOr<Replay> ReplayFailure(Simulation& simulation, const Failure& failure) {
  absl::StatusOr<Schedule> parsed = Schedule::Parse(failure.schedule_text);
  if (!parsed.ok()) return parsed.status();
  Replay replay;
  const auto run = [&](const Schedule& schedule) {
    replay.schedule = schedule;
    ScheduleScheduler scheduler(schedule);
    const check::Finding* const finding = simulation.Run(scheduler);
    replay.check = finding == nullptr ? "" : std::string(finding->check->name);
    const auto log = simulation.machine().log();
    const std::vector<std::uint64_t> hashes = sim::ChainedHashes(log);
    const std::size_t rows = std::max(log.size(), failure.trace.size());
    for (std::size_t i = 0; i < rows; ++i) {
      const bool same =
          i < log.size() && i < failure.trace.size() && hashes[i] == failure.trace[i].hash;
      if (same) continue;
      replay.first_difference = i;
      replay.expected = i < failure.trace.size() ? failure.trace[i].text : "";
      replay.got = i < log.size() ? sim::RowText(log[i]) : "";
      return false;
    }
    return replay.check == failure.check;
  };
  replay.reproduced = run(*parsed);
  if (replay.reproduced) return replay;
  // The model may have changed since: find the decisions' places again.
  const Replay as_stored = replay;
  const Schedule moved = Reanchor(simulation, *parsed, failure);
  if (moved == *parsed) {
    (void)run(*parsed);
    return replay;
  }
  (void)run(moved);
  replay.reproduced = false;
  replay.reanchored = replay.check == failure.check;
  replay.first_difference = as_stored.first_difference;
  replay.expected = as_stored.expected;
  replay.got = as_stored.got;
  if (!replay.reanchored) {
    (void)run(*parsed);
    replay.reproduced = false;
  }
  return replay;
}

}  // namespace shootdown
