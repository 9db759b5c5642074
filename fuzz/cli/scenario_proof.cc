#include "fuzz/cli/scenario_proof.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzz/base/check.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/minimality_words.h"
#include "fuzz/cli/proof_checkpoint.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/undone_words.h"
#include "fuzz/engine/record.h"
#include "fuzz/explore/footprint_dpor.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

// A checkpoint is written twice a second, or seldom enough to cost a twentieth of the time.
constexpr double kCheckpointSecondsMin = 0.5;
constexpr double kCheckpointShare = 20;

std::string FlagOf(sim::MemoryModel model) {
  for (const auto& [flag, named] : MemoryModels()) {
    if (named == model) return flag;
  }
  return "?";
}

}  // namespace

std::string EngineName(ProofEngine engine) {
  return engine == ProofEngine::kStates ? "states" : "dpor";
}

const std::map<std::string, sim::MemoryModel>& MemoryModels() {
  static const std::map<std::string, sim::MemoryModel> models = {{"sc", sim::MemoryModel::kSc},
                                                                 {"tso", sim::MemoryModel::kTso},
                                                                 {"pso", sim::MemoryModel::kPso},
                                                                 {"rmo", sim::MemoryModel::kRmo}};
  return models;
}

// ---- the proof ---------------------------------------------------------------------------------

absl::Status ScenarioProof::Run(SharedProof* jobs) {
  absl::StatusOr<std::string> build = BuildHash();
  if (!build.ok()) return build.status();
  build_ = *std::move(build);
  absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(loaded_);
  if (!simulation.ok()) return simulation.status();
  Introduce(**simulation);
  if (absl::Status explored = Explore(**simulation, jobs); !explored.ok()) return explored;
  simulation->reset();  // only one lives at a time
  return report_.violation ? TakeFinding(*report_.violation) : absl::OkStatus();
}

explore::ResumableOptions ScenarioProof::Options(Simulation& simulation) const {
  explore::ResumableOptions options;
  if (request_.executions != 0) options.execution_count_max = request_.executions;
  options.reached = simulation.kernel().reached();
  return options;
}

std::unique_ptr<explore::ResumableSearch> ScenarioProof::MakeSearch(
    Simulation& simulation, const explore::ResumableOptions& options) {
  if (request_.engine == ProofEngine::kDpor) {
    explore::FootprintOptions of_footprints{{options}};
    of_footprints.events = request_.events;
    return std::make_unique<explore::FootprintDpor>(simulation, of_footprints);
  }
  explore::StateOptions of_states{{options}};
  of_states.preemptions = request_.preemptions;
  of_states.delays = request_.delays;
  of_states.events = request_.events;
  of_states.state_count_max = kStateCountMax;
  auto states = std::make_unique<explore::StateSearch>(simulation, of_states);
  states_ = states.get();
  return states;
}

// What a certificate says before anything is explored.
void ScenarioProof::Introduce(Simulation& simulation) {
  // The same model runs the same default order: equal certificates come of equal models.
  model_ = RecordRun(simulation, Schedule(), loaded_.text).trace_hash;
  for (const check::Check* const c : check::AllChecks()) {
    if (!c->arch.empty() && c->arch != loaded_.scenario.arch) continue;
    const bool judges = std::ranges::find(simulation.checks(), c) != simulation.checks().end();
    (judges ? checks_ : checks_off_).emplace_back(c->name);
  }
}

// A limit is reached, before the search is complete.
bool ScenarioProof::IsOver(double elapsed) {
  was_interrupted_ = request_.interrupted();
  return was_interrupted_ || (request_.seconds != 0 && elapsed - before_ >= request_.seconds);
}

