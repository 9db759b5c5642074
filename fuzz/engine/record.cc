#include "fuzz/engine/record.h"

#include <algorithm>
#include <map>

#include "fuzz/base/content_hash.h"
#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

// The step before which `d` stands, or null if the run never came there.
const sim::LogEntry* StepOf(std::span<const sim::LogEntry> log, const Decision& d) {
  for (const sim::LogEntry& e : log) {
    if (IsStep(e.kind) && e.actor == d.actor.byte() && e.index == d.index) return &e;
  }
  return nullptr;
}

DecisionAnchor AnchorOf(std::span<const sim::LogEntry> log, const Decision& d) {
  const sim::LogEntry* const step = StepOf(log, d);
  if (step == nullptr) return {};
  DecisionAnchor anchor{.site = sim::SiteName(*step->site)};
  for (const sim::LogEntry& e : log) {
    if (&e == step) break;
    if (IsStep(e.kind) && e.actor == step->actor && e.site->hash == step->site->hash) {
      ++anchor.occurrence;
    }
  }
  return anchor;
}

std::string HashText(std::uint64_t last, std::size_t rows) {
  std::string bytes(16, '\0');
  for (int i = 0; i < 8; ++i) {
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(last >> (8 * i));
    bytes[static_cast<std::size_t>(i + 8)] = static_cast<char>(rows >> (8 * i));
  }
  return ToHex(HashBytes(bytes));
}

// The schedule with every decision moved to where its site is met now. Steps that a decision makes
// possible come only after it is taken, so anchors are found one after the other.
Schedule Reanchor(Simulation& simulation, const Schedule& schedule, const Failure& failure) {
  std::vector<Decision> decisions = schedule.decisions();
  for (std::size_t round = 0; round <= decisions.size(); ++round) {
    const Schedule now = Schedule(decisions);
    ScheduleScheduler scheduler(now);
    (void)simulation.Run(scheduler);
    const auto log = simulation.machine().log();
    bool changed = false;
    for (std::size_t i = 0; i < decisions.size() && i < failure.anchors.size(); ++i) {
      std::uint32_t occurrence = 0;
      for (const sim::LogEntry& e : log) {
        if (!IsStep(e.kind) || e.actor != decisions[i].actor.byte()) continue;
        if (sim::SiteName(*e.site) != failure.anchors[i].site) continue;
        if (occurrence++ != failure.anchors[i].occurrence) continue;
        changed = changed || decisions[i].index != e.index;
        decisions[i].index = e.index;
        break;
      }
    }
    if (!changed) break;
  }
  return Schedule(std::move(decisions)).Canonical();
}

}  // namespace

std::optional<Failure> RecordFailure(Simulation& simulation, const Schedule& schedule,
                                     const std::string& scenario_text) {
  ScheduleScheduler scheduler(schedule);
  const check::Finding* const finding = simulation.Run(scheduler);
  if (finding == nullptr) return std::nullopt;
  const auto log = simulation.machine().log();
  const std::vector<std::uint64_t> hashes = sim::ChainedHashes(log);
  Failure failure;
  failure.scenario_name = simulation.scenario().name;
  failure.scenario_text = scenario_text;
  failure.schedule_text = schedule.ToText();
  failure.found_schedule_text = failure.schedule_text;
  for (const Decision& d : schedule.decisions()) failure.anchors.push_back(AnchorOf(log, d));
  failure.check = finding->check->name;
  failure.kind_key = KindKey(*finding, simulation.machine());
  failure.message = finding->message;
  failure.why = finding->check->why;
  failure.trace_hash = HashText(hashes.empty() ? 0 : hashes.back(), hashes.size());
  for (std::size_t i = 0; i < log.size(); ++i) {
    failure.trace.push_back({.text = sim::RowText(log[i]), .hash = hashes[i]});
  }
  failure.signature = Signature(failure);
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
