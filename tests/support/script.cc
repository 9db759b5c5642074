#include "tests/support/script.h"

#include "fuzz/base/check.h"
#include "fuzz/explore/enumerate.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown::testing {

Schedule ScheduleOf(std::string_view text) {
  absl::StatusOr<Schedule> schedule = Schedule::Parse(text);
  SHOOTDOWN_CHECK(schedule.ok());
  return *std::move(schedule);
}

std::uint64_t RunAll(GuestProgram& program, const std::function<void(sim::RunEnd)>& each) {
  const explore::Options options{.go_on = true,
                                 .on_run = [&](const sim::Violation*) { each(program.end()); }};
  return explore::Enumerate(program, {}, options).executions;
}

sim::RunEnd RunUnder(GuestProgram& program, std::string_view schedule_text) {
  const Schedule schedule = ScheduleOf(schedule_text);
  ScheduleScheduler scheduler(schedule);
  return program.Run(scheduler);
}

}  // namespace shootdown::testing
