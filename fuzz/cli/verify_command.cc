#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/interrupt.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/scenario_proof.h"
#include "fuzz/cli/store_option.h"
#include "fuzz/explore/process_scheduler.h"
#include "fuzz/options/name_of_a.h"
#include "fuzz/options/whole_number.h"
#include "fuzz/process/shared_proof.h"
#include "fuzz/sim/watched.h"
#include "proto/file_io.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

struct VerifyFlags {
  std::vector<std::string> scenarios;
  std::optional<sim::MemoryModel> memory_model;
  std::uint32_t jobs = 1;
  ProofRequest proof;
};

// With the memory model that the flags ask for, if a proof of it fits.
absl::Status MakeReady(const VerifyFlags& flags, LoadedScenario& loaded) {
  const std::string name = loaded.scenario.name;
  if (flags.memory_model) {
    loaded.scenario.machine.memory_model = *flags.memory_model;
    absl::StatusOr<LoadedScenario> changed =
        ParseLoadedScenario(PrintScenario(loaded.scenario), name);
    if (!changed.ok()) return changed.status();
    loaded = *std::move(changed);
    if (absl::Status built = BuildSimulation(loaded).status(); !built.ok()) return built;
  }
  if (flags.proof.engine == ProofEngine::kDpor &&
      loaded.scenario.machine.memory_model > sim::MemoryModel::kTso) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: found %s, wanted SC or TSO for --engine dpor (--memory-model tso)", name,
        sim::NameOf(loaded.scenario.machine.memory_model)));
  }
  int processes = explore::ProcessCount(loaded.scenario.machine);
  if (flags.proof.engine == ProofEngine::kDpor && flags.proof.events != 0) {
    processes += loaded.scenario.machine.cpu_count;
  }
  if (processes <= explore::kProcessCountMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: found %d CPUs, places in store buffers and who brings events, wanted at most %d for verify",
                      name, processes, explore::kProcessCountMax));
}

// The same command by the program whose guest code is built to be watched, beside this one. Returns if that
// cannot be started.
int BecomeWatchedProgram(char** argv) {
  const std::string program = ProgramFolder() + "/shootdown-dpor";
  execv(program.c_str(), argv);
  return Fail(absl::NotFoundError(absl::StrFormat(
      "--engine dpor: %s cannot be started: %s; wanted the target shootdown-dpor to be built (by Clang, "
      "without sanitizers)",
      program, std::strerror(errno))));
}

