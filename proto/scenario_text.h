// Scenario files: protobuf text format (shootdown/v1/scenario.proto) <-> Scenario.
//
// Every error is INVALID_ARGUMENT `file:line:column: what was found, what was wanted`, one line.
// What is checked here: form, ranges, and what holds between fields of the machine. Left out: the
// names of operations, switches and checks, which this layer does not know. fuzz/scenario knows
// them, and ScenarioLocations lets it complain with the same prefix.
#ifndef SHOOTDOWN_PROTO_SCENARIO_TEXT_H_
#define SHOOTDOWN_PROTO_SCENARIO_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/scenario/scenario.h"
#include "proto/text_positions.h"

namespace shootdown {

inline constexpr std::size_t kScenarioBytesMax = 1 << 20;
inline constexpr int kTaskCountMax = 60;
inline constexpr int kOperationCountMax = 64;  // of one task; setup and ops each
inline constexpr std::size_t kOperationBytesMax = 200;
// Schedules have words for steps 0 .. 65535 of an actor (fuzz/schedule/README.md). A run that went on
// could fail where no schedule leads, so a finding could not be replayed.
inline constexpr int kStepCountMax = 65'535;

// Where the parts of a parsed scenario stand in its file, parallel to the vectors of Scenario.
struct ScenarioLocations {
  struct Task {
    TextPosition task;  // the word `task`
    std::vector<TextPosition> setup;
    std::vector<TextPosition> ops;
  };
  std::string file_name;
  TextPosition arch;
  std::vector<TextPosition> version;
  std::vector<Task> tasks;
  std::vector<TextPosition> checks_on;
  std::vector<TextPosition> checks_off;
  TextPosition expected;

  // `file:line:column`, for the front of a message; `file` if the place is not known.
  [[nodiscard]] std::string At(TextPosition position) const;
};

// Fills `locations`, unless it is null, when the result is OK. `file_name` is for messages only.
[[nodiscard]] absl::StatusOr<Scenario> ParseScenario(std::string_view text,
                                                     std::string_view file_name,
                                                     ScenarioLocations* locations = nullptr);

// The canonical text: every machine field is written, so that a stored scenario keeps its meaning
// when a default changes. Its hash names a scenario, so equal scenarios print equally, for ever.
// So a machine field that is added one day is written only where it differs from its default.
// ParseScenario(PrintScenario(s)) == s for every s that ParseScenario can return.
[[nodiscard]] std::string PrintScenario(const Scenario& scenario);

// Also NOT_FOUND, PERMISSION_DENIED or UNAVAILABLE when the file cannot be read.
[[nodiscard]] absl::StatusOr<Scenario> ReadScenarioFile(const std::string& path,
                                                        ScenarioLocations* locations = nullptr);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_SCENARIO_TEXT_H_
