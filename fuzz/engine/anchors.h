// Where decisions stand, in words that outlive an edit: the site of the step, and how often its actor
// had passed that site before. A step's number changes with every step that comes or goes before it.
#ifndef SHOOTDOWN_FUZZ_ENGINE_ANCHORS_H_
#define SHOOTDOWN_FUZZ_ENGINE_ANCHORS_H_

#include <span>
#include <string>
#include <vector>

#include "fuzz/corpus/failure.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown {

// The steps that `actor` takes at `site` in a run, in order of time: entry n is occurrence n.
[[nodiscard]] std::vector<const sim::LogEntry*> StepsAt(std::span<const sim::LogEntry> log,
                                                        ActorId actor, const std::string& site);

// One for each decision; empty where no run ever comes there. Leaves the machine with any run.
// REQUIRES: the machine's last run is that of `schedule`.
[[nodiscard]] std::vector<DecisionAnchor> AnchorsOf(Simulation& simulation,
                                                    const Schedule& schedule);

// The schedule with every decision moved to where its anchor is met now. Decisions whose anchor is not
// met any more, and those beyond the end of `anchors`, stay as they are.
[[nodiscard]] Schedule Reanchor(Simulation& simulation, const Schedule& schedule,
                                const std::vector<DecisionAnchor>& anchors);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_ENGINE_ANCHORS_H_
