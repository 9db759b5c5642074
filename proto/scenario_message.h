// A scenario as a message, and where its fields stood in the text, to a Scenario; every rule of the
// format that protobuf does not know is judged here (proto/README.md).
#ifndef SHOOTDOWN_PROTO_SCENARIO_MESSAGE_H_
#define SHOOTDOWN_PROTO_SCENARIO_MESSAGE_H_

#include "fuzz/sim/machine_config.h"
#include "proto/scenario_mistakes.h"
#include "proto/scenario_text.h"
#include "proto/text_positions.h"
#include "shootdown/v1/scenario.pb.h"

namespace shootdown {

struct LocatedScenario {
  Scenario scenario;
  ScenarioLocations locations;  // without the file's name
};

// What is wrong is added to `mistakes`; then the result is of no use.
[[nodiscard]] LocatedScenario ReadScenarioMessage(const v1::Scenario& message,
                                                  const TextPositions& positions,
                                                  ScenarioMistakes& mistakes);

// `machine` with `positions` of its fields. What is wrong keeps its default, so that one mistake
// brings no others.
[[nodiscard]] sim::MachineConfig ReadMachineMessage(const v1::Machine& machine,
                                                    const TextPositions& positions,
                                                    ScenarioMistakes& mistakes);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_SCENARIO_MESSAGE_H_
