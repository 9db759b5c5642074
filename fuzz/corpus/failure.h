// A failure: a finding as it is stored, sent and replayed. Plain data, with no machine in it.
#ifndef SHOOTDOWN_FUZZ_CORPUS_FAILURE_H_
#define SHOOTDOWN_FUZZ_CORPUS_FAILURE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace shootdown {

// One row of a trace as it was seen when the failure was confirmed. `text` is stable across
// compilers and hosts: actor, CPU, site, object and value, all by name.
struct TraceStep {
  std::string text;
  std::uint64_t hash = 0;  // chained: covers this row and all before it
  friend bool operator==(const TraceStep&, const TraceStep&) = default;
};

// Where a decision stood in the model's source, so that it can be found again after an edit.
struct DecisionAnchor {
  std::string site;              // `smp_flush_tlb_page: mm->mm_users`
  std::uint32_t occurrence = 0;  // how often the actor had passed that site before
  friend bool operator==(const DecisionAnchor&, const DecisionAnchor&) = default;
};

// What happens without one decision, operation or task: the proof that it is needed.
struct ProofStep {
  std::string without;  // the decision's text form, or `app: munmap A`
  std::string verdict;  // `clean`, the check that fires instead, or why it cannot be run
  friend bool operator==(const ProofStep&, const ProofStep&) = default;
};

// What is known of a minimized schedule.
enum class Minimality : std::uint8_t {
  kUnknown,     // it is not minimized, or was by a version that did not ask
  kOneMinimal,  // no one decision can be left out
  kMinimum,     // and no schedule of fewer decisions, of the same kinds or switches, fails in the same way
};
// `minimum, proven`, `1-minimal`; empty: unknown.
[[nodiscard]] const char* MinimalityName(Minimality minimality);

// Fields that a newer version added, as they came: this version does not understand them, and hands
// them on.
struct NewerFields {
  std::uint32_t list = 0;   // the field of v1.Failure in whose entry they stood; 0: the failure's own
  std::uint32_t index = 0;  // which entry
  std::string fields;       // in protobuf's binary form
  friend bool operator==(const NewerFields&, const NewerFields&) = default;
};

struct Failure {
  std::string scenario_name;
  std::string scenario_text;    // the whole scenario, protobuf text format, as it was run
  std::string found_scenario_text;  // as the search ran it, if that was more; else empty
  std::string schedule_text;    // minimized, or as found
  std::vector<DecisionAnchor> anchors;  // one for each decision of the schedule
  std::string found_schedule_text;      // as the search found it, exact form
  std::string check;            // `stale_tlb_use`
  std::string kind_key;         // what minimizing keeps: the check, and the roles of those involved
  std::string signature;        // 32 hexadecimal digits; equal means the same bug
  std::string message;          // what broke, for people
  std::string why;              // why that is a bug, for people
  std::string trace_hash;       // 32 hexadecimal digits, of the whole trace
  std::vector<TraceStep> trace;
  std::vector<ProofStep> proof;  // one for each decision; empty while it is not minimized
  std::vector<ProofStep> scenario_proof;  // one for each operation, then for each task
  bool minimized = false;
  Minimality minimality = Minimality::kUnknown;
  std::uint64_t minimality_runs = 0;  // smaller schedules that were tried for it
  std::uint64_t found_at_run = 0;
  std::uint64_t seed = 0;        // of the run of `fuzz` that found it
  std::vector<NewerFields> newer_fields = {};
  friend bool operator==(const Failure&, const Failure&) = default;
};

// The scenario in which the search found it.
[[nodiscard]] const std::string& FoundScenarioText(const Failure& failure);

// The failure's id: 16 hexadecimal digits, from the scenario and the schedule as found, so that
// minimizing keeps the id and finding the same thing twice gives the same id.
[[nodiscard]] std::string FailureId(const Failure& failure);

// Of two records of one id, the one to keep: minimized before not, then fewer decisions, then
// what is known to be the minimum, then the smaller scenario, then the lesser text. Better(a, b) is the same record as Better(b, a), so stores merge in any order.
// REQUIRES: FailureId(a) == FailureId(b).
[[nodiscard]] const Failure& Better(const Failure& a, const Failure& b);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CORPUS_FAILURE_H_
