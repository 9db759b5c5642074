#include "fuzz/process/catalogue_check.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"
#include "fuzz/engine/minimize_failure.h"
#include "fuzz/engine/record.h"
#include "fuzz/process/child_process.h"
#include "fuzz/process/raw_bytes.h"
#include "fuzz/process/search_job.h"

namespace shootdown {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// ---- in the child ------------------------------------------------------------------------------

enum Message : std::uint8_t { kFound = 1, kProved = 2 };

// The numbers of a finding; its check and schedule follow, a line each.
struct FoundNumbers {
  std::uint64_t runs = 0;
  std::uint64_t decisions_found = 0;
  std::uint64_t decisions = 0;
  double seconds = 0;
};

[[noreturn]] void SearchUntilFound(const LoadedScenario& loaded, std::uint64_t seed,
                                   std::uint64_t run_count_max, const ChildPipe& pipe,
                                   ChildState* state) {
  absl::StatusOr<std::unique_ptr<Simulation>> built = BuildSimulation(loaded);
  SHOOTDOWN_CHECK(built.ok());
  std::unique_ptr<Simulation> simulation = *std::move(built);
  Simulation& searched = *simulation;
  const Clock::time_point start = Clock::now();
  SearchJobListener listener;
  listener.found = [&](const Target::Found& found) {
    FoundNumbers numbers{.runs = found.run,
                         .decisions_found = found.exact.size(),
                         .seconds = SecondsSince(start)};
    const std::optional<Failure> failure = RecordFailure(*simulation, found.exact, loaded.text);
    SHOOTDOWN_CHECK(failure.has_value());
    const std::optional<SmallestFailure> smallest =
        MinimizeFailure(std::move(simulation), *failure, &PrintScenario);
    SHOOTDOWN_CHECK(smallest.has_value());
    numbers.decisions = smallest->failure.anchors.size();
    std::string payload;
    AppendRaw(payload, numbers);
    payload += smallest->failure.check + "\n" + smallest->failure.schedule_text;
    pipe.Send(kFound, payload);
    _exit(0);  // the search's simulation is gone
  };
  RunSearchJob(searched, StrategyName(), {.seed = seed, .run_count_max = run_count_max},
               listener, state);
}

// Of a proof; its check follows.
struct ProvedNumbers {
  explore::Proof::Kind kind;
  std::uint32_t bound = 0;
  std::uint32_t events = 0;
  std::uint64_t states = 0;
  double seconds = 0;
};

[[noreturn]] void ProveScenario(const LoadedScenario& loaded, std::uint64_t state_count_max,
                                const ChildPipe& pipe) {
  const absl::StatusOr<std::unique_ptr<Simulation>> built = BuildSimulation(loaded);
  SHOOTDOWN_CHECK(built.ok());
  const Clock::time_point start = Clock::now();
  const explore::Proof proof =
      explore::Prove(**built, state_count_max, loaded.scenario.expected != "clean");
  const ProvedNumbers numbers{.kind = proof.kind,
                              .bound = proof.bound,
                              .events = proof.events,
                              .states = proof.states,
                              .seconds = SecondsSince(start)};
  std::string payload;
  AppendRaw(payload, numbers);
  pipe.Send(kProved, payload + proof.check);
  _exit(0);
}

// ---- in the parent -----------------------------------------------------------------------------

constexpr std::size_t kProofJob = SIZE_MAX;

// One search: of which scenario, with which seed, and its child while it runs.
struct Job {
  std::size_t scenario = 0;
  std::size_t search = 0;  // or kProofJob
  std::unique_ptr<ChildProcess> child;
  Clock::time_point start;
};

void TakeFinding(const std::string& payload, SearchOutcome* outcome) {
  RawReader reader(payload);
  const auto numbers = reader.Take<FoundNumbers>();
  const std::size_t line = reader.rest().find('\n');
  SHOOTDOWN_CHECK(line != std::string_view::npos);
  *outcome = {.check = std::string(reader.rest().substr(0, line)),
              .runs = numbers.runs,
              .decisions_found = numbers.decisions_found,
              .decisions = numbers.decisions,
              .schedule = std::string(reader.rest().substr(line + 1)),
              .seconds = numbers.seconds,
              .reached = {}};
}

void TakeProof(const std::string& payload, ScenarioOutcome* outcome) {
  RawReader reader(payload);
  const auto numbers = reader.Take<ProvedNumbers>();
  outcome->proof = explore::Proof{.kind = numbers.kind,
                                  .bound = numbers.bound,
                                  .events = numbers.events,
                                  .states = numbers.states,
                                  .check = std::string(reader.rest())};
  outcome->proof_seconds = numbers.seconds;
}

// Takes what came. True: the job is done.
absl::StatusOr<bool> TakeFrom(Job& job, const LoadedScenario& loaded, ScenarioOutcome* all) {
  const bool is_proof = job.search == kProofJob;
  SearchOutcome* const outcome = is_proof ? nullptr : &all->searches[job.search];
  for (const ChildMessage& message : job.child->Receive()) {
    if (is_proof) {
      TakeProof(message.payload, all);
    } else {
      TakeFinding(message.payload, outcome);
    }
  }
  if (!job.child->ended()) return false;
  if (const std::optional<std::string>& fault = job.child->fault(); fault.has_value()) {
    return absl::InternalError(absl::StrFormat(
        "this is a fault of ours: %s, %s: with the schedule \"%s\" %s", loaded.scenario.name,
        is_proof ? std::string("its proof") : absl::StrFormat("seed %d", job.search + 1),
        job.child->state().Running().ToText(), *fault));
  }
  --all->left;
  if (is_proof) return true;
  if (outcome->check.empty()) {
    const std::size_t number_count = 2 * loaded.scenario.tasks.size();
    outcome->reached.assign(job.child->state().reached.begin(),
                            job.child->state().reached.begin() +
                                static_cast<std::ptrdiff_t>(number_count));
    outcome->runs = job.child->state().runs;
    outcome->seconds = SecondsSince(job.start);
  }
  return true;
}

class CatalogueRun {
 public:
  CatalogueRun(const std::vector<LoadedScenario>& scenarios, const CatalogueRequest& request,
               std::vector<ScenarioOutcome>* outcomes)
      : scenarios_(scenarios), request_(request), outcomes_(*outcomes) {
    outcomes_.assign(scenarios.size(), {});
    for (std::size_t s = 0; s < scenarios.size(); ++s) {
      const bool clean = scenarios[s].scenario.expected == "clean";
      outcomes_[s].searches.resize(clean ? 1 : request.seed_count);
      for (std::size_t i = 0; i < outcomes_[s].searches.size(); ++i) {
        waiting_.push_back({.scenario = s, .search = i, .child = nullptr, .start = {}});
      }
      if (request.state_count_max != 0) {
        waiting_.push_back({.scenario = s, .search = kProofJob, .child = nullptr, .start = {}});
      }
      outcomes_[s].left = outcomes_[s].searches.size() + (request.state_count_max != 0 ? 1 : 0);
    }
    std::ranges::reverse(waiting_);  // taken from the back
  }

