// Every schedule, one run each, without any reduction: the slow and simple answer that cleverer searches
// are compared with. Bounded, it is what CHESS does (Musuvathi, Qadeer, PLDI 2007) or delay bounding
// (Emmi, Qadeer, Rakamaric, POPL 2011).
//
// Choices are made in depth-first order: run n+1 differs from run n in the last choice that has more to
// try. The runs are finite if the program is: it may wait, but not spin.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_ENUMERATE_H_
#define SHOOTDOWN_FUZZ_EXPLORE_ENUMERATE_H_

#include <cstdint>
#include <vector>

#include "fuzz/explore/classes.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"

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

class Enumerator : public ProcessScheduler {
 public:
  explicit Enumerator(Bound bound = {}) : bound_(bound) {}

  // Prepares the next schedule; false if there is none left.
  [[nodiscard]] bool Advance();
  using ProcessScheduler::too_many;

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;

 private:
  struct Option {
    Process process;
    std::uint32_t cost;
  };
  void ListOptions();

  Bound bound_;
  std::vector<std::vector<Option>> path_;  // at each choice: what is left to try, the current one last
  std::size_t depth_ = 0;
  std::uint32_t spent_ = 0;
  Process last_ = kNobody;  // the CPU that took the last step
  std::vector<Option> options_;
};

[[nodiscard]] Report Enumerate(sim::Subject& subject, Bound bound, const Options& options = {});

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_ENUMERATE_H_
