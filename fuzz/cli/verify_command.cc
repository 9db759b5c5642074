#include <csignal>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/minimality_words.h"
#include "fuzz/cli/progress_line.h"
#include "fuzz/cli/proof_checkpoint.h"
#include "fuzz/base/content_hash.h"
#include "fuzz/engine/minimize_failure.h"
#include "fuzz/engine/record.h"
#include "fuzz/explore/simulation_subject.h"
#include "fuzz/explore/state_search.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

// Two to three gigabytes.
constexpr std::uint64_t kStateCountMax = 20'000'000;
// A checkpoint is written twice a second, or seldom enough to cost a twentieth of the time.
constexpr double kCheckpointSecondsMin = 0.5;
constexpr double kCheckpointShare = 20;

struct VerifyFlags {
  std::vector<std::string> scenarios;
  std::optional<std::uint32_t> preemptions;
  std::optional<std::uint32_t> delays;
  std::optional<sim::MemoryModel> memory_model;
  std::uint32_t events = 0;
  std::uint32_t seconds = 0;
  std::uint64_t executions = 0;
  std::string checkpoint;
  std::string store;
  bool json = false;
};

volatile sig_atomic_t interrupted = 0;

// As --memory-model has them.
const std::map<std::string, sim::MemoryModel>& Models() {
  static const std::map<std::string, sim::MemoryModel> models = {{"sc", sim::MemoryModel::kSc},
                                                                 {"tso", sim::MemoryModel::kTso},
                                                                 {"pso", sim::MemoryModel::kPso},
                                                                 {"rmo", sim::MemoryModel::kRmo}};
  return models;
}

std::string FlagOf(sim::MemoryModel model) {
  for (const auto& [flag, named] : Models()) {
    if (named == model) return flag;
  }
  return "?";
}

// One scenario's proof, or what stands against it.
class ScenarioProof {
 public:
  ScenarioProof(const VerifyFlags& flags, LoadedScenario loaded)
      : flags_(flags), loaded_(std::move(loaded)), progress_(!flags.json) {}