absl::Status ScenarioProof::Explore(Simulation& simulation, SharedProof* jobs) {
  explore::ResumableOptions options = Options(simulation);
  std::unique_ptr<explore::ResumableSearch> search;
  absl::Status kept = absl::OkStatus();
  double keep_at = kCheckpointSecondsMin;
  std::optional<ProofCheckpoint> checkpoint;
  const auto should_stop = [&] {
    const double elapsed = Seconds();
    ShowProgress(*search, elapsed);
    const bool over = IsOver(elapsed);
    if (checkpoint && !over && elapsed >= keep_at) {
      kept = checkpoint->Write(*search, elapsed);
      const double now = Seconds();
      keep_at = now + std::max(kCheckpointSecondsMin, kCheckpointShare * (now - elapsed));
    }
    return over || !kept.ok();
  };
  if (jobs == nullptr) {
    options.should_stop = should_stop;
  } else {
    options.share = jobs->Share(should_stop);
  }
  search = MakeSearch(simulation, options);
  drains_unseen_ = states_ != nullptr && states_->drains_unseen();
  start_ = Clock::now();
  if (!request_.checkpoint.empty()) {
    checkpoint.emplace(request_.checkpoint, EngineName(request_.engine), Identity());
    const absl::StatusOr<double> before = checkpoint->Read(search.get());
    if (!before.ok()) return before.status();
    before_ = *before;
    keep_at += before_;
    start_ -= std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(before_));
  }
  report_ = search->Explore();
  undone_ = FindUndone(loaded_.scenario, simulation.kernel().reached());
  TakeStock(*search);
  states_ = nullptr;
  seconds_ = Seconds();
  progress_.Clear();
  if (jobs != nullptr && !jobs->status().ok()) return jobs->status();
  if (!checkpoint || !kept.ok()) return kept;
  if (!complete() && !found()) return checkpoint->Write(*search, seconds_);
  checkpoint->Remove();
  return absl::OkStatus();
}

void ScenarioProof::TakePart(const explore::Share& share) {
  absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(loaded_);
  SHOOTDOWN_CHECK(simulation.ok());  // it was built before
  model_ = RecordRun(**simulation, Schedule(), loaded_.text).trace_hash;
  explore::ResumableOptions options = Options(**simulation);
  options.share = share;
  const std::unique_ptr<explore::ResumableSearch> search = MakeSearch(**simulation, options);
  if (!request_.checkpoint.empty()) {
    // Job 0 reads the same file, and says what is wrong with it.
    ProofCheckpoint checkpoint(request_.checkpoint, EngineName(request_.engine), Identity());
    if (!checkpoint.Read(search.get()).ok()) return;
  }
  (void)search->Explore();
}

std::string ScenarioProof::ScenarioHash() const {
  return ToHex(HashBytes(PrintScenario(loaded_.scenario)));
}

// Whose states they are.
std::string ScenarioProof::Identity() const {
  return absl::StrFormat("scenario %s, %s, events %d, model %s", ScenarioHash(), BoundText(),
                         request_.events, model_);
}

absl::Status ScenarioProof::TakeFinding(const sim::Violation& violation) {
  absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(loaded_);
  if (!simulation.ok()) return simulation.status();
  const std::optional<Failure> found = RecordFailure(**simulation, report_.schedule, loaded_.text);
  if (!found.has_value() || found->check != violation.check) {
    return absl::InternalError("what the search found does not fail again");
  }
  smallest_ = MinimizeFailure(*std::move(simulation), *found, &PrintScenario);
  if (!smallest_) return absl::InternalError("a finding does not fail twice");
  return absl::OkStatus();
}

// How much there is cannot be known before. What is known of it: runs that were made, and those
// that are to be made for sure; and, when fewer come up than are made, a guess at all of them.
void ScenarioProof::ShowProgress(const explore::ResumableSearch& search, double elapsed) {
  TakeStock(search);
  std::string runs = absl::StrFormat("%d runs of %s", search.run_count(), WholeText());
  if (states_ != nullptr) {
    runs = absl::StrFormat("%d states, %s, at %d departures", states_->state_count(), runs,
                           states_->departures());
  }
  progress_.Show(absl::StrFormat("%s: %s, %.0f s", loaded_.scenario.name, runs, elapsed));
}

void ScenarioProof::TakeStock(const explore::ResumableSearch& search) {
  estimate_.Add(search.run_count(), search.branch_count());
  at_least_ = search.run_count() + search.branch_count();
}

std::string ScenarioProof::WholeText() const {
  const std::optional<std::uint64_t> whole = estimate_.WholeRunCount();
  return whole ? absl::StrFormat("about %d", *whole) : absl::StrFormat("at least %d", at_least_);
}

// ---- what is said of it ------------------------------------------------------------------------

absl::Status ScenarioProof::Keep(Store& store) {
  if (!smallest_) return absl::OkStatus();
  if (absl::Status stored = store.PutFailure(smallest_->failure); !stored.ok()) return stored;
  const Failure& failure = smallest_->failure;
  spdlog::info("{}: {}: {}", loaded_.scenario.name, failure.check, failure.message);
  spdlog::info("  {}, {} when minimized: {}", Counted(report_.schedule.size(), "decision"),
               failure.anchors.size(), ShownSchedule(failure.schedule_text));
  spdlog::info("  {}", MinimalityText(failure));
  spdlog::info("  stored as {}; look at it: shootdown replay {} --trace{}", FailureId(failure),
               FailureId(failure), StoreFlag(request_.store));
  return absl::OkStatus();
}

