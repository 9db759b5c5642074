// A scenario brought to life: machine, kernel and checks, ready to be run any number of times.
//
// Always holds: a run depends on the scenario and on the scheduler alone, not on runs before it.
#ifndef SHOOTDOWN_FUZZ_SCENARIO_SIMULATION_H_
#define SHOOTDOWN_FUZZ_SCENARIO_SIMULATION_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fuzz/check/check.h"
#include "fuzz/kernel/kernel.h"
#include "fuzz/scenario/scenario.h"
#include "fuzz/sim/machine.h"
#include "fuzz/sim/subject.h"

namespace shootdown {

// What is wrong with a scenario whose words could be read: where, and what was wanted.
struct ScenarioProblem {
  enum class Part : std::uint8_t { kArch, kVersion, kTask, kSetup, kOp, kCheckOn, kCheckOff,
                                   kExpected, kWhole };
  Part part = Part::kWhole;
  std::size_t task = 0;   // kTask, kSetup, kOp
  std::size_t entry = 0;  // kVersion, kSetup, kOp, kCheckOn, kCheckOff
  std::string message;    // `found "Q", wanted a page, A to H`
};

class Simulation : public sim::Subject {
 public:
  // Null, and `problem` filled in, if the scenario cannot be run: an unknown word, or a setup that
  // does not come to its end. One Simulation lives at a time in a process.
  // While it does, a failed check of ours says which scenario, step and schedule it ran last.
  [[nodiscard]] static std::unique_ptr<Simulation> Build(const Scenario& scenario,
                                                         ScenarioProblem* problem);
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Runs once. The finding is null for a clean run, and stands until the next run.
  const check::Finding* Run(sim::Scheduler& scheduler);
  const sim::Violation* RunOnce(sim::Scheduler& scheduler) override;

  [[nodiscard]] const Scenario& scenario() const { return scenario_; }
  [[nodiscard]] sim::Machine& machine() override { return machine_; }
  [[nodiscard]] kernel::Kernel& kernel() { return kernel_; }
  // Those that judge here, in the order of check::AllChecks().
  [[nodiscard]] std::span<const check::Check* const> checks() const { return checks_; }

 private:
  Simulation(const Scenario& scenario, const kernel::Arch& arch);
  bool ChooseVersions(ScenarioProblem* problem);
  bool ChooseChecks(ScenarioProblem* problem);
  // Empty: nothing is wrong with it. SetVersion() sets the switch.
  [[nodiscard]] std::string SetVersion(const VersionChoice& choice) const;
  [[nodiscard]] std::string WhatVersionLacks(const VersionChoice& choice) const;
  [[nodiscard]] std::string WhatSetupDid() const;  // that it failed

  Scenario scenario_;
  sim::Machine machine_;
  kernel::Kernel kernel_;
  std::vector<const check::Check*> checks_;
  sim::Violation violation_;  // what RunOnce returned last
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_SCENARIO_SIMULATION_H_
