// A program that does a bit of everything, for properties that must hold in every run: held stores,
// waits (with and without interrupts), cross calls that are refused, softints, thread switches.
#ifndef SHOOTDOWN_TESTS_SUPPORT_BUSY_PROGRAM_H_
#define SHOOTDOWN_TESTS_SUPPORT_BUSY_PROGRAM_H_

#include <vector>

#include "tests/support/guest_program.h"

namespace shootdown::testing {

// Three threads, for three CPUs. Every run of it ends quietly.
[[nodiscard]] GuestProgram::Parts BusyProgram();

struct BusyCase {
  const char* name;
  sim::MachineConfig config;
};
// The machines that it is run on: memory models, kinds of cross calls, delays.
[[nodiscard]] std::vector<BusyCase> BusyCases();

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_SUPPORT_BUSY_PROGRAM_H_