int Verify(const VerifyFlags& flags) {
  if (!flags.proof.checkpoint.empty()) {
    if (flags.scenarios.size() != 1) {
      return Fail(absl::InvalidArgumentError(absl::StrFormat(
          "--checkpoint: found %d scenarios, wanted one", flags.scenarios.size())));
    }
    // A proof may take hours, and would end at the first checkpoint.
    if (absl::Status s = CanWriteWholeFile(flags.proof.checkpoint); !s.ok()) return Fail(s);
  }
  absl::StatusOr<std::vector<LoadedScenario>> all = LoadScenarios(flags.scenarios);
  if (!all.ok()) return Fail(all.status());
  for (LoadedScenario& loaded : *all) {
    if (absl::Status s = MakeReady(flags, loaded); !s.ok()) return Fail(s);
  }
  // Before the store is open, and threads of its own run.
  std::unique_ptr<SharedProof> jobs;
  if (flags.jobs != 1) {
    absl::StatusOr<std::unique_ptr<SharedProof>> started =
        SharedProof::Start(flags.jobs, [&](const explore::Share& share) {
          for (LoadedScenario& loaded : *all) {
            ScenarioProof(flags.proof, std::move(loaded)).TakePart(share);
          }
        });
    if (!started.ok()) return Fail(started.status());
    jobs = *std::move(started);
  }
  const absl::StatusOr<std::unique_ptr<Store>> store =
      Store::Open(StorePath(flags.proof.store), OpenMode::kReadWrite);
  if (!store.ok()) return Fail(store.status());
  NoticeInterrupts();

  Json scenarios = Json::array();
  bool found = false;
  bool unfinished = false;
  for (LoadedScenario& loaded : *all) {
    if (Interrupted()) {
      unfinished = true;
      break;
    }
    ScenarioProof one(flags.proof, std::move(loaded));
    if (absl::Status s = one.Run(jobs.get()); !s.ok()) return Fail(s);
    if (absl::Status s = one.Keep(**store); !s.ok()) return Fail(s);
    found = found || one.found();
    unfinished = unfinished || !(one.complete() || one.found());
    one.PrintSummary();
    scenarios.push_back(one.ToJson());
  }
  if (flags.proof.json) {
    PrintJson(Json{{"scenarios", std::move(scenarios)}});
  }
  return found ? kExitFinding : unfinished ? kExitLimit : kExitDone;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, char** argv, int* exit_status) {
  auto* const command = app.add_subcommand(
      "verify",
      absl::StrFormat(
          "explores all schedules of scenarios, within a bound, up to %d states, and says "
          "what that covers, and which operations none of them does",
          ScenarioProof::kStateCountMax));
  ExplainExitStatus(*command, {.done = "proved: no violation, and nothing left out",
                               .finding = "a finding",
                               .limit = "a limit or Ctrl-C came first: nothing is proved"});
  const auto flags = std::make_shared<VerifyFlags>();
  flags->proof.interrupted = &Interrupted;
  command->add_option("SCENARIO", flags->scenarios, "names, or files; each once")->required();
  auto* const engine = command->add_option_function<std::string>(
      "--engine",
      [flags](const std::string& name) {
        for (const ProofEngine named : {ProofEngine::kStates, ProofEngine::kDpor}) {
          if (name == EngineName(named)) flags->proof.engine = named;
        }
        if (name != EngineName(flags->proof.engine)) {
          throw CLI::ValidationError("--engine",
                                     absl::StrFormat("found \"%s\", wanted states or dpor", name));
        }
      },
      "states: what was reached before is not explored again (default); dpor: every order of steps that "
      "touch the same memory, without a bound but on events, under SC or TSO");
  command->add_option("--preemptions", flags->proof.preemptions,
                      "how often a CPU that could go on is left, at most (default: no bound)")
      ->transform(WholeNumber(0, explore::StateOptions::kCostMax));
  auto* const preemptions = command->get_option("--preemptions");
  command->add_option("--delays", flags->proof.delays,
                      "by how many places a step may leave the default order, all together, at most")
      ->transform(WholeNumber(0, explore::StateOptions::kCostMax))
      ->excludes(preemptions);
  command->add_option("--events", flags->proof.events,
                      "interrupts, evictions and walks from outside in a run, at most")
      ->transform(WholeNumber(0, explore::StateOptions::kEventCountMax))
      ->capture_default_str();
  command->add_option_function<std::string>(
      "--memory-model",
      [flags](const std::string& name) {
        const auto found = MemoryModels().find(name);
        if (found == MemoryModels().end()) {
          throw CLI::ValidationError(
              "--memory-model", absl::StrFormat("found \"%s\", wanted sc, tso, pso or rmo", name));
        }
        flags->memory_model = found->second;
      },
      "sc, tso, pso or rmo (default: as the scenario has it)");
  command->add_option("--seconds", flags->proof.seconds, "time for each scenario; then it is unfinished")
      ->transform(WholeNumber(1, 100'000'000));
  command->add_option("--executions", flags->proof.executions,
                      "runs for each scenario, those behind its checkpoint not counted; then it is unfinished")
      ->transform(WholeNumber(1, std::uint64_t{1} << 62));
  command->add_option("--jobs", flags->jobs, "processes that make one proof together, each with all of its memory")
      ->transform(WholeNumber(1, 256))
      ->capture_default_str();
  command->add_option("--checkpoint", flags->proof.checkpoint,
                      "a file to go on from if it is there, and to keep up to date; for one scenario")
      ->check(NameOfA("file"));
  AddStoreOption(*command, flags->proof.store);
  command->add_flag("--json", flags->proof.json, "one JSON object on standard output");
  command->callback([flags, engine, command, argv, exit_status] {
    if (flags->proof.engine == ProofEngine::kDpor) {
      for (const char* other : {"--preemptions", "--delays"}) {
        if (command->get_option(other)->count() != 0) throw CLI::ExcludesError(engine->get_name(), other);
      }
      if (!sim::GuestCodeIsWatched()) {
        *exit_status = BecomeWatchedProgram(argv);
        return;
      }
    }
    *exit_status = Verify(*flags);
  });
}

}  // namespace shootdown
