// What the values of flags may be.
#ifndef SHOOTDOWN_FUZZ_CLI_OPTION_VALUES_H_
#define SHOOTDOWN_FUZZ_CLI_OPTION_VALUES_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace shootdown {

// Takes decimal digits alone, from `min` to `max`. CLI11 by itself reads -1 as the largest number there
// is, what is too large as well, and 010 as eight.
[[nodiscard]] CLI::Validator WholeNumber(std::uint64_t min, std::uint64_t max = UINT64_MAX);

// Takes any name but none, which is what `--store "$UNSET"` gives. `kind` is "file" or "folder".
[[nodiscard]] CLI::Validator NameOfA(const std::string& kind);

// --store, as all subcommands have it. Absent: StorePath (fuzz/cli/locate.h) says which.
CLI::Option* AddStoreOption(CLI::App& command, std::string& store);

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_OPTION_VALUES_H_
