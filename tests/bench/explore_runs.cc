// How fast a small program is run, by a systematic search or by a strategy: one line of
// tab-separated figures, for tests/bench/executions and tests/bench/peers to make tables of.
//
//   program engine verdict executions blocked states steps_max cpu_seconds memory_kib searches
//
// verdict: `proved`, `refuted`, or `open` where a limit ended it; of a strategy `refuted` or
// `open`. Time is the process's own CPU time, without setting up. Memory is what the process held
// at most. Searches are those of --again: executions and blocked are of all of them together.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/engine/search.h"
#include "fuzz/explore/enumerate.h"
#include "fuzz/explore/source_dpor.h"
#include "fuzz/explore/state_search.h"
#include "tests/puzzles/standard_programs.h"
#include "tests/puzzles/tlb_race.h"

namespace shootdown {
namespace {

struct Flags {
  std::string program = "tlb_race";
  puzzles::TlbRaceShape shape;
  int size = 4;  // of lastzero and fib_bench
  bool tso = false;
  std::string engine = "dpor";
  std::uint64_t seed = 1;
  std::uint64_t executions_max = UINT64_MAX;
  double seconds = 0;  // 0: no limit
  bool stop_at_first = false;
  bool again = false;
  bool classes = false;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::unique_ptr<program::Program> Make(const Flags& flags) {
  const auto model = flags.tso ? sim::MemoryModel::kTso : sim::MemoryModel::kSc;
  if (flags.program == "lastzero") return program::Make(program::LastZero(flags.size), model);
  if (flags.program == "fib_bench") return program::Make(program::Fib(flags.size), model);
  puzzles::TlbRaceShape shape = flags.shape;
  shape.memory_model = model;
  return puzzles::TlbRace(shape);
}

struct Figures {
  const char* verdict = "open";
  std::uint64_t executions = 0;
  std::uint64_t blocked = 0;
  std::uint64_t states = 0;
  std::uint64_t steps_max = 0;
  std::uint64_t searches = 1;
};

void Print(const Flags& flags, const Figures& f, double start) {
  const double seconds = CpuSeconds() - start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%s\t%s\t%s\t%llu\t%llu\t%llu\t%llu\t%.6f\t%ld\t%llu\n", flags.program.c_str(),
              flags.engine.c_str(), f.verdict, static_cast<unsigned long long>(f.executions),
              static_cast<unsigned long long>(f.blocked), static_cast<unsigned long long>(f.states),
              static_cast<unsigned long long>(f.steps_max), seconds, usage.ru_maxrss,
              static_cast<unsigned long long>(f.searches));
  std::fflush(stdout);
}

template <class Options>
Options Limits(const Flags& flags, double start) {
  Options options;
  options.execution_count_max = flags.executions_max;
  options.go_on = !flags.stop_at_first;
  options.count_classes = flags.classes;
  if (flags.seconds > 0) {
    options.should_stop = [&flags, start] { return CpuSeconds() - start >= flags.seconds; };
  }
  return options;
}

Figures FiguresOf(const explore::Report& r) {
  return {.verdict = r.violation  ? "refuted"
                     : r.complete ? "proved"
                                  : "open",
          .executions = r.executions,
          .blocked = r.blocked,
          .states = r.states,
          .steps_max = r.steps_max};
}

// One search; or with --again as many as the time allows. One that it cuts off counts by its runs alone.
template <class Explore>
Figures Search(const Flags& flags, double start, const Explore& explore) {
  Figures sum = FiguresOf(explore());
  while (flags.again && CpuSeconds() - start < flags.seconds) {
    const Figures next = FiguresOf(explore());
    sum.executions += next.executions;
    sum.blocked += next.blocked;
    if (std::string_view(next.verdict) != "open") ++sum.searches;
  }
  return sum;
}

// A strategy's search ends its process at a limit, so it prints what it has got from inside.
void RunStrategy(const Flags& flags, program::Program& subject, double start) {
  const absl::StatusOr<StrategyName> strategy = ParseStrategyName(flags.engine);
  if (!strategy.ok()) {
    std::fprintf(stderr, "%s\n", std::string(strategy.status().message()).c_str());
    std::exit(2);
  }
  Figures figures;
  bool found = false;
  const auto end = [&] {
    if (found) figures.verdict = "refuted";
    Print(flags, figures, start);
    _exit(0);
  };
  SearchListener listener;
  listener.found = [&](const Target::Found& f) {
    found = true;
    figures.executions = f.run;
    if (flags.stop_at_first) end();
  };
  listener.ran = [&](const Target& target) {
    figures.executions = target.run_count();
    figures.steps_max = std::max<std::uint64_t>(figures.steps_max, target.machine().log().size());
    if (figures.executions >= flags.executions_max) end();
    if (flags.seconds > 0 && figures.executions % 256 == 0 &&
        CpuSeconds() - start >= flags.seconds) {
      end();
    }
  };
  const SearchOptions options{.seed = flags.seed};
  if (strategy->kind == StrategyName::Kind::kLibFuzzer) LibFuzzerSearch(subject, options, listener);
  SampleSearch(subject, *strategy, options, listener);
}

void Run(const Flags& flags) {
  const auto subject = Make(flags);
  const double start = CpuSeconds();
  if (flags.engine == "dpor") {
    const auto options = Limits<explore::DporOptions>(flags, start);
    Print(flags,
          Search(flags, start, [&] { return explore::SourceDpor(*subject, options).Explore(); }),
          start);
  } else if (flags.engine == "states") {
    auto options = Limits<explore::StateOptions>(flags, start);
    options.sleep_sets = true;
    options.persistent_sets = true;
    Print(flags,
          Search(flags, start, [&] { return explore::StateSearch(*subject, options).Explore(); }),
          start);
  } else if (flags.engine == "every-schedule") {
    Print(flags,
          FiguresOf(explore::Enumerate(*subject, {}, Limits<explore::Options>(flags, start))),
          start);
  } else {
    RunStrategy(flags, *subject, start);
  }
}

}  // namespace
}  // namespace shootdown

int main(int argc, char** argv) {
  shootdown::Flags flags;
  CLI::App app("executions a second of one small program under one search");
  app.add_option("--program", flags.program)
      ->check(CLI::IsMember({"tlb_race", "lastzero", "fib_bench"}));
  app.add_option("--size", flags.size, "of lastzero (threads) and fib_bench (rounds)")
      ->check(CLI::Range(1, 15));
  app.add_option("--cpus", flags.shape.cpus, "of tlb_race")->check(CLI::Range(2, 8));
  app.add_option("--pages", flags.shape.pages)->check(CLI::Range(1, 3));
  app.add_option("--accesses", flags.shape.accesses)->check(CLI::Range(1, 8));
  app.add_flag("--fixed", flags.shape.fixed);
  app.add_flag("--tso", flags.tso);
  app.add_option("--engine", flags.engine, "dpor, states, every-schedule, or a strategy's name");
  app.add_option("--seed", flags.seed);
  app.add_option("--executions-max", flags.executions_max)->check(CLI::PositiveNumber);
  app.add_option("--seconds", flags.seconds, "of CPU time");
  app.add_flag("--stop-at-first", flags.stop_at_first, "a violation ends the search");
  app.add_flag("--again", flags.again, "dpor, states: searches until --seconds are over");
  app.add_flag("--classes", flags.classes, "dpor, every-schedule: each run's class is looked at too");
  CLI11_PARSE(app, argc, argv);
  shootdown::Run(flags);
}
