// A run under a schedule that is given as text: what most tests of the machine need.
#ifndef SHOOTDOWN_TESTS_SUPPORT_SCRIPT_H_
#define SHOOTDOWN_TESTS_SUPPORT_SCRIPT_H_

#include <string_view>

#include "fuzz/schedule/schedule.h"
#include "tests/support/guest_program.h"

namespace shootdown::testing {

// REQUIRES: `text` is a schedule.
[[nodiscard]] Schedule ScheduleOf(std::string_view text);

sim::RunEnd RunUnder(GuestProgram& program, std::string_view schedule_text);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_SUPPORT_SCRIPT_H_
