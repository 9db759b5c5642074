#include "tests/fuzz/kernel/kernel_testing.h"

#include <gtest/gtest.h>

namespace shootdown::testing {

Scenario CleanScenario(std::vector<TaskSpec> tasks, int cpus) {
  Scenario scenario;
  scenario.name = "test";
  scenario.expected = "clean";
  scenario.machine.cpu_count = cpus;
  scenario.tasks = std::move(tasks);
  return scenario;
}

Ran::Ran(const Scenario& scenario, std::string_view schedule) : simulation_(BuildOrFail(scenario)) {
  SHOOTDOWN_CHECK(simulation_ != nullptr);
  outcome_ = RunSchedule(*simulation_, schedule);
}

int Ran::Count(std::string_view site) const {
  int count = 0;
  for (const sim::LogEntry& row : machine().log()) {
    if (sim::IsStep(row.kind) && row.kind != sim::StepKind::kDrain &&
        sim::SiteName(*row.site) == site) {
      ++count;
    }
  }
  return count;
}

int Ran::Count(sim::StepKind kind) const {
  int count = 0;
  for (const sim::LogEntry& row : machine().log()) count += row.kind == kind ? 1 : 0;
  return count;
}

int Ran::CountSent(std::string_view site) const {
  int count = 0;
  for (const sim::LogEntry& row : machine().log()) {
    if (row.kind == sim::StepKind::kMondoSend && sim::SiteName(*row.site) == site) ++count;
  }
  return count;
}

int Ran::TlbEntries(int cpu, int mm_number) const {
  int count = 0;
  const sim::Tlb tlb = machine().tlb(cpu);
  for (int i = 0; i < tlb.entry_count(); ++i) {
    const sim::TlbEntry& entry = tlb.entry(i);
    if (entry.valid && entry.ghost.owner == mm(mm_number).id) ++count;
  }
  return count;
}

}  // namespace shootdown::testing
