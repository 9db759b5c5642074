// What little programs come to, over all their runs.
#ifndef SHOOTDOWN_TESTS_FUZZ_EXPLORE_GUEST_ENDS_H_
#define SHOOTDOWN_TESTS_FUZZ_EXPLORE_GUEST_ENDS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>

#include "fuzz/explore/state_search.h"
#include "tests/support/guest_program.h"

namespace shootdown::explore {

// The first two registers at the end of each run.
using Ends = std::set<std::pair<std::uint64_t, std::uint64_t>>;

// By the search over states. A deadlock is an end like others.
inline Ends EndsOfStates(testing::GuestProgram& program, StateOptions options = {}) {
  Ends ends;
  options.go_on = true;
  options.on_run = [&](const sim::Violation*) { ends.emplace(program.reg[0], program.reg[1]); };
  EXPECT_TRUE(StateSearch(program, options).Explore().complete);
  return ends;
}

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_TESTS_FUZZ_EXPLORE_GUEST_ENDS_H_
