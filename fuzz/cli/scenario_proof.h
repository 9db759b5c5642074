// One scenario's proof, or what stands against it: what `verify` makes for each scenario.
#ifndef SHOOTDOWN_FUZZ_CLI_SCENARIO_PROOF_H_
#define SHOOTDOWN_FUZZ_CLI_SCENARIO_PROOF_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/progress_line.h"
#include "fuzz/engine/minimize_failure.h"
#include "fuzz/explore/resumable_search.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/process/loaded_scenario.h"
#include "fuzz/process/proof_estimate.h"
#include "fuzz/process/shared_proof.h"
#include "fuzz/scenario/undone.h"
#include "fuzz/store/store.h"

namespace shootdown {

// How a proof goes through all schedules (fuzz/explore/README.md).
enum class ProofEngine : std::uint8_t {
  kStates,  // what was reached before is not explored again
  kDpor,    // a run for each order of the steps that touch the same memory
};

struct ProofRequest {
  ProofEngine engine = ProofEngine::kStates;
  std::optional<std::uint32_t> preemptions;
  std::optional<std::uint32_t> delays;
  std::uint32_t events = 0;
  std::uint32_t seconds = 0;     // 0: no limit
  std::uint64_t executions = 0;  // 0: no limit
  std::string checkpoint;        // a file; empty: none
  std::string store;             // as the user named it, for words
  bool json = false;             // people's words are few
  std::function<bool()> interrupted;
};

// By the name that --engine takes.
[[nodiscard]] std::string EngineName(ProofEngine engine);

// By the names that --memory-model takes.
[[nodiscard]] const std::map<std::string, sim::MemoryModel>& MemoryModels();

class ScenarioProof {
 public:
  // Of one proof; two to three gigabytes in each process that takes part.
  static constexpr std::uint64_t kStateCountMax = 20'000'000;

  ScenarioProof(const ProofRequest& request, LoadedScenario loaded)
      : request_(request), loaded_(std::move(loaded)), progress_(!request.json) {}

  // `jobs`: the other processes that take part; null: there are none.
  [[nodiscard]] absl::Status Run(SharedProof* jobs);
  // What such a process does meanwhile.
  void TakePart(const explore::Share& share);

  // As `fuzz` does: minimizes, stores, and only then reports.
  [[nodiscard]] absl::Status Keep(Store& store);
  [[nodiscard]] bool found() const { return report_.violation.has_value(); }
  [[nodiscard]] bool complete() const { return report_.complete; }
  void PrintSummary() const;
  [[nodiscard]] Json ToJson() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Stop {
    std::string name;   // for programs
    std::string words;  // for people
  };

  [[nodiscard]] std::string verdict() const;
  [[nodiscard]] Stop StoppedBy() const;
  [[nodiscard]] sim::MemoryModel Model() const { return loaded_.scenario.machine.memory_model; }
  [[nodiscard]] double Seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  [[nodiscard]] std::string BoundText() const;
  void SayHowToGoOn() const;
  void SayWhatIsNeverDone() const;
  [[nodiscard]] std::string ScenarioHash() const;
  [[nodiscard]] std::string Identity() const;
  [[nodiscard]] explore::ResumableOptions Options(Simulation& simulation) const;
  [[nodiscard]] std::unique_ptr<explore::ResumableSearch> MakeSearch(
      Simulation& simulation, const explore::ResumableOptions& options);
  void Introduce(Simulation& simulation);
  [[nodiscard]] bool IsOver(double elapsed);
  absl::Status Explore(Simulation& simulation, SharedProof* jobs);
  absl::Status TakeFinding(const sim::Violation& violation);
  void ShowProgress(const explore::ResumableSearch& search, double elapsed);
  void TakeStock(const explore::ResumableSearch& search);
  [[nodiscard]] std::string CostText() const;
  [[nodiscard]] std::string ReductionName() const;
  [[nodiscard]] std::string WholeText() const;

  const ProofRequest& request_;
  LoadedScenario loaded_;
  ProgressLine progress_;
  explore::Report report_;
  std::vector<Undone> undone_;  // by no run of the search
  std::optional<SmallestFailure> smallest_;
  std::string model_;  // the trace hash of its default order
  std::string build_;
  std::vector<std::string> checks_;      // that judge
  std::vector<std::string> checks_off_;  // that could, in this architecture
  ProofEstimate estimate_;
  std::uint64_t at_least_ = 0;  // runs that were made, and those that are known of
  Clock::time_point start_;
  double before_ = 0;  // seconds of the search that is gone on with
  double seconds_ = 0;
  bool was_interrupted_ = false;
  const explore::StateSearch* states_ = nullptr;  // what explores, if it is that one
  bool drains_unseen_ = false;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_SCENARIO_PROOF_H_
