#include <spdlog/spdlog.h>

#include "fuzz/cli/commands.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/interrupt.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/minimality_words.h"
#include "fuzz/cli/scenario_size.h"
#include "fuzz/cli/step_words.h"
#include "fuzz/cli/store_option.h"
#include "fuzz/engine/minimize_failure.h"
#include "fuzz/options/name_of_a.h"
#include "fuzz/options/whole_number.h"
#include "proto/failure_file.h"
#include "proto/file_io.h"
#include "proto/scenario_text.h"

namespace shootdown {
namespace {

struct MinimizeFlags {
  std::string failure;
  std::string store;
  std::string output;
  ProofBudget proof;
};

int RunMinimize(const MinimizeFlags& flags) {
  absl::StatusOr<StoredRun> stored = LoadStoredRun(flags.failure, flags.store);
  if (!stored.ok()) return Fail(stored.status());
  const Failure& failure = stored->failure;
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(failure.schedule_text);
  if (!schedule.ok()) return Fail(schedule.status());
  // Before there is a result to lose.
  std::unique_ptr<Store> store;
  if (!flags.output.empty()) {
    if (absl::Status s = CanWriteWholeFile(flags.output); !s.ok()) return Fail(s);
  } else {
    auto open = Store::Open(StorePath(flags.store), OpenMode::kReadWrite);
    if (!open.ok()) return Fail(open.status());
    store = *std::move(open);
  }
  NoticeInterrupts();
  const std::optional<SmallestFailure> smallest =
      MinimizeFailure(std::move(stored->simulation), failure, &PrintScenario, flags.proof);
  if (!smallest.has_value()) {
    spdlog::error("shootdown: {} does not fail as it did; replay it to see the difference",
                  FailureId(failure));
    return kExitFinding;
  }
  if (Interrupted()) spdlog::info("interrupted; it is kept as small as it is by now");
  const Failure& smaller = smallest->failure;
  const absl::StatusOr<LoadedScenario> scenario = ParseStoredScenario(smaller);
  if (!scenario.ok()) return Fail(scenario.status());
  spdlog::info("{}: {}, {} when minimized, after {}: {}", FailureId(failure),
               Counted(schedule->size(), "decision"), smaller.anchors.size(),
               Counted(smallest->run_count, "run"),
               ShownSchedule(smaller.schedule_text));
  spdlog::info("  {}", MinimalityText(smaller));
  spdlog::info("  {}", SizeText(scenario->scenario, stored->found));
  for (const auto* const proof : {&smaller.proof, &smaller.scenario_proof}) {
    for (const ProofStep& step : *proof) {
      spdlog::info("  without {}: {}", step.without, step.verdict);
    }
  }
  if (!flags.output.empty()) {
    if (absl::Status s = WriteFailureFile(flags.output, smaller); !s.ok()) return Fail(s);
    spdlog::info("  {} written", flags.output);
    return kExitDone;
  }
  if (absl::Status s = store->PutFailure(smaller); !s.ok()) return Fail(s);
  spdlog::info("  stored as {}; look at it: shootdown replay {} --trace{}", FailureId(smaller),
               FailureId(smaller), StoreFlag(flags.store));
  return kExitDone;
}

}  // namespace

void AddMinimizeCommand(CLI::App& app, int* exit_status) {
  auto* const command =
      app.add_subcommand("minimize", "removes every decision, operation and task that a failure does not need");
  ExplainExitStatus(*command, {.done = "done (after Ctrl-C: as small as it was by then)",
                               .finding = "it does not fail as it did"});
  const auto flags = std::make_shared<MinimizeFlags>();
  command->add_option("FAILURE", flags->failure, "an id, the start of one, or a file")->required();
  AddStoreOption(*command, flags->store);
  command->add_option("-o", flags->output, "writes a file instead of the store")
      ->check(NameOfA("file"));
  auto* const runs =
      command->add_option("--proof-runs", flags->proof.run_count_max,
                          "runs, at most, to try all schedules of fewer decisions; enough of them prove "
                          "the minimum, but where stores are held under PSO or RMO, or loads are old")
          ->transform(WholeNumber(1, std::uint64_t{1} << 40))
          ->capture_default_str();
  command->callback([flags, exit_status, runs] {
    flags->proof.should_stop = &Interrupted;
    // Who asks for so many runs means them, however long they are.
    if (runs->count() != 0) flags->proof.step_count_max = UINT64_MAX;
    *exit_status = RunMinimize(*flags);
  });
}

}  // namespace shootdown