std::string ScenarioProof::verdict() const {
  if (report_.violation) return report_.violation->check;
  return complete() ? "clean" : "unfinished";
}

ScenarioProof::Stop ScenarioProof::StoppedBy() const {
  switch (report_.stopped_by) {
    case explore::StoppedBy::kNothing:
    case explore::StoppedBy::kRefused:  // a search over states knows all programs
      break;
    case explore::StoppedBy::kExecutions:
      return {"executions",
              absl::StrFormat("its %s made (--executions)",
                              request_.executions == 1 ? "run was" : absl::StrFormat("%d runs were", request_.executions))};
    case explore::StoppedBy::kAsked:
      if (was_interrupted_) return {"interrupt", "it was interrupted"};
      return {"seconds", absl::StrFormat("its %d s are over (--seconds)", request_.seconds)};
    case explore::StoppedBy::kStates:
      return {"states", absl::StrFormat("a proof has room for %d states", kStateCountMax)};
    case explore::StoppedBy::kTooManyWays:
      return {"ways", "a load could have given older values than are tried; all others were"};
  }
  return {};
}

std::string ScenarioProof::CostText() const {
  const std::string runs = Counted(report_.executions + report_.blocked, "run");
  if (request_.engine == ProofEngine::kStates) {
    return absl::StrFormat("%s, %s in %.2f s", Counted(report_.states, "state"), runs, seconds_);
  }
  return absl::StrFormat("%s (%d given up) of %d classes in %.2f s", runs, report_.blocked,
                         report_.classes, seconds_);
}

void ScenarioProof::PrintSummary() const {
  const std::string cost = CostText();
  if (complete()) {
    spdlog::info("{}: verified: no schedule {} breaks a rule; {}{}", loaded_.scenario.name,
                 BoundText(), cost,
                 request_.engine == ProofEngine::kStates ? ", up to hash collision (128 bits)" : "");
  } else if (found()) {
    spdlog::info("{}: {}; {}", loaded_.scenario.name, verdict(), cost);
  } else {
    spdlog::info("{}: unfinished: {}; nothing found in {}", loaded_.scenario.name,
                 StoppedBy().words, cost);
  }
  if (found()) return;
  if (!complete()) {
    if (report_.stopped_by != explore::StoppedBy::kTooManyWays) {
      spdlog::info("  the whole: {} runs{}", WholeText(),
                   estimate_.WholeRunCount() ? ", as this one went" : "; no end is in sight yet");
    }
    SayHowToGoOn();
  }
  SayWhatIsNeverDone();
  spdlog::info("  varied: who takes each step{}{}{}",
               Model() != sim::MemoryModel::kSc ? ", when each store reaches memory" : "",
               Model() == sim::MemoryModel::kRmo ? ", how old a value each load gives" : "",
               request_.events == 0 ? "; not varied: events from outside" : "");
  if (request_.events != 0) {
    spdlog::info(
        "  and at most {} of: reschedule interrupt, NMI, walk by hardware, eviction before a "
        "step that uses the TLB, interrupts deferred for 1 to {} steps; each before a step of its CPU, "
        "so not while that is idle",
        request_.events, explore::kDeferredStepsMax);
  }
  if (drains_unseen_) {
    // Only buffers that keep their order tell how long a store could wait
    // (explore/lingering_stores.h).
    spdlog::info("  at once: stores {}",
                 Model() == sim::MemoryModel::kTso
                     ? "that no other CPU and no judge looks at while they could wait in a buffer"
                     : "to words that no other CPU and no judge ever looks at");
  }
  spdlog::info("  judged by {} checks{}{}", checks_.size(),
               checks_off_.empty() ? "" : "; off: ", absl::StrJoin(checks_off_, ", "));
  if (request_.engine == ProofEngine::kStates) {
    spdlog::info("  model {}, states {}", model_, ToHex(report_.digest));
  } else {
    spdlog::info("  one order each of steps that touch nothing in common");
    spdlog::info("  model {}", model_);
  }
  spdlog::info("  build {}, scenario {}", build_, ScenarioHash());
}