  absl::Status Run() {
    absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(loaded_);
    if (!simulation.ok()) return simulation.status();
    if (const int processes = explore::ProcessCount(loaded_.scenario.machine);
        processes > explore::kProcessCountMax) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "%s: found %d CPUs and places in store buffers, wanted at most %d for verify",
          loaded_.scenario.name, processes, explore::kProcessCountMax));
    }
    if (absl::Status explored = Explore(**simulation); !explored.ok()) return explored;
    simulation->reset();  // only one lives at a time
    return report_.violation ? TakeFinding(*report_.violation) : absl::OkStatus();
  }

  // As `fuzz` does: minimizes, stores, and only then reports.
  absl::Status Keep(Store& store) {
    if (!smallest_) return absl::OkStatus();
    if (absl::Status stored = store.PutFailure(smallest_->failure); !stored.ok()) return stored;
    const Failure& failure = smallest_->failure;
    spdlog::info("{}: {}: {}", loaded_.scenario.name, failure.check, failure.message);
    spdlog::info("  {} decisions, {} when minimized: {}", report_.schedule.size(),
                 failure.anchors.size(), failure.schedule_text);
    spdlog::info("  {}", MinimalityText(failure));
    spdlog::info("  stored as {}; look at it: shootdown replay {} --trace{}", FailureId(failure),
                 FailureId(failure), flags_.store.empty() ? "" : " --store " + flags_.store);
    return absl::OkStatus();
  }

  [[nodiscard]] bool found() const { return report_.violation.has_value(); }
  [[nodiscard]] bool complete() const { return report_.complete; }
  [[nodiscard]] std::string verdict() const {
    if (report_.violation) return report_.violation->check;
    return complete() ? "clean" : "unfinished";
  }

  void PrintSummary() const {
    const std::string cost =
        absl::StrFormat("%d states, %d runs in %.2f s", report_.states,
                        report_.executions + report_.blocked, seconds_);
    if (complete()) {
      spdlog::info("{}: verified: no schedule {} breaks a rule; {}, up to hash collision (128 bits)",
                   loaded_.scenario.name, BoundText(), cost);
    } else if (found()) {
      spdlog::info("{}: {}; {}", loaded_.scenario.name, verdict(), cost);
    } else {
      spdlog::info("{}: unfinished: {}; nothing found in {}", loaded_.scenario.name,
                   was_interrupted_ ? "it was interrupted" : "a limit was reached", cost);
    }
    if (found()) return;
    spdlog::info("  varied: who takes each step{}{}{}",
                 Model() != sim::MemoryModel::kSc ? ", when each store reaches memory" : "",
                 Model() == sim::MemoryModel::kRmo ? ", how old a value each load gives" : "",
                 flags_.events == 0 ? "; not varied: events from outside" : "");
    if (flags_.events != 0) {
      spdlog::info("  and at most {} of: reschedule interrupt, NMI, walk by hardware, eviction before a "
                   "step that uses the TLB, interrupts deferred for 1, 2, 4 or 8 steps",
                   flags_.events);
    }
    spdlog::info("  model {}, states {}", model_, ToHex(report_.digest));
  }

  [[nodiscard]] Json ToJson() const {
    Json varied = {"step_order"};
    if (Model() != sim::MemoryModel::kSc) varied.push_back("store_buffer_drains");
    if (Model() == sim::MemoryModel::kRmo) varied.push_back("old_loads");
    Json not_varied = Json::array();
    for (const char* event : {"deferred_interrupts", "reschedule_interrupts", "non_maskable_interrupts",
                              "tlb_evictions", "hardware_walks"}) {
      (flags_.events == 0 ? not_varied : varied).push_back(event);
    }
    Json bound = {{"preemptions", nullptr}, {"delays", nullptr}, {"events", flags_.events}};
    if (flags_.preemptions) bound["preemptions"] = *flags_.preemptions;
    if (flags_.delays) bound["delays"] = *flags_.delays;
    if (flags_.events != 0) bound["deferred_for_steps"] = {1, 2, 4, 8};
    Json json = {{"name", loaded_.scenario.name},
                 {"expected", loaded_.scenario.expected},
                 {"verdict", verdict()},
                 {"complete", complete()},
                 {"executions", report_.executions},
                 {"blocked", report_.blocked},
                 {"seconds", seconds_},
                 {"bound", std::move(bound)},
                 {"memory_model", FlagOf(Model())},
                 {"states", report_.states},
                 {"states_digest", ToHex(report_.digest)},
                 {"hash_bits", 128},
                 {"model", model_},
                 {"steps_max", report_.steps_max},
                 {"varied", std::move(varied)},
                 {"not_varied", std::move(not_varied)}};
    if (!complete() && !found()) {
      json["stopped_by"] = was_interrupted_ ? "interrupt" : "limit";
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

 private:
  [[nodiscard]] sim::MemoryModel Model() const { return loaded_.scenario.machine.memory_model; }
  [[nodiscard]] double Seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  [[nodiscard]] std::string BoundText() const {
    std::string model = "under " + std::string(sim::NameOf(Model()));
    if (flags_.delays) return absl::StrFormat("with at most %d delays %s", *flags_.delays, model);
    if (!flags_.preemptions) return model;
    return absl::StrFormat("with at most %d preemptions %s", *flags_.preemptions, model);
  }

  absl::Status Explore(Simulation& simulation) {
    // The same model runs the same default order: equal certificates come of equal models.
    model_ = RecordRun(simulation, Schedule(), loaded_.text).trace_hash;
    explore::SimulationSubject subject(simulation);
    explore::StateOptions options;
    options.preemptions = flags_.preemptions;
    options.delays = flags_.delays;
    options.events = flags_.events;
    options.state_count_max = kStateCountMax;
    if (flags_.executions != 0) options.execution_count_max = flags_.executions;
    explore::StateSearch* running = nullptr;
    absl::Status kept = absl::OkStatus();
    double keep_at = kCheckpointSecondsMin;
    std::optional<ProofCheckpoint> checkpoint;
    options.should_stop = [&] {
      const double elapsed = Seconds();
      ShowProgress(*running, elapsed);
      was_interrupted_ = interrupted != 0;
      const bool over =
          was_interrupted_ || (flags_.seconds != 0 && elapsed - before_ >= flags_.seconds);
      if (checkpoint && !over && elapsed >= keep_at) {
        kept = checkpoint->Write(*running, elapsed);
        const double now = Seconds();
        keep_at = now + std::max(kCheckpointSecondsMin, kCheckpointShare * (now - elapsed));
      }
      return over || !kept.ok();
    };
    explore::StateSearch search(subject, options);
    running = &search;
    start_ = Clock::now();
    if (!flags_.checkpoint.empty()) {
      checkpoint.emplace(flags_.checkpoint, ProofIdentity());
      const absl::StatusOr<double> before = checkpoint->Read(&search);
      if (!before.ok()) return before.status();
      before_ = *before;
      keep_at += before_;
      start_ -= std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(before_));
    }
    report_ = search.Explore();
    seconds_ = Seconds();
    progress_.Clear();
    if (!checkpoint || !kept.ok()) return kept;
    if (!complete() && !found()) return checkpoint->Write(search, seconds_);
    checkpoint->Remove();
    return absl::OkStatus();
  }

  // Whose states they are.
  [[nodiscard]] std::string ProofIdentity() const {
    return absl::StrFormat("scenario %s, %s, events %d, model %s",
                           ToHex(HashBytes(PrintScenario(loaded_.scenario))), BoundText(),
                           flags_.events, model_);
  }

  absl::Status TakeFinding(const sim::Violation& violation) {
    absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(loaded_);
    if (!simulation.ok()) return simulation.status();
    const std::optional<Failure> found =
        RecordFailure(**simulation, report_.schedule, loaded_.text);
    if (!found.has_value() || found->check != violation.check) {
      return absl::InternalError("what the search found does not fail again");
    }
    smallest_ = MinimizeFailure(*std::move(simulation), *found, &PrintScenario);
    if (!smallest_) return absl::InternalError("a finding does not fail twice");
    return absl::OkStatus();
  }

  // How much there is cannot be known before. What is known of it: runs that were made, and those that are
  // to be made for sure.
  void ShowProgress(const explore::StateSearch& search, double elapsed) {
    progress_.Show(absl::StrFormat("%s: %d states, %d runs of at least %d, at %d departures, %.0f s",
                                   loaded_.scenario.name, search.state_count(), search.run_count(),
                                   search.run_count() + search.branch_count(), search.departures(), elapsed));
  }

  const VerifyFlags& flags_;
  LoadedScenario loaded_;
  ProgressLine progress_;
  explore::Report report_;
  std::optional<SmallestFailure> smallest_;
  std::string model_;  // the trace hash of its default order
  Clock::time_point start_;
  double before_ = 0;   // seconds of the search that is gone on with
  double seconds_ = 0;
  bool was_interrupted_ = false;
};