  absl::Status Run(const CatalogueHandler& handler) {
    const std::size_t all = waiting_.size();
    while (!waiting_.empty() || !running_.empty()) {
      if (handler.interrupted && handler.interrupted()) return absl::CancelledError("interrupted");
      if (absl::Status started = StartSome(); !started.ok()) return started;
      if (absl::Status taken = TakeSome(); !taken.ok()) return taken;
      if (handler.progress) handler.progress(all - waiting_.size() - running_.size(), all);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status StartSome() {
    while (!waiting_.empty() && running_.size() < static_cast<std::size_t>(request_.job_count)) {
      Job job = std::move(waiting_.back());
      waiting_.pop_back();
      const LoadedScenario& loaded = scenarios_[job.scenario];
      job.start = Clock::now();
      absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(
          [&](const ChildPipe& pipe, ChildState* state) {
            if (job.search == kProofJob) ProveScenario(loaded, request_.state_count_max, pipe);
            SearchUntilFound(loaded, job.search + 1, request_.run_count_max, pipe, state);
          },
          ChildLimits());
      if (!child.ok()) return child.status();
      job.child = *std::move(child);
      running_.push_back(std::move(job));
    }
    return absl::OkStatus();
  }

  absl::Status TakeSome() {
    std::vector<pollfd> polled;
    polled.reserve(running_.size());
    for (const Job& job : running_) {
      polled.push_back({.fd = job.child->fd(), .events = POLLIN, .revents = 0});
    }
    (void)poll(polled.data(), polled.size(), 100);
    for (std::size_t i = running_.size(); i-- > 0;) {
      if (polled[i].revents == 0) continue;
      Job& job = running_[i];
      const absl::StatusOr<bool> done =
          TakeFrom(job, scenarios_[job.scenario], &outcomes_[job.scenario]);
      if (!done.ok()) return done.status();
      if (*done) running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return absl::OkStatus();
  }

  const std::vector<LoadedScenario>& scenarios_;
  const CatalogueRequest& request_;
  std::vector<ScenarioOutcome>& outcomes_;
  std::vector<Job> waiting_;
  std::vector<Job> running_;
};

template <class Value>
std::vector<Value> Sorted(const std::vector<SearchOutcome>& searches, Value SearchOutcome::* field) {
  std::vector<Value> values;
  values.reserve(searches.size());
  for (const SearchOutcome& search : searches) values.push_back(search.*field);
  std::ranges::sort(values);
  return values;
}

}  // namespace

bool ScenarioOutcome::AsExpected(const std::string& expected) const {
  const std::string wanted = expected == "clean" ? "" : expected;
  if (proof && proof->kind == explore::Proof::Kind::kRefuted && proof->check != wanted) return false;
  return std::ranges::all_of(searches, [&](const SearchOutcome& s) { return s.check == wanted; });
}

std::string ScenarioOutcome::Verdict() const {
  std::map<std::string, int> counts;
  for (const SearchOutcome& s : searches) ++counts[s.check.empty() ? "clean" : s.check];
  if (proof && !proof->check.empty()) counts.try_emplace(proof->check, 0);
  if (counts.size() == 1) return counts.begin()->first;
  std::string text;
  for (const auto& [verdict, count] : counts) {
    absl::StrAppendFormat(&text, "%s%s %d", text.empty() ? "" : ", ", verdict, count);
  }
  return text;
}

std::uint64_t ScenarioOutcome::RunsMedian() const {
  return Sorted(searches, &SearchOutcome::runs)[searches.size() / 2];
}
std::uint64_t ScenarioOutcome::RunsWorst() const {
  return Sorted(searches, &SearchOutcome::runs).back();
}
double ScenarioOutcome::SecondsMedian() const {
  return Sorted(searches, &SearchOutcome::seconds)[searches.size() / 2];
}
double ScenarioOutcome::SecondsSum() const {
  double sum = 0;
  for (const SearchOutcome& s : searches) sum += s.seconds;
  return sum;
}

const SearchOutcome* ScenarioOutcome::Smallest() const {
  const SearchOutcome* smallest = nullptr;
  for (const SearchOutcome& s : searches) {
    if (s.check.empty()) continue;
    if (smallest == nullptr || s.decisions < smallest->decisions) smallest = &s;
  }
  return smallest;
}

const SearchOutcome* ScenarioOutcome::Largest() const {
  const SearchOutcome* largest = nullptr;
  for (const SearchOutcome& s : searches) {
    if (s.check.empty()) continue;
    if (largest == nullptr || s.decisions > largest->decisions) largest = &s;
  }
  return largest;
}

std::optional<std::vector<std::uint32_t>> ScenarioOutcome::Reached() const {
  std::vector<std::uint32_t> reached;
  for (const SearchOutcome& s : searches) {
    if (!s.check.empty()) return std::nullopt;
    reached.resize(s.reached.size());
    for (std::size_t i = 0; i < reached.size(); ++i) reached[i] = std::max(reached[i], s.reached[i]);
  }
  return reached;
}

absl::Status CheckCatalogue(const std::vector<LoadedScenario>& scenarios,
                            const CatalogueRequest& request, const CatalogueHandler& handler,
                            std::vector<ScenarioOutcome>* outcomes) {
  SHOOTDOWN_CHECK(request.seed_count > 0);
  SHOOTDOWN_CHECK(request.run_count_max > 0);
  return CatalogueRun(scenarios, request, outcomes).Run(handler);
}

}  // namespace shootdown
