#include <spdlog/spdlog.h>

#include <chrono>
#include <set>

#include "absl/strings/str_format.h"
#include "fuzz/base/hash.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/interrupt.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/kept_inputs.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/minimality_words.h"
#include "fuzz/cli/progress_line.h"
#include "fuzz/cli/scenario_size.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/store_option.h"
#include "fuzz/cli/strategy_option.h"
#include "fuzz/cli/undone_words.h"
#include "fuzz/engine/minimize_failure.h"
#include "fuzz/engine/record.h"
#include "fuzz/options/whole_number.h"
#include "fuzz/process/search_process.h"

namespace shootdown {
namespace {

using Clock = std::chrono::steady_clock;

// Enough for every bug that the corpus holds, and over in seconds.
constexpr std::uint64_t kDefaultRunCount = 1'000'000;

struct FuzzFlags {
  std::vector<std::string> scenarios;
  std::uint64_t runs = 0;
  std::uint32_t seconds = 0;
  std::uint64_t seed = 1;
  std::uint32_t jobs = 1;
  StrategyName strategy;
  std::string store;
  bool resume = false;
  bool keep_going = false;
  bool json = false;
};

struct FoundBug {
  std::string id;
  Failure failure;
  std::size_t decisions_found = 0;
  std::size_t decisions = 0;
  Scenario scenario;  // minimized
};

// One scenario's part of the run.
class ScenarioFuzz {
 public:
  ScenarioFuzz(const FuzzFlags& flags, LoadedScenario loaded, Store& store)
      : flags_(flags),
        loaded_(std::move(loaded)),
        store_(store),
        inputs_(store, loaded_.text),
        progress_(!flags.json) {}

  absl::Status Run() {
    absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(loaded_);
    if (!simulation.ok()) return simulation.status();
    start_ = Clock::now();
    SearchRequest request{.strategy = flags_.strategy,
                          .run_count_max = flags_.runs,
                          .second_count_max = flags_.seconds,
                          .seed = flags_.seed,
                          .job_count = static_cast<int>(flags_.jobs),
                          .keep_going = flags_.keep_going};
    if (request.run_count_max == 0 && request.second_count_max == 0) {
      request.run_count_max = kDefaultRunCount;
    }
    if (flags_.resume) {
      if (absl::Status resumed = Resume(**simulation, request); !resumed.ok()) return resumed;
    }
    SearchHandler handler;
    handler.found = [&](const Schedule& exact, const std::string& kind_key, std::uint64_t run) {
      return TakeFinding(exact, kind_key, run);
    };
    handler.input = [this](const NewInput& input) { return inputs_.Add(input); };
    handler.tick = [&](const SearchCounts& counts) {
      ShowProgress(request, counts);
      return inputs_.Write();
    };
    handler.interrupted = &Interrupted;
    absl::Status searched = Search(*std::move(simulation), request, handler, &counts_);
    seconds_ = Seconds();
    cut_short_ = Interrupted();
    progress_.Clear();
    searched.Update(inputs_.Write());
    return searched;
  }

  [[nodiscard]] bool found() const { return !bugs_.empty(); }
  [[nodiscard]] std::string verdict() const {
    if (found()) return bugs_.front().failure.check;
    return cut_short_ ? "interrupted" : "clean";
  }

  void PrintSummary() const {
    const Scenario& s = loaded_.scenario;
    spdlog::info("{}: {} after {} in {:.2f} s{}, {}, {} stored{}", s.name, verdict(),
                 Counted(counts_.runs, "run"), seconds_, RateText(), Counted(counts_.features, "feature"),
                 Counted(inputs_.count(), "input"), ExpectationText());
    if (counts_.findings_passed_over != 0) {
      spdlog::info("  {} passed over: each job had looked into {} of the same kind",
                   counts_.findings_passed_over == 1 ? "1 more finding was"
                                                     : absl::StrFormat("%d more findings were", counts_.findings_passed_over),
                   Target::kReportsOfOneKindMax);
    }
    for (const std::string& line :
         UndoneLines(s, WhatIsUndone().value_or(std::vector<Undone>()), "none of these runs")) {
      spdlog::info("  {}", line);
    }
    if (counts_.behaviours == 0) return;  // its first run was its last
    const NewBehaviour& next = counts_.new_behaviour;
    spdlog::info("  {}; of more runs like these {:.3g} % would show a new one (95 %: {:.3g} to {:.3g})",
                 Counted(counts_.behaviours, "distinct behaviour"), 100 * next.per_run, 100 * next.low,
                 100 * next.high);
  }

  // What the scenario expects, if that is not what came, and how to look for it.
  [[nodiscard]] std::string ExpectationText() const {
    const std::string& expected = loaded_.scenario.expected;
    if (cut_short_ || verdict() == expected) return "";
    std::string words = "; the scenario expects " + expected;
    if (found() && expected != "clean") {
      words += ": checks { off: \"" + verdict() + "\" } in its file looks past this";
    }
    return words;
  }

