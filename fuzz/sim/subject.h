// Something that can be run under any scheduler, any number of times, and is judged: a kernel scenario, or
// a program of a user's. Whoever searches or proves needs to know no more of it.
#ifndef SHOOTDOWN_FUZZ_SIM_SUBJECT_H_
#define SHOOTDOWN_FUZZ_SIM_SUBJECT_H_

#include <string>

#include "fuzz/sim/machine.h"

namespace shootdown::sim {

// What was wrong with a run.
struct Violation {
  std::string check;    // its kind: `assertion`, `deadlock`, `livelock`, or a check of the kernel's
  std::string message;  // for people
  Row row = 0;          // of the log, at which it was seen
  bool at_end = false;  // the run had ended: who took the last step, and where, says nothing of it
  std::string role = {};  // who broke it, if that tells bugs apart
};

class Subject {
 public:
  virtual ~Subject() = default;

  [[nodiscard]] virtual Machine& machine() = 0;

  // One run, which depends on the scheduler's answers alone. Null if nothing was wrong; what is
  // returned stands until the next run.
  virtual const Violation* RunOnce(Scheduler& scheduler) = 0;
};

}  // namespace shootdown::sim

#endif  // SHOOTDOWN_FUZZ_SIM_SUBJECT_H_
