// --store, as all subcommands have it.
#ifndef SHOOTDOWN_FUZZ_CLI_STORE_OPTION_H_
#define SHOOTDOWN_FUZZ_CLI_STORE_OPTION_H_

#include <CLI/CLI.hpp>
#include <string>

namespace shootdown {

// Absent: StorePath (fuzz/cli/locate.h) says which.
CLI::Option* AddStoreOption(CLI::App& command, std::string& store);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_STORE_OPTION_H_
