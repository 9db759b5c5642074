// Exit statuses, the same for every subcommand.
#ifndef SHOOTDOWN_FUZZ_CLI_EXIT_STATUS_H_
#define SHOOTDOWN_FUZZ_CLI_EXIT_STATUS_H_

#include <string_view>

#include "absl/status/status.h"

namespace shootdown {

enum ExitStatus : int {
  kExitDone = 0,       // nothing found; replay: reproduced exactly
  kExitFinding = 1,    // a finding; replay: did not reproduce
  kExitBadInput = 2,   // wrong usage or bad input
  kExitOurFault = 3,   // our own fault, or the machine's: a full disk, a damaged store
  kExitLimit = 4,      // a limit was reached, or somebody interrupted, before there was an answer
};

// Prints `status` as one line on standard error, behind the program's name. Returns the exit status that
// fits it.
int Fail(const absl::Status& status, std::string_view program = "shootdown");

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_EXIT_STATUS_H_
