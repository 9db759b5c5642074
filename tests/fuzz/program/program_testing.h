// What the tests of programs share.
#ifndef SHOOTDOWN_TESTS_FUZZ_PROGRAM_PROGRAM_TESTING_H_
#define SHOOTDOWN_TESTS_FUZZ_PROGRAM_PROGRAM_TESTING_H_

#include <string_view>

#include "fuzz/program/program.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/support/script.h"

namespace shootdown::program {

struct Counter {
  Word count;
  Mutex mutex;
};

// What was wrong; null: nothing. Until the next run.
inline const sim::Violation* RunUnder(Program& program, std::string_view schedule_text) {
  const Schedule schedule = testing::ScheduleOf(schedule_text);
  ScheduleScheduler scheduler(schedule);
  return program.RunOnce(scheduler);
}

}  // namespace shootdown::program

#endif  // SHOOTDOWN_TESTS_FUZZ_PROGRAM_PROGRAM_TESTING_H_
