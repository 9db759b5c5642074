// The subcommands of `shootdown`. Each adds itself to the program's command line; when it was chosen,
// its callback runs it and stores the exit status.
#ifndef SHOOTDOWN_FUZZ_CLI_COMMANDS_H_
#define SHOOTDOWN_FUZZ_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>

namespace shootdown {

void AddScenariosCommand(CLI::App& app, int* exit_status);
void AddFuzzCommand(CLI::App& app, int* exit_status);
// `argv`: the whole command line, which another of our programs may have to take over.
void AddVerifyCommand(CLI::App& app, char** argv, int* exit_status);
void AddReplayCommand(CLI::App& app, int* exit_status);
void AddMinimizeCommand(CLI::App& app, int* exit_status);
void AddFailuresCommand(CLI::App& app, int* exit_status);
void AddCampaignCommand(CLI::App& app, int* exit_status);
void AddCoordinatorCommand(CLI::App& app, int* exit_status);
void AddDoctorCommand(CLI::App& app, int* exit_status);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_COMMANDS_H_