  // Runs that end in a finding leave the rest undone, which says nothing of the scenario.
  [[nodiscard]] std::optional<std::vector<Undone>> WhatIsUndone() const {
    if (found() || counts_.runs == 0) return std::nullopt;
    return FindUndone(loaded_.scenario, counts_.reached);
  }

  // A short search mostly starts processes: its rate says nothing of the next one's.
  [[nodiscard]] std::string RateText() const {
    if (seconds_ < 1) return "";
    return absl::StrFormat(" (%.0f runs/s)", static_cast<double>(counts_.runs) / seconds_);
  }

  [[nodiscard]] Json ToJson() const {
    Json findings = Json::array();
    for (const FoundBug& bug : bugs_) {
      findings.push_back({{"id", bug.id},
                          {"check", bug.failure.check},
                          {"signature", bug.failure.signature},
                          {"found_at_run", bug.failure.found_at_run},
                          {"decisions", bug.decisions_found},
                          {"minimized_decisions", bug.decisions},
                          {"minimality", MinimalityJson(bug.failure)},
                          {"minimality_runs", bug.failure.minimality_runs},
                          {"tasks", loaded_.scenario.tasks.size()},
                          {"minimized_tasks", bug.scenario.tasks.size()},
                          {"operations", OperationCount(loaded_.scenario)},
                          {"minimized_operations", OperationCount(bug.scenario)},
                          {"schedule", bug.failure.schedule_text},
                          {"trace_hash", bug.failure.trace_hash}});
    }
    const std::optional<std::vector<Undone>> undone = WhatIsUndone();
    return {{"name", loaded_.scenario.name},
            {"expected", loaded_.scenario.expected},
            {"verdict", verdict()},
            {"seed", flags_.seed},
            {"runs", counts_.runs},
            {"seconds", seconds_},
            {"runs_per_second", static_cast<double>(counts_.runs) / std::max(seconds_, 1e-9)},
            {"features", counts_.features},
            {"behaviours", counts_.behaviours},
            {"new_behaviours_per_run", counts_.new_behaviour.per_run},
            {"new_behaviours_per_run_low", counts_.new_behaviour.low},
            {"new_behaviours_per_run_high", counts_.new_behaviour.high},
            {"findings_passed_over", counts_.findings_passed_over},
            {"corpus", inputs_.count()},
            {"corpus_hash", inputs_.hash()},
            {"resumed_inputs", resumed_inputs_},
            {"resumed_features", resumed_features_},
            {"never_done", undone ? UndoneJson(loaded_.scenario, *undone) : Json()},
            {"findings", std::move(findings)}};
  }

 private:
  [[nodiscard]] double Seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

  // The search starts from what the store holds, and draws otherwise than the search that left it there.
  absl::Status Resume(Simulation& simulation, SearchRequest& request) {
    absl::StatusOr<KeptInputs::Start> start = inputs_.Resume(simulation);
    if (!start.ok()) return start.status();
    for (const std::string& damaged : start->damaged) spdlog::warn("{}", damaged);
    resumed_inputs_ = start->seeds.size();
    resumed_features_ = start->features.size();
    spdlog::info("{}: resumes from {} inputs, of {} in the store; {} features are known",
                 loaded_.scenario.name, resumed_inputs_, start->input_count, resumed_features_);
    for (const std::uint32_t feature : start->features) request.seed = Combine(request.seed, feature);
    request.seeds = std::move(start->seeds);
    request.known_features = std::move(start->features);
    return absl::OkStatus();
  }

  // Minimizes, stores, and only then reports.
  absl::Status TakeFinding(const Schedule& exact, const std::string& kind_key, std::uint64_t run) {
    absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(loaded_);
    if (!simulation.ok()) return simulation.status();
    std::optional<Failure> found = RecordFailure(**simulation, exact, loaded_.text);
    if (!found.has_value() || found->kind_key != kind_key) {
      return absl::InternalError("what a search process found does not fail again");
    }
    found->found_at_run = run;
    found->seed = flags_.seed;
    std::optional<SmallestFailure> smallest =
        MinimizeFailure(*std::move(simulation), *found, &PrintScenario);
    if (!smallest.has_value()) return absl::InternalError("a finding does not fail twice");
    Failure& failure = smallest->failure;
    if (!signatures_.insert(failure.signature).second) return absl::OkStatus();
    if (absl::Status stored = store_.PutFailure(failure); !stored.ok()) return stored;
    absl::StatusOr<LoadedScenario> scenario = ParseStoredScenario(failure);
    if (!scenario.ok()) return scenario.status();
    FoundBug bug{.id = FailureId(failure),
                 .failure = std::move(failure),
                 .decisions_found = exact.size(),
                 .scenario = std::move(scenario->scenario)};
    bug.decisions = bug.failure.anchors.size();
    progress_.Clear();
    spdlog::info("{}: {} at run {}: {}", loaded_.scenario.name, bug.failure.check, run,
                 bug.failure.message);
    spdlog::info("  {}, {} when minimized: {}", Counted(bug.decisions_found, "decision"), bug.decisions,
                 ShownSchedule(bug.failure.schedule_text));
    spdlog::info("  {}", MinimalityText(bug.failure));
    spdlog::info("  {}", SizeText(bug.scenario, loaded_.scenario));
    spdlog::info("  stored as {}; look at it: shootdown replay {} --trace{}", bug.id, bug.id,
                 StoreFlag(flags_.store));
    bugs_.push_back(std::move(bug));
    return absl::OkStatus();
  }

