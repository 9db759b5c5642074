#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/cli/commands.h"
#include "fuzz/cli/counted.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/cli/html_report.h"
#include "fuzz/cli/json_output.h"
#include "fuzz/cli/locate.h"
#include "fuzz/cli/minimality_words.h"
#include "fuzz/cli/perfetto.h"
#include "fuzz/cli/replay_questions.h"
#include "fuzz/cli/scenario_size.h"
#include "fuzz/cli/store_option.h"
#include "fuzz/cli/terminal.h"
#include "fuzz/cli/trace_table.h"
#include "fuzz/engine/record.h"
#include "fuzz/options/name_of_a.h"
#include "fuzz/options/whole_number.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "proto/file_io.h"

namespace shootdown {
namespace {

namespace fs = std::filesystem;

struct ReplayFlags {
  std::string failure;
  std::string store;
  std::string html;
  std::string perfetto;
  std::optional<std::uint64_t> break_at;
  ReplayQuestions questions;
  bool trace = false;
  bool json = false;
};

// Asks before every step, and raises SIGTRAP before one of them: a debugger stops inside the kernel
// model's code, on the very access.
class BreakScheduler : public sim::Scheduler {
 public:
  BreakScheduler(const Schedule& schedule, sim::Row row) : inner_(schedule), row_(row) {}

  void StartRun(const sim::Machine& machine) override { inner_.StartRun(machine); }
  [[nodiscard]] sim::Move Pick(const sim::Question& question) override {
    const sim::Move move = inner_.Pick(question);
    if (move.kind == sim::Move::Kind::kStep && question.machine.row() == row_) raise(SIGTRAP);
    return move;
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override {
    return index;
  }

 private:
  ScheduleScheduler inner_;
  sim::Row row_;
};

void ExplainDifference(const Failure& failure, const Replay& replay) {
  if (replay.expected.empty() && replay.got.empty()) {
    spdlog::info("NOT reproduced: every step is as it was, and what is stored of them is not");
    spdlog::info("  expected: {}, trace hash {}", failure.check, failure.trace_hash);
    spdlog::info("  got:      {}, trace hash {}", replay.check.empty() ? "clean" : replay.check,
                 replay.trace_hash);
    return;
  }
  const auto words = [](const std::string& row) { return row.empty() ? "the end of the run" : row; };
  spdlog::info("NOT reproduced: the first difference is at step {}", replay.first_difference);
  spdlog::info("  expected: {}", words(replay.expected));
  spdlog::info("  got:      {}", words(replay.got));
  if (replay.reanchored) {
    spdlog::info(
        "  Steps of the model have moved since this failure was stored. With its decisions found "
        "again by site the same check fires: {}",
        replay.schedule.ToText());
  }
}

// A page in the place of the failure would be the end of the failure, and one in that of the other lost.
absl::Status CheckFilesToWrite(const ReplayFlags& flags) {
  std::error_code error;  // of a file that is not there: it is no other one
  for (const auto& [flag, file] : {std::pair("--html", &flags.html), {"--perfetto", &flags.perfetto}}) {
    if (file->empty() || !fs::equivalent(*file, flags.failure, error)) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: found \"%s\", which is the failure, wanted another file", flag, *file));
  }
  const auto place = [&](const std::string& file) {
    return fs::weakly_canonical(fs::absolute(file, error), error);
  };
  if (!flags.html.empty() && !flags.perfetto.empty() && place(flags.html) == place(flags.perfetto)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--perfetto: found \"%s\", as for --html, wanted another file", flags.perfetto));
  }
  return absl::OkStatus();
}

absl::Status BreakBefore(Simulation& simulation, const Schedule& schedule, std::uint64_t step) {
  const std::size_t steps = simulation.machine().log().size();
  if (step >= steps) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--break-at: found step %d, wanted one from 0 to %d", step, steps - 1));
  }
  BreakScheduler scheduler(schedule, static_cast<sim::Row>(step));
  (void)simulation.Run(scheduler);
  return absl::OkStatus();
}

// The machine's last run, into the files that were asked for, and as a table to `out`.
absl::Status ShowRun(const ReplayFlags& flags, const StoredRun& stored, const Replay& replay,
                     std::FILE* out) {
  Simulation& simulation = *stored.simulation;
  const bool failed = !replay.check.empty();
  const std::string message = failed ? check::LastFinding().message : "";
  const std::string why = failed ? std::string(check::LastFinding().check->why) : "";
  if (!flags.perfetto.empty()) {
    const std::string trace = PerfettoTrace(simulation, message);
    if (absl::Status s = WriteWholeFile(flags.perfetto, trace); !s.ok()) return s;
  }
  if (!flags.html.empty()) {
    const std::string page = HtmlReport(simulation, stored.failure, replay.schedule);
    if (absl::Status s = WriteWholeFile(flags.html, page); !s.ok()) return s;
  }
  if (flags.trace) {
    const Scenario& scenario = stored.loaded.scenario;
    const std::string table = scenario.name + ": " + SizeText(scenario, stored.found) + ".\n" +
                              TraceTable(simulation, message, why, TerminalColumns(out));
    std::fputs(table.c_str(), out);
  }
  return absl::OkStatus();
}

