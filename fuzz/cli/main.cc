// `shootdown`: the command line over the library. See --help, and README.md.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <iostream>

#include "fuzz/cli/commands.h"
#include "fuzz/cli/exit_status.h"
#include "fuzz/cli/exit_words.h"
#include "fuzz/options/wrong_usage.h"

int main(int argc, char** argv) {
  // Where both go to one file, as in `shootdown ... >log 2>&1`, lines stay whole and in their order.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  // People's words go to standard error; standard output is for results.
  spdlog::set_default_logger(spdlog::stderr_color_st("shootdown"));
  spdlog::set_pattern("%v");

  CLI::App app("Finds the interleavings that break TLB-flush and reference-count protocols.",
               "shootdown");
  app.require_subcommand(1);
  app.set_version_flag("--version", SHOOTDOWN_VERSION);
  shootdown::ExplainExitStatus(app, {.done = "done and nothing found (replay: reproduced)",
                                     .finding = "a finding (replay: did not reproduce)",
                                     .limit = "a limit (verify) or Ctrl-C came before there was an answer"});
  shootdown::SayWrongUsageInOneLine(app);
  int exit_status = shootdown::kExitDone;
  shootdown::AddScenariosCommand(app, &exit_status);
  shootdown::AddFuzzCommand(app, &exit_status);
  shootdown::AddVerifyCommand(app, argv, &exit_status);
  shootdown::AddReplayCommand(app, &exit_status);
  shootdown::AddMinimizeCommand(app, &exit_status);
  shootdown::AddFailuresCommand(app, &exit_status);
  shootdown::AddCampaignCommand(app, &exit_status);
  shootdown::AddCoordinatorCommand(app, &exit_status);
  shootdown::AddDoctorCommand(app, &exit_status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are no errors; everything else is wrong usage.
    if (app.exit(error) != 0) return shootdown::kExitBadInput;
  }
  // Whoever reads half a result must hear that it is half.
  std::cout.flush();  // CLI11's
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) {
    return shootdown::Fail(absl::InternalError("cannot write all of the result to standard output"));
  }
  return exit_status;
}
