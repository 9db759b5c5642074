#include "fuzz/engine/last_chance.h"

#include <utility>
#include <vector>

#include "fuzz/explore/schedule_tree.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

// More decisions than any run that passes after a failing prefix needs, and than one can take in
// most; a search that could not take more says so.
constexpr std::size_t kFurtherDecisionsMax = 64;

struct Escape {
  std::optional<Schedule> passing;
  bool complete = false;
  std::uint64_t runs = 0;
};

// A run that passes, among those that begin with the first `rows` rows of the failing one.
Escape FindEscape(sim::Subject& subject, const std::vector<sim::MoveMade>& moves, sim::Row rows,
                  explore::DecisionKinds kinds, std::uint64_t run_count_max) {
  std::vector<sim::MoveMade> before;
  for (const sim::MoveMade& made : moves) {
    if (made.row < rows) before.push_back(made);
  }
  Escape escape;
  const Schedule prefix = ExactSchedule(before);
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
  return escape;
}

}  // namespace

LastChance FindLastChance(sim::Subject& subject, const Schedule& failing,
                          std::uint64_t run_count_max) {
  ScheduleScheduler scheduler(failing);
  (void)subject.RunOnce(scheduler);
  const auto made = subject.machine().moves_made();
  const std::vector<sim::MoveMade> moves(made.begin(), made.end());
  const auto row_count = static_cast<sim::Row>(subject.machine().log().size());
  const explore::DecisionKinds kinds =
      explore::KindBit(Decision::Kind::kSwitch) |
      (explore::KindsOf(failing) & explore::KindBit(Decision::Kind::kHold));

  LastChance chance;
  chance.drains_varied = (kinds & explore::KindBit(Decision::Kind::kHold)) != 0;
  const auto escape_from = [&](sim::Row rows) {
    Escape escape = FindEscape(subject, moves, rows, kinds, run_count_max);
    chance.run_count += escape.runs;
    return escape;
  };
  Escape first = escape_from(0);
  if (!first.passing.has_value()) {
    chance.proved = first.complete;
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
    }
  }
  return chance;
}

}  // namespace shootdown