absl::StatusOr<LoadedScenario> LoadForProof(const VerifyFlags& flags, const std::string& name) {
  absl::StatusOr<LoadedScenario> loaded = LoadScenario(name);
  if (!loaded.ok() || !flags.memory_model) return loaded;
  loaded->scenario.machine.memory_model = *flags.memory_model;
  return ParseLoadedScenario(PrintScenario(loaded->scenario), name);
}

int Verify(const VerifyFlags& flags) {
  if (!flags.checkpoint.empty() && flags.scenarios.size() != 1) {
    return Fail(absl::InvalidArgumentError(absl::StrFormat(
        "--checkpoint: found %d scenarios, wanted one", flags.scenarios.size())));
  }
  // Everything is read before anything is run: a typing mistake costs no search.
  std::vector<LoadedScenario> all;
  for (const std::string& name : flags.scenarios) {
    absl::StatusOr<LoadedScenario> loaded = LoadForProof(flags, name);
    if (!loaded.ok()) return Fail(loaded.status());
    if (absl::Status s = BuildSimulation(*loaded).status(); !s.ok()) return Fail(s);
    all.push_back(*std::move(loaded));
  }
  const absl::StatusOr<std::unique_ptr<Store>> store =
      Store::Open(StorePath(flags.store), OpenMode::kReadWrite);
  if (!store.ok()) return Fail(store.status());
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);

  Json scenarios = Json::array();
  bool found = false;
  bool unfinished = false;
  for (LoadedScenario& loaded : all) {
    if (interrupted != 0) {
      unfinished = true;
      break;
    }
    ScenarioProof one(flags, std::move(loaded));
    if (absl::Status s = one.Run(); !s.ok()) return Fail(s);
    if (absl::Status s = one.Keep(**store); !s.ok()) return Fail(s);
    found = found || one.found();
    unfinished = unfinished || !(one.complete() || one.found());
    one.PrintSummary();
    scenarios.push_back(one.ToJson());
  }
  if (flags.json) {
    std::printf("%s\n", Json{{"scenarios", std::move(scenarios)}}.dump(2).c_str());
  }
  return found ? kExitFinding : unfinished ? kExitLimit : kExitDone;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, int* exit_status) {
  auto* const command = app.add_subcommand(
      "verify", "explores all schedules of scenarios, within a bound, and says what that covers");
  const auto flags = std::make_shared<VerifyFlags>();
  command->add_option("SCENARIO", flags->scenarios, "names, or files")->required();
  command->add_option("--preemptions", flags->preemptions,
                      "how often a CPU that could go on is left, at most (default: no bound)")
      ->check(CLI::Range(0u, explore::StateOptions::kCostMax));
  auto* const preemptions = command->get_option("--preemptions");
  command->add_option("--delays", flags->delays,
                      "by how many places a step may leave the default order, all together, at most")
      ->check(CLI::Range(0u, explore::StateOptions::kCostMax))
      ->excludes(preemptions);
  command->add_option("--events", flags->events,
                      "interrupts, evictions and walks from outside in a run, at most")
      ->check(CLI::Range(0u, explore::StateOptions::kEventCountMax))
      ->capture_default_str();
  command->add_option_function<std::string>(
      "--memory-model",
      [flags](const std::string& name) {
        const auto found = Models().find(name);
        if (found == Models().end()) {
          throw CLI::ValidationError(
              "--memory-model", absl::StrFormat("found \"%s\", wanted sc, tso, pso or rmo", name));
        }
        flags->memory_model = found->second;
      },
      "sc, tso, pso or rmo (default: as the scenario has it)");
  command->add_option("--seconds", flags->seconds, "time for each scenario; then it is unfinished")
      ->check(CLI::Range(1u, 100'000'000u));
  command->add_option("--executions", flags->executions,
                      "runs for each scenario; then it is unfinished")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62));
  command->add_option("--checkpoint", flags->checkpoint,
                      "a file to go on from if it is there, and to keep up to date; for one scenario");
  command->add_option("--store", flags->store, "folder of the store");
  command->add_flag("--json", flags->json, "one JSON object on standard output");
  command->callback([flags, exit_status] { *exit_status = Verify(*flags); });
}

}  // namespace shootdown
