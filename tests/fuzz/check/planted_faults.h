// Planted faults for the checks: for each, the same thing done right beside it, on which its check
// stays silent. A fault is an operation of planted_ops.h, or an old version of kernel code.
//
// Several checks judge one event, and the first in the order of AllChecks() is the one that
// reports. Where a fault breaks the rules of two, `off` names the others, so that the row is about
// its own.
#ifndef SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_FAULTS_H_
#define SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_FAULTS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "tests/fuzz/scenario/scenario_testing.h"

namespace shootdown::testing {

using Tasks = std::vector<TaskSpec>;

struct PlantedFault {
  std::string name;   // of the test
  std::string check;  // that fires
  // Parts of the message: the objects that it is about.
  std::vector<std::string> says;
  Tasks fault;
  Tasks twin;
  std::vector<std::string> off = {};
  std::vector<VersionChoice> fault_version = {};  // the twin runs the default version
  std::string schedule = "";                      // of the fault
  std::string twin_schedule = "";
  int cpus = 2;
  int tlb_sharing = 1;
  std::string role = "user";  // of what is seen at the end of a run, none is said
  std::uint32_t steps = 20'000;
  bool sun4u = false;
  std::string arch = "sparc64";
};

inline void PrintTo(const PlantedFault& fault, std::ostream* out) { *out << fault.name; }

// The seed: an io_uring kernel thread takes on an mm between a flusher's look at mm_users and its
// clearing of mm_cpumask (bafb056ce279).
inline const Tasks kSeedTasks = {
    User({.name = "app",
          .cpu = 1,
          .setup = "mmap A; touch A; io_uring_setup ring; migrate 0",
          .ops = "io_uring_submit ring read A; munmap A"}),
    Kthread({.name = "sq", .cpu = 1, .ops = "io_sq_thread ring"}),
};
inline const std::vector<VersionChoice> kTrim = {{"sparc64.flush", "trim_if_single_user"}};

// The flusher has found one user, and is about to clear the others' bits.
inline const std::string kFlusherHasLooked = "T0@[smp_flush_tlb_page: mm->mm_users]+1>C1 ";

// The twin's flusher does not look at mm_users at all.
inline const std::string kTwinSchedule = "T0@[smp_flush_tlb_page: mm->mm_cpumask]>C1";

// A second process on the same CPU, which makes the idle task give up what it has borrowed.
inline TaskSpec Other(int cpu, const std::string& ops = "") {
  return User({.name = "other", .cpu = cpu, .ops = ops});
}

// Two threads of one process, on CPUs 0 and 1.
inline Tasks Threads(const std::string& app_ops, const std::string& peer_ops = "",
                     const std::string& setup = "mmap A 2; touch A; touch B") {
  return {User({.name = "app", .cpu = 0, .setup = setup, .ops = app_ops, .process = "p"}),
          User({.name = "peer", .cpu = 1, .setup = "touch A", .ops = peer_ops, .process = "p"})};
}
inline Tasks OneTask(const std::string& ops, const std::string& setup = "mmap A; touch A") {
  return {User({.name = "app", .setup = setup, .ops = ops})};
}

// Of translations: what an access, a walk or a store may still use, and what it reads.
std::vector<PlantedFault> TranslationFaults();
// Of mm_cpumask and of the mm's two counters.
std::vector<PlantedFault> MaskAndCountFaults();
// Of locks, interrupts and the protocol's own discipline.
std::vector<PlantedFault> DisciplineFaults();

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_CHECK_PLANTED_FAULTS_H_
