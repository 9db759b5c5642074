// What tests of strategies look at: who ran when, and whether counts are as even as chance makes them.
#ifndef SHOOTDOWN_TESTS_FUZZ_STRATEGY_STRATEGY_TESTING_H_
#define SHOOTDOWN_TESTS_FUZZ_STRATEGY_STRATEGY_TESTING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "tests/support/guest_program.h"

namespace shootdown::testing {

using Counts = std::map<std::string, std::uint64_t>;

// The CPUs of the last run's steps, a digit each; of the steps on `cell` only, if one is given.
[[nodiscard]] std::string CpusOf(const sim::Machine& machine,
                                 const GuestProgram::Word* cell = nullptr);

// How often each interleaving came up in `run_count` runs.
[[nodiscard]] Counts CountInterleavings(GuestProgram& program, sim::Scheduler& scheduler,
                                        std::uint64_t run_count,
                                        const GuestProgram::Word* cell = nullptr);

// How likely a class is, by its name.
using ChanceOf = std::function<double(const std::string&)>;

// Pearson's statistic of `counts` against these chances of `class_count` classes; null: all are equally
// likely.
[[nodiscard]] double ChiSquared(const Counts& counts, std::uint64_t class_count,
                                const ChanceOf& chance_of = nullptr);

// A thread that stores `count` times to `cell`.
[[nodiscard]] GuestProgram::Code Stores(char cell, int count);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_STRATEGY_STRATEGY_TESTING_H_
