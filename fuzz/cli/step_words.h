// Steps and decisions of a run in words that a kernel developer reads, for tables and pages alike.
#ifndef SHOOTDOWN_FUZZ_CLI_STEP_WORDS_H_
#define SHOOTDOWN_FUZZ_CLI_STEP_WORDS_H_

#include <string>
#include <string_view>

#include "fuzz/scenario/simulation.h"

namespace shootdown {

// `app`, `swapper/1`, `CPU 0's interrupt handler`.
[[nodiscard]] std::string ActorName(const Simulation& simulation, ActorId actor);
// `smp_flush_tlb_page`; empty for a lambda, whose name says nothing, and where a CPU takes a cross call:
// its place is the sender's.
[[nodiscard]] std::string FunctionName(const sim::LogEntry& entry);
// `smp_flush_tlb_page()`, `between` and `rest`; the rest alone for a lambda.
[[nodiscard]] std::string AfterFunction(const std::string& function, std::string_view between,
                                        const std::string& rest);
// `R  mm->mm_users [mm1] = 1`. REQUIRES: the arena that the run used still lives.
[[nodiscard]] std::string StepText(const sim::LogEntry& entry);
// The text of a schedule; of an empty one `the default order`.
[[nodiscard]] inline std::string ShownSchedule(const std::string& text) {
  return text.empty() ? "the default order" : text;
}
// `T0@12>C1   before step 12 of app: go on with CPU 1`.
[[nodiscard]] std::string DecisionText(const Simulation& simulation, const sim::MoveMade& made);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_STEP_WORDS_H_
