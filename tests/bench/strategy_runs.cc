// How many schedules each strategy runs before it meets the first bug: a line `program strategy seed runs
// hit` for each search, for tests/bench/strategies to make a table of.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "fuzz/base/check.h"
#include "fuzz/engine/search.h"
#include "tests/bench/bench_scenarios.h"
#include "tests/puzzles/puzzles.h"
#include "tests/puzzles/tlb_race.h"

namespace shootdown {
namespace {

struct Flags {
  std::vector<std::string> strategies;
  std::vector<std::string> only;  // programs; empty: all
  std::string corpus;
  std::uint64_t seeds = 100;
  std::uint64_t runs_max = 20'000;
  bool without_feedback = false;
};

struct Outcome {
  std::uint64_t runs = 0;
  bool hit = false;
};

// A search ends at its first finding by ending its process; libFuzzer would end it anyway.
Outcome RunSearch(sim::Subject& subject, const StrategyName& strategy, std::uint64_t seed,
                  const Flags& flags) {
  int ends[2];
  SHOOTDOWN_CHECK(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  SHOOTDOWN_CHECK(child >= 0);
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY);
    (void)dup2(null, STDERR_FILENO);  // libFuzzer talks
    const SearchOptions options{.seed = seed,
                                .run_count_max = flags.runs_max,
                                .feedback = flags.without_feedback ? Target::Feedback::kNo
                                                                   : Target::Feedback::kYes};
    SearchListener listener;
    listener.found = [&](const Target::Found& found) {
      const Outcome outcome{.runs = found.run, .hit = true};
      SHOOTDOWN_CHECK(write(ends[1], &outcome, sizeof outcome) == sizeof outcome);
      _exit(0);
    };
    if (strategy.kind == StrategyName::Kind::kLibFuzzer) LibFuzzerSearch(subject, options, listener);
    SampleSearch(subject, strategy, options, listener);
    _exit(0);
  }
  close(ends[1]);
  Outcome outcome;
  if (read(ends[0], &outcome, sizeof outcome) != sizeof outcome) outcome = {.runs = flags.runs_max};
  close(ends[0]);
  int status = 0;
  SHOOTDOWN_CHECK(waitpid(child, &status, 0) == child);
  SHOOTDOWN_CHECK(WIFEXITED(status));
  SHOOTDOWN_CHECK(WEXITSTATUS(status) == 0);
  return outcome;
}

void RunAll(const Flags& flags, const std::string& name, sim::Subject& subject) {
  for (const std::string& text : flags.strategies) {
    const absl::StatusOr<StrategyName> strategy = ParseStrategyName(text);
    SHOOTDOWN_CHECK(strategy.ok());
    // Seeds are not shared among programs: they would not be independent.
    for (std::uint64_t n = 0; n < flags.seeds; ++n) {
      const std::uint64_t seed = Combine(HashName(name), n);
      const Outcome outcome = RunSearch(subject, *strategy, seed, flags);
      std::printf("%s\t%s\t%llu\t%llu\t%d\n", name.c_str(), text.c_str(),
                  static_cast<unsigned long long>(n), static_cast<unsigned long long>(outcome.runs),
                  outcome.hit ? 1 : 0);
    }
  }
}

bool Wanted(const Flags& flags, const std::string& name) {
  return flags.only.empty() || std::ranges::find(flags.only, name) != flags.only.end();
}

void Run(const Flags& flags) {
  for (const puzzles::Puzzle& puzzle : puzzles::Puzzles()) {
    if (Wanted(flags, puzzle.name)) RunAll(flags, puzzle.name, *puzzle.buggy());
  }
  if (Wanted(flags, "tlb_race")) RunAll(flags, "tlb_race", *puzzles::TlbRace({}));
  if (Wanted(flags, "tlb_race_noise")) {
    RunAll(flags, "tlb_race_noise", *puzzles::TlbRace({.noise_cpus = 8}));
  }
  // The same race once more: for who asks for it.
  if (std::ranges::find(flags.only, "tlb_race_one_step") != flags.only.end()) {
    RunAll(flags, "tlb_race_one_step", *puzzles::TlbRace({.mmget = puzzles::Mmget::kOneStep}));
  }
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(flags.corpus)) {
    if (file.path().extension() == ".textproto") names.push_back(file.path().stem());
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (!Wanted(flags, name)) continue;
    const Scenario scenario = CorpusScenario(name);
    if (scenario.expected != "clean") RunAll(flags, name, *BuildOrExit(scenario));
  }
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  shootdown::Flags flags;
  for (const shootdown::StrategyName& name : shootdown::AllStrategies()) {
    flags.strategies.push_back(shootdown::ToText(name));
  }
  CLI::App app("schedules to the first bug, for each strategy, program and seed");
  app.add_option("--strategies", flags.strategies)->delimiter(',');
  app.add_option("--programs", flags.only,
                 "only these; tlb_race_one_step, the race with a reference taken in one step, if named")
      ->delimiter(',');
  app.add_option("--corpus", flags.corpus, "folder of the scenarios")->envname("SHOOTDOWN_CORPUS")->required();
  app.add_option("--seeds", flags.seeds);
  app.add_flag("--without-feedback", flags.without_feedback, "no run is news");
  app.add_option("--runs-max", flags.runs_max, "a search that has found nothing by then is cut");
  CLI11_PARSE(app, argc, argv);
  shootdown::Run(flags);
}
