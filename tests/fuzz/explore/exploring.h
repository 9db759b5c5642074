// Searches of random programs, and what all their runs come to.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_EXPLORING_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_EXPLORING_H_

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fuzz/explore/report.h"
#include "tests/fuzz/explore/random_program.h"

namespace shootdown::explore {

using Outcomes = std::set<std::string>;

// `search` makes a report of the options that it is given.
template <class Search>
Report Exploring(program::RandomProgram& random, Outcomes& outcomes, const Search& search) {
  Options options;
  options.go_on = true;  // a deadlock is an outcome like others
  options.on_run = [&](const sim::Violation*) { outcomes.insert(random.Outcome()); };
  const Report report = search(options);
  EXPECT_TRUE(report.complete) << random.Text();
  return report;
}

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_EXPLORING_H_
