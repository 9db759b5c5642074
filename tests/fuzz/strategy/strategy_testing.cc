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

double ChiSquared(const Counts& counts, std::uint64_t class_count) {
  std::uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  const double wanted = static_cast<double>(sum) / static_cast<double>(class_count);
  // Classes that never came up are off by all that was wanted of them.
  double chi = wanted * static_cast<double>(class_count - counts.size());
  for (const auto& [name, count] : counts) {
    const double off = static_cast<double>(count) - wanted;
    chi += off * off / wanted;
  }
  return chi;
}

GuestProgram::Code Stores(char cell, int count) {
  return [cell, count](GuestProgram& g) {
    for (int i = 0; i < count; ++i) g.Store(cell, 1);
  };
}

}  // namespace shootdown::testing
