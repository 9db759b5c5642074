// A kernel scenario as something that can be explored.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_SIMULATION_SUBJECT_H_
#define SHOOTDOWN_FUZZ_EXPLORE_SIMULATION_SUBJECT_H_

#include <string>

#include "fuzz/scenario/simulation.h"
#include "fuzz/sim/subject.h"

namespace shootdown::explore {

class SimulationSubject : public sim::Subject {
 public:
  explicit SimulationSubject(Simulation& simulation) : simulation_(simulation) {}

  [[nodiscard]] sim::Machine& machine() override { return simulation_.machine(); }
  const sim::Violation* RunOnce(sim::Scheduler& scheduler) override {
    const check::Finding* const finding = simulation_.Run(scheduler);
    if (finding == nullptr) return nullptr;
    violation_ = {.check = std::string(finding->check->name),
                  .message = finding->message,
                  .row = finding->row};
    return &violation_;
  }

 private:
  Simulation& simulation_;
  sim::Violation violation_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_SIMULATION_SUBJECT_H_
