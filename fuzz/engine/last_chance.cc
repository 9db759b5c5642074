#include "fuzz/engine/last_chance.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "fuzz/explore/schedule_tree.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

// More decisions than any run that passes after a failing prefix needs, and than one can take in
// most; a search that could not take more says so.
constexpr std::size_t kFurtherDecisionsMax = 64;

// The failing run.
struct Failed {
  std::vector<sim::MoveMade> moves;
  std::vector<sim::LogEntry> log;
};

// What a run decides that begins with the first `rows` rows of the failing one. What has entered a
// buffer and not left it by then is held, and for as long as may be: when it left in the failing run
// is one of the moments that are tried, and no part of the beginning. It may have been held by no
// decision of its own, but since something before it was.
Schedule BeginningOf(const Failed& failed, sim::Row rows) {
  constexpr std::uint8_t kNoLimit = 0;
  const std::span<const sim::LogEntry> log(failed.log.data(), rows);
  const auto left = [log](sim::Row held) {
    return std::ranges::any_of(log, [held](const sim::LogEntry& e) {
      return (e.kind == sim::StepKind::kDrain || e.kind == sim::StepKind::kLateLoad) &&
             e.link == held;
    });
  };
  std::vector<sim::MoveMade> before;
  for (const sim::MoveMade& made : failed.moves) {
    if (made.row < rows) before.push_back(made);
  }
  for (sim::Row row = 0; row < rows; ++row) {
    const sim::LogEntry& e = log[row];
    const bool enters = e.kind == sim::StepKind::kStore || e.kind == sim::StepKind::kLoad;
    if (!enters || (e.flags & sim::LogEntry::kHeld) == 0 || left(row)) continue;
    const ActorId actor(e.actor);
    std::erase_if(before, [&](const sim::MoveMade& made) {
      return made.move.kind == sim::Move::Kind::kHold && made.actor == actor &&
             made.index == e.index;
    });
    before.push_back({.move = {.kind = sim::Move::Kind::kHold, .arg = kNoLimit},
                      .actor = actor,
                      .index = e.index,
                      .row = row});
  }
  return ExactSchedule(before);
}

struct Escape {
  std::optional<Schedule> passing;
  bool complete = false;
  bool ran_out = false;
  std::uint64_t runs = 0;
};

// A run that passes, among those that begin with the first `rows` rows of the failing one.
Escape FindEscape(sim::Subject& subject, const Failed& failed, sim::Row rows,
                  explore::DecisionKinds kinds, std::uint64_t run_count_max) {
  Escape escape;
  const Schedule prefix = BeginningOf(failed, rows);
  std::size_t largest = 0;
  const std::size_t limit = prefix.size() + kFurtherDecisionsMax;
  explore::ScheduleTree tree(subject, {.kinds = kinds,
                                       .decision_count_max = limit,
                                       .run_count_max = run_count_max,
                                       .root = prefix,
                                       .root_rows = rows});
  const explore::TreeReport report =
      tree.Explore([&](const Schedule& tried, const sim::Violation* violation) {
        largest = std::max(largest, tried.size());
        if (violation != nullptr) return explore::Visit::kGoOn;
        escape.passing = tried;
        return explore::Visit::kStop;
      });
  escape.runs = report.runs;
  escape.complete = report.complete && largest < limit;
  escape.ran_out = report.runs >= run_count_max;
  return escape;
}

}  // namespace

LastChance FindLastChance(sim::Subject& subject, const Schedule& failing,
                          std::uint64_t run_count_max) {
  ScheduleScheduler scheduler(failing);
  (void)subject.RunOnce(scheduler);
  const auto made = subject.machine().moves_made();
  const auto log = subject.machine().log();
  const Failed failed{.moves = {made.begin(), made.end()}, .log = {log.begin(), log.end()}};
  const auto row_count = static_cast<sim::Row>(failed.log.size());
  const explore::DecisionKinds kinds =
      explore::KindBit(Decision::Kind::kSwitch) |
      (explore::KindsOf(failing) & explore::KindBit(Decision::Kind::kHold));

  LastChance chance;
  chance.drains_varied = (kinds & explore::KindBit(Decision::Kind::kHold)) != 0;
  const auto escape_from = [&](sim::Row rows) {
    Escape escape = FindEscape(subject, failed, rows, kinds, run_count_max);
    chance.run_count += escape.runs;
    return escape;
  };
  Escape first = escape_from(0);
  if (!first.passing.has_value()) {
    chance.proved = first.complete;
    chance.ran_out = !first.complete && first.ran_out;
    return chance;
  }
  chance.row = 0;
  chance.passing = *std::move(first.passing);
  // Avoidable behind `low` rows, and as far as is known not behind `high`. After the last row it
  // has failed.
  sim::Row low = 0;
  sim::Row high = row_count;
  chance.proved = true;
  while (high - low > 1) {
    const sim::Row middle = low + (high - low) / 2;
    Escape escape = escape_from(middle);
    if (escape.passing.has_value()) {
      low = middle;
      chance.row = middle;
      chance.passing = *std::move(escape.passing);
    } else {
      high = middle;
      chance.proved = escape.complete;
      chance.ran_out = !escape.complete && escape.ran_out;
    }
  }
  return chance;
}

}  // namespace shootdown
