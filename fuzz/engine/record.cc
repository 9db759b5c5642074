#include "fuzz/engine/record.h"

#include <algorithm>

#include "fuzz/base/content_hash.h"
#include "fuzz/engine/anchors.h"
#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

namespace shootdown {

std::string TraceHash(std::span<const std::uint64_t> hashes) {
  const std::uint64_t last = hashes.empty() ? 0 : hashes.back();
  std::string bytes(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(last >> (8 * i));
    bytes[i + 8] = static_cast<char>(hashes.size() >> (8 * i));
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
  std::ranges::sort(forced);
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
    replay.trace_hash = TraceHash(hashes);
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
    return replay.check == failure.check && replay.trace_hash == failure.trace_hash;
  };
  replay.reproduced = run(*parsed);
  if (replay.reproduced) return replay;
  // The model may have changed since: find the decisions' places again.
  const Replay as_stored = replay;
  const Schedule moved = Reanchor(simulation, *parsed, failure.anchors);
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