  void ShowProgress(const SearchRequest& request, const SearchCounts& counts) {
    const double elapsed = Seconds();
    std::string left;
    if (request.second_count_max != 0) {
      left = absl::StrFormat(", %.0f s left", std::max(0.0, request.second_count_max - elapsed));
    } else if (counts.runs != 0) {
      const double rest = static_cast<double>(request.run_count_max) - static_cast<double>(counts.runs);
      left = absl::StrFormat(", %.0f s left",
                             std::max(0.0, rest * elapsed / static_cast<double>(counts.runs)));
    }
    progress_.Show(absl::StrFormat("%s: %d runs, %.0f runs/s, %d features, %d findings%s",
                                   loaded_.scenario.name, counts.runs,
                                   static_cast<double>(counts.runs) / std::max(elapsed, 1e-9),
                                   counts.features, bugs_.size(), left));
  }

  const FuzzFlags& flags_;
  LoadedScenario loaded_;
  Store& store_;
  KeptInputs inputs_;
  std::size_t resumed_inputs_ = 0;
  std::size_t resumed_features_ = 0;
  ProgressLine progress_;
  std::vector<FoundBug> bugs_;
  std::set<std::string> signatures_;
  SearchCounts counts_;
  Clock::time_point start_;
  double seconds_ = 0;
  bool cut_short_ = false;
};

int Fuzz(const FuzzFlags& flags) {
  absl::StatusOr<std::vector<LoadedScenario>> all = LoadScenarios(flags.scenarios);
  if (!all.ok()) return Fail(all.status());
  const std::string path = StorePath(flags.store);
  const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(path, OpenMode::kReadWrite);
  if (!store.ok()) return Fail(store.status());
  NoticeInterrupts();

  spdlog::info("seed {}, store {}", flags.seed, path);
  Json scenarios = Json::array();
  bool found = false;
  absl::Status status = absl::OkStatus();
  for (LoadedScenario& loaded : *all) {
    if (Interrupted()) break;
    ScenarioFuzz one(flags, std::move(loaded), **store);
    status = one.Run();
    found = found || one.found();
    one.PrintSummary();
    scenarios.push_back(one.ToJson());
    if (!status.ok()) break;
  }
  if (Interrupted()) spdlog::info("interrupted; what was found is stored");
  if (flags.json) {
    const Json whole = {{"seed", flags.seed}, {"store", path}, {"scenarios", std::move(scenarios)}};
    PrintJson(whole);
  }
  if (!status.ok()) return Fail(status);
  if (found) return kExitFinding;
  return Interrupted() ? kExitLimit : kExitDone;
}

}  // namespace

void AddFuzzCommand(CLI::App& app, int* exit_status) {
  auto* const command =
      app.add_subcommand("fuzz",
                         "searches scenarios for schedules that break a rule; minimizes and stores "
                         "them, or says what no run has done");
  ExplainExitStatus(*command, {.done = "nothing found", .finding = "a finding",
                               .limit = "Ctrl-C came before there was one"});
  const auto flags = std::make_shared<FuzzFlags>();
  command->add_option("SCENARIO", flags->scenarios, "names, or files; each once")->required();
  command->add_option("--runs", flags->runs,
                      "schedules to run for each scenario (default 1000000, if no --seconds)")
      ->transform(WholeNumber(1, std::uint64_t{1} << 62));
  command->add_option("--seconds", flags->seconds, "time for each scenario")
      ->transform(WholeNumber(1, 100'000'000));
  command->add_option("--seed", flags->seed,
                      "equal seeds and --runs give equal results; with --resume, on equal stores")
      ->transform(WholeNumber(0))
      ->capture_default_str();
  command->add_option("--jobs", flags->jobs, "processes that search side by side")
      ->transform(WholeNumber(1, 256))
      ->capture_default_str();
  AddStrategyOption(*command, flags->strategy);
  AddStoreOption(*command, flags->store);
  command->add_flag("--resume", flags->resume,
                    "start from the inputs that earlier searches of the scenario left in the store");
  command->add_flag("--keep-going", flags->keep_going,
                    absl::StrFormat("spend the whole budget, and report every distinct finding; each job looks "
                                    "into the first %d of one kind (check, role and function)",
                                    Target::kReportsOfOneKindMax));
  command->add_flag("--json", flags->json, "one JSON object on standard output");
  command->callback([flags, exit_status] { *exit_status = Fuzz(*flags); });
}

}  // namespace shootdown
