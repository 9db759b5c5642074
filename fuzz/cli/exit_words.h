// What a subcommand's exit statuses mean, for its --help.
#ifndef SHOOTDOWN_FUZZ_CLI_EXIT_WORDS_H_
#define SHOOTDOWN_FUZZ_CLI_EXIT_WORDS_H_

#include <CLI/CLI.hpp>
#include <string_view>

namespace shootdown {

// One entry a status of ExitStatus (fuzz/cli/exit_status.h). Empty: it does not end with that one.
struct ExitWords {
  std::string_view done = "done";
  std::string_view finding = "";
  std::string_view bad_input = "wrong usage or bad input";
  std::string_view our_fault = "our own fault or the machine's";
  std::string_view limit = "";
};

// Below the options of `command`, and of subcommands that are added to it afterwards.
void ExplainExitStatus(CLI::App& command, const ExitWords& words);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_EXIT_WORDS_H_
