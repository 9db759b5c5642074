// What the values of flags may be.
#ifndef SHOOTDOWN_FUZZ_CLI_OPTION_VALUES_H_
#define SHOOTDOWN_FUZZ_CLI_OPTION_VALUES_H_

#include <CLI/CLI.hpp>
#include <string>

namespace shootdown {

// Takes any name but none, which is what `--store "$UNSET"` gives, and `-`, by which many programs mean
// standard output: that is for tables and JSON here. `kind` is "file" or "folder".
[[nodiscard]] CLI::Validator NameOfA(const std::string& kind);

// --store, as all subcommands have it. Absent: StorePath (fuzz/cli/locate.h) says which.
CLI::Option* AddStoreOption(CLI::App& command, std::string& store);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_OPTION_VALUES_H_
