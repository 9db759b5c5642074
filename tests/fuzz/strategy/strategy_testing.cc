#include "tests/fuzz/strategy/strategy_testing.h"

#include <gtest/gtest.h>

namespace shootdown::testing {

std::string CpusOf(const sim::Machine& machine, const GuestProgram::Word* cell) {
  const sim::WordIndex word = cell != nullptr ? sim::Arena::IndexOf(cell->word()) : sim::kNoWord;
  std::string cpus;
  for (const sim::LogEntry& entry : machine.log()) {
    if (!sim::IsStep(entry.kind) || (cell != nullptr && entry.word != word)) continue;
    cpus += static_cast<char>('0' + entry.cpu);
  }
  return cpus;
}

Counts CountInterleavings(GuestProgram& program, sim::Scheduler& scheduler,
                          std::uint64_t run_count, const GuestProgram::Word* cell) {
  Counts counts;
  for (std::uint64_t n = 0; n < run_count; ++n) {
    EXPECT_EQ(program.Run(scheduler), sim::RunEnd::kQuiet);
    ++counts[CpusOf(program.machine(), cell)];
  }
  return counts;
}

double ChiSquared(const Counts& counts, std::uint64_t class_count, const ChanceOf& chance_of) {
  std::uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  const double even = 1 / static_cast<double>(class_count);
  double chi = 0;
  double met = 0;  // the chances of all classes that came up
  for (const auto& [name, count] : counts) {
    const double chance = chance_of ? chance_of(name) : even;
    const double wanted = static_cast<double>(sum) * chance;
    const double off = static_cast<double>(count) - wanted;
    chi += off * off / wanted;
    met += chance;
  }
  // Classes that never came up are off by all that was wanted of them.
  return chi + static_cast<double>(sum) * (1 - met);
}

GuestProgram::Code Stores(char cell, int count) {
  return [cell, count](GuestProgram& g) {
    for (int i = 0; i < count; ++i) g.Store(cell, 1);
  };
}

}  // namespace shootdown::testing
