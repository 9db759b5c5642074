// Every schedule of at most so many decisions over the default order, fewest first: what a proof
// that a failing schedule is the smallest has to try.
//
// Schedules make a tree whose nodes are runs. A run of k decisions is extended by one more at each
// question that it was asked after the last of them: so each schedule is met once, along its
// decisions in the order of time, and decisions that would not be applied are not met at all.
//
// How long a hold or a delay of interrupts lasts is not a choice at its beginning, where it would
// have 256 answers of which most are the same. It is taken as the longest there is; and at each
// later step of its actor, as long as it lasts, a branch lets it end there, which costs no
// decision. So every length that makes a difference is tried, and no other.
//
// A part of the tree is that of the runs which begin in a given way.
//
// A switch that changes no row of the run is no node: what follows it follows its parent too.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_SCHEDULE_TREE_H_
#define SHOOTDOWN_FUZZ_EXPLORE_SCHEDULE_TREE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "fuzz/schedule/schedule.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/cpu_set.h"
#include "fuzz/sim/subject.h"

namespace shootdown::explore {

// A set of kinds of decisions, a bit each. A switch to a buffer, which drains a held store, is a
// switch.
using DecisionKinds = std::uint32_t;
constexpr DecisionKinds KindBit(Decision::Kind kind) {
  return DecisionKinds{1} << static_cast<unsigned>(kind);
}
[[nodiscard]] DecisionKinds KindsOf(const Schedule& schedule);

struct TreeOptions {
  DecisionKinds kinds = KindBit(Decision::Kind::kSwitch);
  std::size_t decision_count_max = 1;
  // Where the search ends unfinished: never by the clock, since results are stored.
  std::uint64_t run_count_max = UINT64_MAX;
  std::uint64_t step_count_max = UINT64_MAX;  // of all runs together
  std::function<bool()> should_stop = nullptr;  // asked now and then
  // The tree below this schedule, and what its decisions are followed by from row `root_rows` on.
  // REQUIRES: all of it is made before that row, and it is not larger than decision_count_max.
  Schedule root = {};
  sim::Row root_rows = 0;
};

struct TreeReport {
  // Every schedule within the bound was run, or the visitor wanted no more. Never where stores leave a
  // buffer in another order than they came (SC and TSO only).
  bool complete = false;
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
};

enum class Visit : std::uint8_t {
  kGoOn,
  kNoLarger,  // from now on, no schedule of more decisions than this one
  kStop,
};

class ScheduleTree {
 public:
  // Hears of each run; all of `schedule` was made in it, and it is the machine's last one.
  using Visitor = std::function<Visit(const Schedule& schedule, const sim::Violation* violation)>;

  ScheduleTree(sim::Subject& subject, TreeOptions options);
  [[nodiscard]] TreeReport Explore(const Visitor& visitor);

 private:
  struct Node {
    Schedule schedule;
    sim::Row from = 0;  // what comes next, comes at this row or later
  };
  // A question of a node's run, and what could have been answered.
  struct Place {
    ActorId actor;
    bool blocked = false;
    bool is_store = false;
    bool defers = false;         // an interrupt waits because of a decision
    bool just_switched = false;  // by the last decision, and nothing has happened since
    std::uint32_t index = 0;
    std::uint32_t question = 0;  // its number in the run
    sim::Row row = 0;
    CpuSet runnable = {};         // other CPUs
    CpuSet draining = {};         // CPUs whose buffers are not empty
    std::uint64_t evictable = 0;  // entries of the TLB, a bit each
    std::uint64_t walkable = 0;   // pages, a bit each
    // What could have been done at this anchor before, when the default was: it has to be said now.
    CpuSet runnable_before = {};
    CpuSet draining_before = {};
  };
  // A hold of the node's schedule that lasts as long as it can.
  struct OpenHold {
    std::size_t decision = 0;
    sim::Row stored = 0;
    sim::Row drained = 0;
  };
  class Lister;
  class Diverter;

  void Expand(const Node& node);
  void List(const Node& node);
  void ExtendAt(const Node& node, const Place& place);
  void Extend(const Node& node, const Place& place, Decision decision);
  void EndLengthsAt(const Node& node, const Place& place);
  void EndLength(const Node& node, const Place& place, std::size_t decision, std::uint32_t length);
  // False if the budget does not allow it.
  [[nodiscard]] bool Run(sim::Scheduler& scheduler, const sim::Violation** violation);
  void Adopt(Schedule schedule, sim::Row from, const sim::Violation* violation, bool is_node);
  [[nodiscard]] bool Wants(Decision::Kind kind) const {
    return (options_.kinds & KindBit(kind)) != 0;
  }
  [[nodiscard]] std::uint64_t TraceOfLastRun();
  [[nodiscard]] bool Done() const { return stopped_ || out_of_budget_; }

  sim::Subject& subject_;
  TreeOptions options_;
  const Visitor* visitor_ = nullptr;
  TreeReport report_;
  bool stopped_ = false;
  bool out_of_budget_ = false;
  std::vector<std::vector<Node>> levels_;  // by number of decisions: nodes to be expanded
  Schedule candidate_;
  ScheduleScheduler candidate_scheduler_;
  // Of the node that is being expanded.
  std::vector<Place> places_;
  std::vector<OpenHold> holds_;
  std::uint64_t trace_ = 0;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_SCHEDULE_TREE_H_
