#include "worker/lease_work.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "fuzz/engine/minimize_failure.h"
#include "fuzz/engine/record.h"
#include "fuzz/engine/target.h"
#include "fuzz/process/loaded_scenario.h"
#include "fuzz/process/search_job.h"
#include "fuzz/schedule/schedule.h"
#include "fuzz/strategy/strategy_name.h"
#include "proto/convert.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

// What fits into one message (work.proto), with room for what is around it.
constexpr std::size_t kSentBytesMax = std::size_t{3} << 20;

// A livelock takes tens of thousands of steps. A trace that is too long to be sent is left out; its
// hash, which is what runs are compared by, stays.
v1::Failure ToSend(const Failure& failure) {
  v1::Failure message = ToProto(failure);
  if (message.ByteSizeLong() > kSentBytesMax) message.clear_trace();
  return message;
}

class LeaseWork {
 public:
  LeaseWork(const v1::Lease& lease, const std::vector<std::uint32_t>& known, const ChildPipe& pipe,
            ChildState* state)
      : lease_(lease), known_(known), pipe_(pipe), state_(state) {}

  void Do() {
    const absl::StatusOr<LoadedScenario> loaded =
        ParseLoadedScenario(lease_.scenario_text(), "scenario");
    if (!loaded.ok()) return Refuse(loaded.status());
    absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(*loaded);
    if (!simulation.ok()) return Refuse(simulation.status());
    simulation_ = *std::move(simulation);
    switch (lease_.work_case()) {
      case v1::Lease::kFuzz: return Fuzz();
      case v1::Lease::kReplay: return Replay();
      case v1::Lease::kMinimize: return Minimize();
      case v1::Lease::WORK_NOT_SET: break;
    }
    Refuse(absl::InvalidArgumentError("a lease of a kind that this worker does not know"));
  }

 private:
  void Refuse(const absl::Status& status) {
    v1::LeaseResult result;
    result.set_outcome(v1::LeaseResult::OUTCOME_REFUSED);
    result.set_words(std::string(status.message()));
    pipe_.Send(kLeaseResult, result.SerializeAsString());
  }

  void Done(v1::LeaseResult result) {
    result.set_outcome(v1::LeaseResult::OUTCOME_DONE);
    pipe_.Send(kLeaseResult, result.SerializeAsString());
  }

  void Fuzz() {
    const v1::FuzzWork& work = lease_.fuzz();
    StrategyName strategy;
    if (!work.strategy().empty()) {
      const absl::StatusOr<StrategyName> parsed = ParseStrategyName(work.strategy());
      if (!parsed.ok()) return Refuse(parsed.status());
      strategy = *parsed;
    }
    if (work.run_count() == 0) return Refuse(absl::InvalidArgumentError("a lease without runs"));
    SearchOptions options{.seed = work.random_seed(),
                          .run_count_max = work.run_count(),
                          .known_features = known_};
    for (const std::string& seed : work.seeds()) {
      options.seeds.push_back(Schedule::Decode(
          {reinterpret_cast<const std::uint8_t*>(seed.data()), seed.size()}));
    }
    SearchJobListener listener;
    listener.found = [this](const Target::Found& found) { TellFinding(found); };
    listener.input = [this](const NewInput& input) { TellInput(input); };
    RunSearchJob(*simulation_, strategy, options, listener, state_);
  }

  void TellFinding(const Target::Found& found) {
    std::optional<Failure> failure =
        RecordFailure(*simulation_, found.exact, lease_.scenario_text());
    SHOOTDOWN_CHECK(failure.has_value());  // it has just failed twice
    failure->found_at_run = found.run;
    failure->seed = lease_.fuzz().random_seed();
    v1::FoundFailure message;
    message.set_campaign_id(lease_.campaign_id());
    message.set_scenario_key(lease_.scenario_key());
    *message.mutable_failure() = ToSend(*failure);
    pipe_.Send(kLeaseFinding, message.SerializeAsString());
  }

  void TellInput(const NewInput& input) {
    v1::Input message;
    message.set_campaign_id(lease_.campaign_id());
    message.set_scenario_key(lease_.scenario_key());
    message.set_schedule(std::string(input.schedule.begin(), input.schedule.end()));
    message.mutable_features()->Add(input.features.begin(), input.features.end());
    message.set_trace_hash(input.trace_hash);
    pipe_.Send(kLeaseInput, message.SerializeAsString());
  }

  void Replay() {
    const absl::StatusOr<Schedule> schedule = Schedule::Parse(lease_.replay().schedule_text());
    if (!schedule.ok()) return Refuse(schedule.status());
    state_->SetRunning(*schedule);
    v1::LeaseResult result;
    *result.mutable_replayed() =
        ToSend(RecordRun(*simulation_, *schedule, lease_.scenario_text()));
    Done(std::move(result));
  }

  // All that this program knows of the minimizer.
  void Minimize() {
    const Failure found = FromProto(lease_.minimize().failure());
    const absl::StatusOr<Schedule> schedule = Schedule::Parse(found.schedule_text);
    if (!schedule.ok()) return Refuse(schedule.status());
    state_->SetRunning(*schedule);
    v1::LeaseResult result;
    const std::optional<SmallestFailure> smallest =
        MinimizeFailure(std::move(simulation_), found, &PrintScenario);
    if (smallest.has_value()) {
      *result.mutable_minimized() = ToSend(smallest->failure);
      result.set_run_count(smallest->run_count);
    } else {
      result.set_words("it does not fail as it did, so it was not minimized");
    }
    Done(std::move(result));
  }

  const v1::Lease& lease_;
  const std::vector<std::uint32_t>& known_;
  const ChildPipe& pipe_;
  ChildState* const state_;
  std::unique_ptr<Simulation> simulation_;
};

}  // namespace

void DoLeaseWork(const v1::Lease& lease, const std::vector<std::uint32_t>& known,
                 const ChildPipe& pipe, ChildState* state) {
  // Judges and search keep references into it until the process ends.
  static LeaseWork work(lease, known, pipe, state);
  work.Do();
}

}  // namespace shootdown
