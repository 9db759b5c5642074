// Every schedule, one run each, without any reduction: the slow and simple answer that cleverer searches
// are compared with. Bounded, it is what CHESS does (Musuvathi, Qadeer, PLDI 2007) or delay bounding
// (Emmi, Qadeer, Rakamaric, POPL 2011).
//
// Choices are made in depth-first order: run n+1 differs from run n in the last choice that has more to
// try, and goes on from a checkpoint of the moment before it. The runs are finite if the program is: it may
// wait, but not spin.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_ENUMERATE_H_
#define SHOOTDOWN_FUZZ_EXPLORE_ENUMERATE_H_

#include <cstdint>
#include <vector>

#include "fuzz/explore/places.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"
#include "fuzz/sim/checkpoint.h"

namespace shootdown::explore {

struct Bound {
  enum class Kind : std::uint8_t {
    kNone,
    // To leave a CPU that could go on costs 1, also if its buffer has to be emptied before. Drains cost
    // nothing.
    kPreemptions,
    // The default order is: the CPU that runs, or the next one that can, counting up and around, and
    // buffers after all CPUs; to take the n-th in it costs n.
    kDelays,
  };
  Kind kind = Kind::kNone;
  std::uint32_t limit = 0;
};

class Enumerator final : public ProcessScheduler {
 public:
  // REQUIRES: the subject makes no other runs while this lives.
  explicit Enumerator(sim::Subject& subject, Bound bound = {}) : subject_(subject), bound_(bound) {
    RequireProcesses(subject.machine().config());
    ChooseWhereItWaits();
  }

  // As Subject::RunOnce: the current schedule.
  const sim::Violation* Run();
  // To the next schedule; false if there is none left.
  [[nodiscard]] bool Advance();
  using ProcessScheduler::too_many;

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override;

 private:
  // A state of the current run in which several could take a step, and the one that is taken.
  struct Node {
    ProcessSet enabled = 0;
    ProcessSet left = 0;      // to try, the current one included; within the bound
    Process taken = kNobody;
    Process last = kNobody;   // the CPU that took the step before
    std::uint32_t spent = 0;  // on the way here
    bool leaving_costs = false;  // a preemption, since `last` could go on
  };
  // Where the current run stood, before the choice of a node that has more to try.
  struct Place {
    std::size_t depth = 0;
    sim::Machine::Checkpoint machine;
    Standing standing;
  };
  [[nodiscard]] Process FirstInOrder(Process last, ProcessSet of) const;
  [[nodiscard]] std::uint32_t CostOf(const Node& node, Process p) const;
  [[nodiscard]] bool OpenNode(ProcessSet enabled);
  [[nodiscard]] bool IsLastOne(int cpu) const;
  void KeepPlace();
  void ResumeFromPlace();

  sim::Subject& subject_;
  Bound bound_;
  std::vector<Node> path_;
  Places<Place> places_;
  std::size_t depth_ = 0;  // nodes that the run has come through
  std::uint32_t spent_ = 0;
  Process last_ = kNobody;
};

[[nodiscard]] Report Enumerate(sim::Subject& subject, Bound bound, const Options& options = {});

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_ENUMERATE_H_
