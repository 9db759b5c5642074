// Systematic search over states, for programs and for kernel scenarios: what was reached before, by
// whatever order of steps, is not explored again. No partial-order reduction, and no knowledge of what
// steps mean: so it is an independent witness for SourceDpor, and right for all that the machine does.
//
// A state is: guest memory (with registers, TLBs, and all that judges know), the store buffers, the cross
// calls in flight, and where each CPU and thread stands. The last is not read from stacks: guest code is
// deterministic, so all that it has been given by its steps so far stands for it. Two states of one hash
// (128 bits) are taken for one.
//
// Guest code may look at shared words without a step (wait conditions do), if what it saw only decides
// what it does before its next step.
#ifndef SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_
#define SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/explore/report.h"

namespace shootdown::explore {

struct StateOptions : Options {
  // To leave a CPU that could go on costs 1; a run costs no more than this. Drains cost nothing.
  std::optional<std::uint32_t> preemptions = std::nullopt;
  std::uint64_t state_count_max = UINT64_MAX;  // each takes about 40 bytes
};

class StateSearch : public ProcessScheduler {
 public:
  StateSearch(sim::Subject& subject, const StateOptions& options);
  [[nodiscard]] Report Explore();

  // So far, for a progress line.
  [[nodiscard]] std::uint64_t state_count() const { return visited_.size(); }

 protected:
  void NewRun() override;
  [[nodiscard]] Process Choose() override;

 private:
  struct Frame {
    ProcessSet left = 0;  // still to be tried
    Process process = 0;  // that the current run takes
    std::uint32_t spent = 0;  // before it
  };
  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  void Absorb();
  [[nodiscard]] Hash128 Key();
  [[nodiscard]] std::uint32_t Cost(Process p, ProcessSet enabled) const;
  void Take(Process p);
  [[nodiscard]] bool Backtrack();

  sim::Subject& subject_;
  StateOptions options_;
  absl::flat_hash_map<Hash128, std::uint32_t, HashOfHash> visited_;  // to the least that was spent
  std::vector<Frame> frames_;
  std::size_t depth_ = 0;
  bool gave_up_ = false;

  // Of the run so far.
  std::size_t rows_ = 0;
  std::uint32_t spent_ = 0;
  Process last_cpu_ = kNobody;
  std::array<std::uint64_t, kCpuCountMax> seen_by_cpu_{};
  std::array<std::uint64_t, kCpuCountMax> sent_to_cpu_{};  // cross calls, in order
  std::uint64_t late_loads_ = 0;  // what loads that were put off have given
  std::array<std::uint64_t, sim::kThreadCountMax> seen_by_thread_{};
  std::vector<std::uint64_t> scratch_;
};

}  // namespace shootdown::explore

#endif  // SHOOTDOWN_FUZZ_EXPLORE_STATE_SEARCH_H_
