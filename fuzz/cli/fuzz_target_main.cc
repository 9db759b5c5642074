// `shootdown-fuzz`: a libFuzzer target; all of libFuzzer's flags work. One input is a schedule in
// binary form. The scenario is named by --scenario=NAME (or $SHOOTDOWN_SCENARIO); a finding prints its
// interleaving and aborts, unless --keep-going is given, so that libFuzzer keeps the input.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "fuzz/base/check.h"
#include "fuzz/cli/locate.h"
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
  std::fputs(TraceTable(*state.simulation, failure->message, failure->why).c_str(), stderr);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  State& state = TheState();
  if (const char* const name = std::getenv("SHOOTDOWN_SCENARIO"); name != nullptr) {
    state.scenario = name;
  }
  // Our flags are taken out; libFuzzer gets the rest.
  int kept = 0;
  constexpr char kScenario[] = "--scenario=";
  for (int i = 0; i < *argc; ++i) {
    char* const word = (*argv)[i];
    if (std::strncmp(word, kScenario, sizeof kScenario - 1) == 0) {
      state.scenario = word + sizeof kScenario - 1;
    } else if (std::strcmp(word, "--keep-going") == 0) {
      state.keep_going = true;
    } else {
      (*argv)[kept++] = word;
    }
  }
  *argc = kept;
  const absl::StatusOr<LoadedScenario> loaded = LoadScenario(state.scenario);
  absl::Status status = loaded.status();
  if (loaded.ok()) {
    absl::StatusOr<std::unique_ptr<Simulation>> built = BuildSimulation(*loaded);
    status = built.status();
    if (built.ok()) state.simulation = *std::move(built);
  }
  if (!status.ok()) {
    std::fprintf(stderr, "shootdown-fuzz: %s\n", std::string(status.message()).c_str());
    std::exit(2);
  }
  state.target = std::make_unique<Target>(*state.simulation);
  state.target->OnFound(&OnFound);
  SetLibFuzzerTarget(state.target.get(), &state.listener);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return RunLibFuzzerInput(data, size);
}

}  // namespace shootdown
