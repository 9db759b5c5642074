#include "tests/support/script.h"

#include "fuzz/base/check.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown::testing {

Schedule ScheduleOf(std::string_view text) {
  absl::StatusOr<Schedule> schedule = Schedule::Parse(text);
  SHOOTDOWN_CHECK(schedule.ok());
  return *std::move(schedule);
}

sim::RunEnd RunUnder(GuestProgram& program, std::string_view schedule_text) {
  const Schedule schedule = ScheduleOf(schedule_text);
  ScheduleScheduler scheduler(schedule);
  return program.Run(scheduler);
}

}  // namespace shootdown::testing
