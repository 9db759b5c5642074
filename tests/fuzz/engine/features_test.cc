#include "fuzz/engine/features.h"

#include <gtest/gtest.h>

#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/support/guest_program.h"

namespace shootdown::testing {
namespace {

// One writes what the other reads; so a run has one conflict, and no two in a row.
GuestProgram::Parts OneRace() {
  return {.threads = {[](GuestProgram& g) { g.Store('x', 1); },
                      [](GuestProgram& g) { (void)g.Load('x'); }}};
}

std::size_t NewsOf(const char* schedule, GuestProgram& program, FeatureSet& features) {
  const Schedule parsed = *Schedule::Parse(schedule);
  ScheduleScheduler scheduler(parsed);
  (void)program.Run(scheduler);
  return features.AddRun(program.machine());
}

TEST(FeaturesTest, TheFirstConflictOfARunIsNewsByItself) {
  GuestProgram program(OneRace());
  FeatureSet features;

  EXPECT_EQ(NewsOf("", program, features), 1u);
  EXPECT_EQ(NewsOf("", program, features), 0u);
  EXPECT_EQ(NewsOf("T0@0>C1", program, features), 1u);  // the other way round
}

TEST(FeaturesTest, OfTwoConflictsTheFirstAndThePairAreNews) {
  GuestProgram program({.threads = {[](GuestProgram& g) {
                                      g.Store('x', 1);
                                      (void)g.Load('y');
                                    },
                                    [](GuestProgram& g) {
                                      (void)g.Load('x');
                                      g.Store('y', 1);
                                    }}});
  FeatureSet features;

  EXPECT_EQ(NewsOf("", program, features), 2u);
}

}  // namespace
}  // namespace shootdown::testing
