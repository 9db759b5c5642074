// Two runs beside each other: what they have in common once, and from where they part both, with
// what is done in both on the same line.
#ifndef SHOOTDOWN_FUZZ_CLI_SIDE_BY_SIDE_H_
#define SHOOTDOWN_FUZZ_CLI_SIDE_BY_SIDE_H_

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {

struct RowWords {
  // Equal in two runs if they are the same step: actor, its number among the actor's steps, site.
  std::tuple<std::uint16_t, std::uint32_t, std::uint32_t> step;
  // Equal if the same actor does the same, however many steps it has taken before: actor, site, kind.
  std::tuple<std::uint16_t, std::uint32_t, sim::StepKind> what;
  int cpu = 0;
  std::string function;
  std::string text;
};

struct RunWords {
  std::string title;  // `fails: T0@20>C1`
  std::string end;    // what comes of it
  std::vector<RowWords> rows;
};

// Runs `schedule` and writes down what a reader needs of it.
[[nodiscard]] RunWords WordsOfRun(Simulation& simulation, const Schedule& schedule);

// `first_difference`: the first row that is not the same in both; of those before it the last few are
// shown. Rows of the left run that are `marked` get an arrow, on both sides. Lines are no longer than
// `width_max`, where that is not 0, if that leaves room to read.
[[nodiscard]] std::string SideBySide(const RunWords& left, const RunWords& right,
                                     std::size_t first_difference,
                                     std::span<const sim::Row> marked, std::size_t width_max = 0);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_SIDE_BY_SIDE_H_