// More time goes on where this ended; more states than there is room for do not come of it.
void ScenarioProof::SayHowToGoOn() const {
  if (report_.stopped_by != explore::StoppedBy::kAsked &&
      report_.stopped_by != explore::StoppedBy::kExecutions) {
    return;
  }
  if (request_.checkpoint.empty()) {
    spdlog::info("  nothing is kept of it; with --checkpoint FILE the next one would go on from here");
  } else {
    spdlog::info("  kept in {}: the same command goes on from here", request_.checkpoint);
  }
}

// Of what nobody does nothing is proved.
void ScenarioProof::SayWhatIsNeverDone() const {
  const std::string nobody = complete() ? "no schedule " + BoundText() : "none of these runs";
  for (const std::string& line : UndoneLines(loaded_.scenario, undone_, nobody)) {
    spdlog::info("  {}", line);
  }
}

std::string ScenarioProof::ReductionName() const {
  if (request_.engine == ProofEngine::kDpor) return "source_dpor";
  return drains_unseen_ ? "unseen_drains" : "none";
}

Json ScenarioProof::ToJson() const {
  Json varied = {"step_order"};
  if (Model() != sim::MemoryModel::kSc) varied.push_back("store_buffer_drains");
  if (Model() == sim::MemoryModel::kRmo) varied.push_back("old_loads");
  Json not_varied = Json::array();
  for (const char* event : {"deferred_interrupts", "reschedule_interrupts",
                            "non_maskable_interrupts", "tlb_evictions", "hardware_walks"}) {
    (request_.events == 0 ? not_varied : varied).push_back(event);
  }
  Json bound = {{"preemptions", nullptr}, {"delays", nullptr}, {"events", request_.events}};
  if (request_.preemptions) bound["preemptions"] = *request_.preemptions;
  if (request_.delays) bound["delays"] = *request_.delays;
  if (request_.events != 0) bound["deferred_for_steps_max"] = explore::kDeferredStepsMax;
  Json json = {{"name", loaded_.scenario.name},
               {"expected", loaded_.scenario.expected},
               {"verdict", verdict()},
               {"complete", complete()},
               {"executions", report_.executions},
               {"blocked", report_.blocked},
               {"seconds", seconds_},
               {"bound", std::move(bound)},
               {"memory_model", FlagOf(Model())},
               {"engine", EngineName(request_.engine)},
               {"model", model_},
               {"build", build_},
               {"scenario_hash", ScenarioHash()},
               {"steps_max", report_.steps_max},
               {"reduction", ReductionName()},
               {"checks", checks_},
               {"checks_off", checks_off_},
               {"varied", std::move(varied)},
               {"not_varied", std::move(not_varied)},
               {"never_done", nullptr}};
  // A finding has ended the search before all that there is to do could be done.
  if (!found()) json["never_done"] = UndoneJson(loaded_.scenario, undone_);
  if (request_.engine == ProofEngine::kStates) {
    json["states"] = report_.states;
    json["states_digest"] = ToHex(report_.digest);
    json["hash_bits"] = 128;
  } else {
    json["classes"] = report_.classes;
    json["reads_from_classes"] = report_.rf_classes;
  }
  if (!complete() && !found()) {
    json["stopped_by"] = StoppedBy().name;
    json["runs_at_least"] = at_least_;
    json["runs_estimated"] = nullptr;
    if (const auto whole = estimate_.WholeRunCount()) json["runs_estimated"] = *whole;
    // As far as it is whole.
    if (report_.departures_complete) json["complete_up_to"] = *report_.departures_complete;
  }
  if (smallest_) {
    json["finding"] = {{"id", FailureId(smallest_->failure)},
                       {"check", smallest_->failure.check},
                       {"decisions", report_.schedule.size()},
                       {"minimized_decisions", smallest_->failure.anchors.size()},
                       {"minimality", MinimalityJson(smallest_->failure)},
                       {"minimality_runs", smallest_->failure.minimality_runs},
                       {"schedule", smallest_->failure.schedule_text}};
  }
  return json;
}

std::string ScenarioProof::BoundText() const {
  std::string model = "under " + std::string(sim::NameOf(Model()));
  if (request_.delays) return absl::StrFormat("with at most %s %s", Counted(*request_.delays, "delay"), model);
  if (!request_.preemptions) return model;
  return absl::StrFormat("with at most %s %s", Counted(*request_.preemptions, "preemption"), model);
}

}  // namespace shootdown
