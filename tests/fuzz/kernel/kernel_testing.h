// What tests of the kernel model ask about a run that has ended.
#ifndef SHOOTDOWN_TESTS_FUZZ_KERNEL_KERNEL_TESTING_H_
#define SHOOTDOWN_TESTS_FUZZ_KERNEL_KERNEL_TESTING_H_

#include <memory>
#include <string_view>
#include <vector>

#include "fuzz/kernel/kernel.h"
#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {

// A scenario of `tasks` that must be clean, on the machine that a test then changes.
[[nodiscard]] Scenario CleanScenario(std::vector<TaskSpec> tasks, int cpus = 2);

// A scenario that has run once in the default order, or along a schedule.
class Ran {
 public:
  explicit Ran(const Scenario& scenario, std::string_view schedule = "");

  [[nodiscard]] const Outcome& outcome() const { return outcome_; }
  [[nodiscard]] kernel::Task& task(int number) const { return simulation_->kernel().tasks[number]; }
  // mm1 is the first process's; mm0 is init_mm.
  [[nodiscard]] kernel::Mm& mm(int number) const { return simulation_->kernel().mms[number]; }
  [[nodiscard]] kernel::PerCpu& cpu(int number) const { return simulation_->kernel().cpus[number]; }
  [[nodiscard]] kernel::Kernel& kernel() const { return simulation_->kernel(); }
  [[nodiscard]] sim::Machine& machine() const { return simulation_->machine(); }

  // How often a step was taken at `site`, `function: label`, or by any site of kind `kind`.
  [[nodiscard]] int Count(std::string_view site) const;
  [[nodiscard]] int Count(sim::StepKind kind) const;
  // How often something was sent to other CPUs: `smp_flush_tlb_page: xcall_flush_tlb_page`.
  [[nodiscard]] int CountSent(std::string_view site) const;
  // Entries of `mm` in the TLB of `cpu`, stale ones too.
  [[nodiscard]] int TlbEntries(int cpu, int mm) const;

 private:
  std::unique_ptr<Simulation> simulation_;
  Outcome outcome_;
};

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_KERNEL_KERNEL_TESTING_H_
