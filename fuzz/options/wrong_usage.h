// What all programs say of a command line that they do not understand.
#ifndef SHOOTDOWN_FUZZ_OPTIONS_WRONG_USAGE_H_
#define SHOOTDOWN_FUZZ_OPTIONS_WRONG_USAGE_H_

#include <CLI/CLI.hpp>

namespace shootdown {

// One line, `PROGRAM: what was wrong; see --help`, with the name that `app` was given. CLI11 by itself says
// it in two, without the program, and of a mistyped subcommand only that there is none.
void SayWrongUsageInOneLine(CLI::App& app);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_OPTIONS_WRONG_USAGE_H_
