// `shootdown-fuzz`: a libFuzzer target; all of libFuzzer's flags work. One input is a schedule in
// binary form. The scenario is named by --scenario=NAME (or $SHOOTDOWN_SCENARIO); a finding prints its
// interleaving and aborts, unless --keep-going is given, so that libFuzzer keeps the input.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/terminal.h"
#include "fuzz/cli/trace_table.h"
#include "fuzz/engine/libfuzzer_hooks.h"
#include "fuzz/engine/record.h"

namespace shootdown {
namespace {

struct State {
  std::string scenario = "seed-stale-hit";
  bool keep_going = false;
  std::unique_ptr<Simulation> simulation;
  std::unique_ptr<Target> target;
  SearchListener listener;
};

State& TheState() {
  static State state;
  return state;
}

void OnFound(const Target::Found& found) {
  State& state = TheState();
  std::fprintf(stderr, "finding: %s, schedule %s\n", found.kind_key.c_str(),
               found.exact.ToText().c_str());
  if (state.keep_going) return;
  const auto failure = RecordFailure(*state.simulation, found.exact, "");
  SHOOTDOWN_CHECK(failure.has_value());  // it has just failed
  std::fputs(TraceTable(*state.simulation, failure->message, failure->why, TerminalColumns(stderr)).c_str(),
             stderr);
  std::abort();
}

constexpr char kHelp[] =
    "Usage: shootdown-fuzz [--scenario=NAME] [--keep-going] [FLAGS] [FOLDER...]   searches\n"
    "       shootdown-fuzz [--scenario=NAME] [FLAGS] FILE...                      runs inputs again\n"
    "\n"
    "A libFuzzer target: an input is a schedule in binary form, and new ones are kept in the first FOLDER.\n"
    "\n"
    "  --scenario=NAME  a name or a file (default: $SHOOTDOWN_SCENARIO, or seed-stale-hit)\n"
    "  --keep-going     goes on after a finding, instead of showing its interleaving and aborting\n"
    "  FLAGS            libFuzzer's, with one dash: -runs=N -seed=S -jobs=N -fork=N -merge=1 ...; -help=1\n"
    "                   lists them\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage or bad input; otherwise libFuzzer's: 77 a finding, 1 an error.\n";

[[noreturn]] void Refuse(const absl::Status& why) { std::exit(Fail(why, "shootdown-fuzz")); }

// Our flags stay among the words: libFuzzer passes over them, and gives them to the processes that it
// starts for -jobs, -fork, -merge and -minimize_crash. It would pass over a mistyped one, too.
void TakeFlags(std::span<char* const> words, State& state) {
  constexpr std::string_view kScenario = "--scenario=";
  for (const std::string_view word : words) {
    if (word == "-ignore_remaining_args=1") return;
    if (word == "--help") {
      std::fputs(kHelp, stdout);
      std::exit(kExitDone);
    }
    if (word.starts_with(kScenario)) {
      state.scenario = word.substr(kScenario.size());
    } else if (word == "--keep-going") {
      state.keep_going = true;
    } else if (word.starts_with("--")) {
      Refuse(absl::InvalidArgumentError(
          absl::StrFormat("found \"%s\", wanted --scenario=NAME, --keep-going, or a flag of libFuzzer's, "
                          "which begins with one dash; see --help",
                          word)));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  State& state = TheState();
  if (const char* const name = std::getenv("SHOOTDOWN_SCENARIO"); name != nullptr) {
    state.scenario = name;
  }
  TakeFlags(std::span(*argv, static_cast<std::size_t>(*argc)).subspan(1), state);
  const absl::StatusOr<LoadedScenario> loaded = LoadScenario(state.scenario);
  absl::Status status = loaded.status();
  if (loaded.ok()) {
    absl::StatusOr<std::unique_ptr<Simulation>> built = BuildSimulation(*loaded);
    status = built.status();
    if (built.ok()) state.simulation = *std::move(built);
  }
  if (!status.ok()) Refuse(status);
  state.target = std::make_unique<Target>(*state.simulation);
  state.target->OnFound(&OnFound);
  SetLibFuzzerTarget(state.target.get(), &state.listener);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return RunLibFuzzerInput(data, size);
}

}  // namespace shootdown