Json ToJson(const StoredRun& stored, const Replay& replay, std::size_t steps) {
  const Failure& failure = stored.failure;
  const Scenario& scenario = stored.loaded.scenario;
  return {{"id", FailureId(failure)},
          {"reproduced", replay.reproduced},
          {"check", replay.check},
          {"signature", failure.signature},
          {"steps", steps},
          {"trace_hash", replay.trace_hash},
          {"expected_trace_hash", failure.trace_hash},
          {"decisions", failure.anchors.size()},
          {"minimality", MinimalityJson(failure)},
          {"minimality_runs", failure.minimality_runs},
          {"tasks", scenario.tasks.size()},
          {"operations", OperationCount(scenario)},
          {"schedule", replay.schedule.ToText()}};
}

int RunReplay(const ReplayFlags& flags) {
  if (absl::Status s = CheckFilesToWrite(flags); !s.ok()) return Fail(s);
  const absl::StatusOr<StoredRun> stored = LoadStoredRun(flags.failure, flags.store);
  if (!stored.ok()) return Fail(stored.status());
  const Failure& failure = stored->failure;
  Simulation& simulation = *stored->simulation;
  const absl::StatusOr<Replay> replay = ReplayFailure(simulation, failure);
  if (!replay.ok()) return Fail(replay.status());
  const std::size_t steps = simulation.machine().log().size();
  if (flags.break_at.has_value()) {
    const absl::Status broken = BreakBefore(simulation, replay->schedule, *flags.break_at);
    if (!broken.ok()) return Fail(broken);
  }
  std::FILE* const words = flags.json ? stderr : stdout;
  if (absl::Status s = ShowRun(flags, *stored, *replay, words); !s.ok()) return Fail(s);
  // Of a failure that is not what it was there is nothing to ask.
  Json answers = Json::object();
  if (replay->reproduced) {
    AnswerQuestions(simulation, replay->schedule, failure.kind_key, flags.questions, words, answers);
  }
  if (flags.json) {
    Json whole = ToJson(*stored, *replay, steps);
    whole.update(answers);
    PrintJson(whole);
  }
  if (!replay->reproduced) {
    ExplainDifference(failure, *replay);
    return kExitFinding;
  }
  spdlog::info("{}: reproduced exactly, {}: {}", FailureId(failure), Counted(steps, "step"),
               failure.check);
  spdlog::info("  {}", MinimalityText(failure));
  return kExitDone;
}

}  // namespace

void AddReplayCommand(CLI::App& app, int* exit_status) {
  auto* const command =
      app.add_subcommand("replay", "runs a stored failure again, and compares it step by step");
  ExplainExitStatus(*command, {.done = "reproduced exactly", .finding = "did not reproduce"});
  const auto flags = std::make_shared<ReplayFlags>();
  command->add_option("FAILURE", flags->failure, "an id, the start of one, or a file")->required();
  command->add_flag("--trace", flags->trace, "shows the interleaving, a column for each CPU");
  command->add_option("--html", flags->html, "writes a page for a browser: lanes, TLBs, store buffers")
      ->check(NameOfA("file"));
  command->add_option("--perfetto", flags->perfetto, "writes a Chrome trace, for ui.perfetto.dev")
      ->check(NameOfA("file"));
  command->add_option("--break-at", flags->break_at, "raises SIGTRAP before that step")
      ->transform(WholeNumber(0));
  command->add_flag("--needs-store-buffer", flags->questions.needs_store_buffer,
                    "asks whether it fails with every store in memory at once (SC), too");
  command->add_flag("--last-chance", flags->questions.last_chance,
                    "finds the last step from which some schedule still avoids the failure");
  command->add_flag("--neighbour", flags->questions.neighbour,
                    "shows the nearest schedule that passes, side by side, and the accesses that it has "
                    "in another order");
  const auto* const search_runs =
      command
          ->add_option("--search-runs", flags->questions.run_count_max,
                       "runs, at most, for each search of --needs-store-buffer and --last-chance")
          ->transform(WholeNumber(1, std::uint64_t{1} << 40))
          ->capture_default_str();
  AddStoreOption(*command, flags->store);
  command->add_flag("--json", flags->json, "one JSON object on standard output");
  command->callback([flags, search_runs, exit_status] {
    const ReplayQuestions& asked = flags->questions;
    if (search_runs->count() != 0 && !asked.needs_store_buffer && !asked.last_chance) {
      throw CLI::RequiresError("--search-runs", "--needs-store-buffer or --last-chance");
    }
    *exit_status = RunReplay(*flags);
  });
}

}  // namespace shootdown
