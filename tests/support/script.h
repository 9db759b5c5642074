// Runs under a schedule that is given as text, or under all: what most tests of the machine need.
#ifndef SHOOTDOWN_TESTS_SUPPORT_SCRIPT_H_
#define SHOOTDOWN_TESTS_SUPPORT_SCRIPT_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "fuzz/schedule/schedule.h"
#include "tests/support/guest_program.h"

namespace shootdown::testing {

// REQUIRES: `text` is a schedule.
[[nodiscard]] Schedule ScheduleOf(std::string_view text);

// Runs `program` under every schedule (fuzz/explore/enumerate.h), calls `each` after each run, and returns
// how many there were. A run goes on from a checkpoint, so not all of its conflicts are known then
// (Machine::ResumeFrom).
std::uint64_t RunAll(GuestProgram& program, const std::function<void(sim::RunEnd)>& each);

sim::RunEnd RunUnder(GuestProgram& program, std::string_view schedule_text);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_SUPPORT_SCRIPT_H_
